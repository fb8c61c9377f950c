"""Filters of the lists of catalogue items and of assets."""

import django_filters as filters
from django.db.models import Q, QuerySet

from billing_site.web.list_filters import LookedUpFilter, Source, YesNoFilter
from billing_site.web.tree_fields import TreeChoiceFilter
from inventory.enums import ItemKind, ItemType
from inventory.models import Asset, BillingPlatform, CatalogueItem, ProductCategory
from ledger.models import Customer


class CatalogueItemFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", label="Code or name")
    category = TreeChoiceFilter(
        queryset=ProductCategory.objects.all(),
        method="by_category",
        label="Category",
        empty_label="Every category",
    )
    kind = filters.ChoiceFilter(choices=ItemKind, label="Kind")
    item_type = filters.MultipleChoiceFilter(choices=ItemType, label="Type")
    route = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_route", label="Billing route"
    )
    upfront_route = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_one_route", label="Up-front route"
    )
    recurring_route = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_one_route", label="Recurring route"
    )
    active = YesNoFilter(label="Active")

    class Meta:
        model = CatalogueItem
        fields = (
            "search",
            "category",
            "kind",
            "item_type",
            "route",
            "upfront_route",
            "recurring_route",
            "active",
        )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not BillingPlatform.objects.external().exists():  # nothing to choose from (L-15)
            for name in ("route", "upfront_route", "recurring_route"):
                del self.filters[name]

    def by_text(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.matching(value)

    def by_category(self, rows: QuerySet, name: str, value: ProductCategory) -> QuerySet:
        return rows.in_category(value.pk)

    def by_route(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        """Items with the platform on either route."""
        return rows.filter(_on("upfront_route", value) | _on("recurring_route", value))

    def by_one_route(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        return rows.filter(_on(name, value))


class AssetFilter(filters.FilterSet):
    search = filters.CharFilter(
        method="by_text", label="Asset, CLI or serial begins with", max_length=100
    )
    customer = LookedUpFilter(
        Source(
            "customer",
            Customer.objects.all,
            ("code__iexact", "name__icontains"),
        ),
        label="Customer",
    )
    cli = filters.CharFilter(method="by_cli", label="CLI begins with", max_length=40)
    item = LookedUpFilter(
        Source("item", CatalogueItem.objects.all, ("code__iexact", "name__icontains")),
        label="Item",
    )
    route = filters.ModelChoiceFilter(
        queryset=BillingPlatform.objects.all(), method="by_route", label="Billing route"
    )

    class Meta:
        model = Asset
        fields = ("search", "customer", "cli", "item", "route")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not BillingPlatform.objects.external().exists():  # nothing to choose from (L-15)
            del self.filters["route"]

    def by_text(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.matching(value)

    def by_cli(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.with_cli(value)

    def by_route(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        """Assets with the platform on either route."""
        return rows.filter(_on("upfront_route", value) | _on("recurring_route", value))


def _on(name: str, platform: BillingPlatform) -> Q:
    """Rows with the platform on one route; an empty route is the in-house one."""
    condition = Q(**{name: platform})
    return condition | Q(**{name: None}) if platform.is_in_house else condition
