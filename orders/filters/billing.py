"""Filters of Billing Export, of its files and of its transfers (L-35, L-36)."""

import django_filters as filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet, Value

from billing_site.web.list_filters import LookedUpFilter, Source
from inventory.enums import ItemType
from inventory.models import BillingPlatform
from ledger.models import Customer
from orders.enums import ExportKind, Track
from orders.models import BillStatusEvent, ExportFile, OrderLine, SalesOrder, TransferBatch

NO_SUCH_ROUTE = "There is no such outside platform; choose one of the list."


def external_platforms(request=None) -> QuerySet:
    return BillingPlatform.objects.external()


def customers(path: str) -> Source:
    return Source(path, Customer.objects.all, ("code__exact",), any_case=True)


def orders(path: str) -> Source:
    return Source(path, SalesOrder.objects.all, ("number__exact",), any_case=True)


class BillingExportFilter(filters.FilterSet):
    """``platform`` is the route drop-down; the page shows it at the top right."""

    platform = filters.ModelChoiceFilter(
        queryset=external_platforms,
        method="by_platform",
        label="Billing route",
        empty_label="Choose a route…",
        error_messages={"invalid_choice": NO_SUCH_ROUTE},
    )
    customer_code = LookedUpFilter(customers("order__customer"), label="Customer code")
    order_number = LookedUpFilter(orders("order"), label="Order number")
    cli = filters.CharFilter(method="by_cli", max_length=40, label="CLI begins with")
    item_type = filters.MultipleChoiceFilter(
        field_name="item__item_type", choices=ItemType, label="Item type"
    )

    class Meta:
        model = OrderLine
        fields: list[str] = []

    def by_platform(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        """Lines with a charge that would move; each row knows the route for its cells."""
        return rows.ready_for(value.pk).annotate(chosen_route=Value(value.pk))

    def by_cli(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """As written on paper: spaces in the number do not matter."""
        return rows.filter(cli__startswith="".join(value.split()))


class ExportFileFilter(filters.FilterSet):
    platform = filters.ModelChoiceFilter(
        queryset=external_platforms, label="Platform", empty_label="Every platform"
    )
    kind = filters.ChoiceFilter(choices=ExportKind, label="Kind", empty_label="Both kinds")
    by = LookedUpFilter(
        Source("by", get_user_model().objects.all, ("username__iexact",)), label="Made by"
    )

    class Meta:
        model = ExportFile
        fields: list[str] = []


class TransferBatchFilter(filters.FilterSet):
    platform = filters.ModelChoiceFilter(
        queryset=external_platforms, label="Platform", empty_label="Every platform"
    )
    by = LookedUpFilter(
        Source("by", get_user_model().objects.all, ("username__iexact",)), label="Transferred by"
    )
    at = filters.DateFromToRangeFilter(label="Day")

    class Meta:
        model = TransferBatch
        fields: list[str] = []


class TransferredTrackFilter(filters.FilterSet):
    """``batch`` comes from the address of the page."""

    batch = filters.ModelChoiceFilter(
        queryset=TransferBatch.objects.all(), label="Transfer", widget=forms.HiddenInput
    )
    customer_code = LookedUpFilter(customers("line__order__customer"), label="Customer code")
    order_number = LookedUpFilter(orders("line__order"), label="Order number")
    track = filters.ChoiceFilter(choices=Track, label="Charge", empty_label="Both charges")

    class Meta:
        model = BillStatusEvent
        fields: list[str] = []
