"""Search fields of the page of recurring charges (D-10)."""

import django_filters as filters
from django import forms

from billing_site.web.list_filters import LookedUpFilter, Source
from inventory.models import Asset, CatalogueItem
from invoicing.models import SubscriptionItem
from ledger.models import Contract, Customer
from orders.models import OrderLine, SalesOrder


class SubscriptionItemFilter(filters.FilterSet):
    customer_code = LookedUpFilter(
        Source("subscription__contract__customer", Customer.objects.all, ("code__iexact",)),
        label="Customer code",
    )
    item_code = LookedUpFilter(
        Source("item", CatalogueItem.objects.all, ("code__iexact",)), label="Item code"
    )
    order = LookedUpFilter(
        Source("order_line__order", SalesOrder.objects.all, ("number__iexact",)), label="Order"
    )
    cli = LookedUpFilter(Source("asset", Asset.objects.all, ("cli",)), label="CLI")
    contract_reference = LookedUpFilter(
        Source("subscription__contract", Contract.objects.all, ("reference__iexact",)),
        label="Contract",
    )
    contract = filters.ModelChoiceFilter(  # set by the link on the page of a contract
        field_name="subscription__contract",
        queryset=Contract.objects.all(),
        label="Contract",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "There is no such contract."},
    )
    line = filters.ModelChoiceFilter(  # set by the link of an order line
        field_name="order_line",
        queryset=OrderLine.objects.all(),
        label="Order line",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "There is no such order line."},
    )
    starts_on = filters.DateFromToRangeFilter(label="Billed from between")

    class Meta:
        model = SubscriptionItem
        fields: list[str] = []
