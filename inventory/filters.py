"""Filters of the list of catalogue items."""

import django_filters as filters
from django.db.models import Q, QuerySet

from billing_site.web.tree_fields import TreeChoiceFilter
from inventory.enums import ItemKind, ItemType
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory


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
    active = filters.BooleanFilter(label="Active")

    class Meta:
        model = CatalogueItem
        fields = ("search", "category", "kind", "item_type", "route", "active")

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not BillingPlatform.objects.external().exists():  # nothing to choose from (L-15)
            del self.filters["route"]

    def by_text(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.matching(value)

    def by_category(self, rows: QuerySet, name: str, value: ProductCategory) -> QuerySet:
        return rows.in_category(value.pk)

    def by_route(self, rows: QuerySet, name: str, value: BillingPlatform) -> QuerySet:
        """Items with the platform on either route; an empty route is the in-house one."""
        condition = Q(upfront_route=value) | Q(recurring_route=value)
        if value.is_in_house:
            condition |= Q(upfront_route=None) | Q(recurring_route=None)
        return rows.filter(condition)
