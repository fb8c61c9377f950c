"""Search fields of the lists of sales orders and of their lines."""

import django_filters as filters
from django.db.models import Q, QuerySet

from billing_site.web.list_filters import LookedUpFilter, Source, YesNoFilter
from inventory.enums import ItemType
from inventory.models import BillingPlatform, CatalogueItem
from ledger.models import Customer
from orders.enums import BillStatus
from orders.models import OrderLine, SalesOrder


class SalesOrderFilter(filters.FilterSet):
    search = LookedUpFilter(
        Source("pk", SalesOrder.objects.all, ("number__iexact", "customer_reference__istartswith")),
        Source("customer", Customer.objects.all, ("code__istartswith", "name__icontains")),
        label="Number, reference or customer",
    )
    customer_code = LookedUpFilter(
        Source("customer", Customer.objects.all, ("code__iexact",)), label="Customer code"
    )
    ordered_on = filters.DateFromToRangeFilter(label="Ordered between")

    class Meta:
        model = SalesOrder
        fields: list[str] = []


class OrderLineFilter(filters.FilterSet):
    order = filters.CharFilter(field_name="order__number", lookup_expr="iexact", label="Order")
    customer_code = LookedUpFilter(
        Source("order__customer", Customer.objects.all, ("code__iexact",)), label="Customer code"
    )
    cli = filters.CharFilter(lookup_expr="startswith", label="CLI", max_length=20)
    item_code = LookedUpFilter(
        Source("item", CatalogueItem.objects.all, ("code__iexact",)), label="Item code"
    )
    item_type = filters.MultipleChoiceFilter(
        field_name="item__item_type", choices=ItemType, label="Type"
    )
    platform = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_platform", label="Billing route"
    )
    ready_on = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_ready", label="Ready to Bill on"
    )
    status = filters.ChoiceFilter(
        choices=BillStatus, method="by_status", label="A charge is", empty_label="In any status"
    )
    converted = YesNoFilter(
        field_name="asset", lookup_expr="isnull", exclude=True, label="Converted to an asset"
    )

    class Meta:
        model = OrderLine
        fields: list[str] = []

    def by_platform(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        return rows.filter(Q(upfront_route=value) | Q(recurring_route=value))

    def by_ready(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        return rows.ready_for(value.pk)

    def by_status(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(Q(upfront_status=value) | Q(recurring_status=value))
