"""Search fields of the pricing rules page (H-CB2)."""

import django_filters as filters
from django.db.models import QuerySet

from billing_site.web.tree_fields import TreeChoiceFilter
from inventory.models import ProductCategory
from invoicing.enums import Operator
from invoicing.models import PricingRule
from invoicing.selectors.rules import currencies_in_use
from ledger.models import CustomerCluster


class RuleFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains", label="Name", max_length=120)
    operator = filters.MultipleChoiceFilter(choices=Operator.choices, label="Operator")
    category = TreeChoiceFilter(
        queryset=ProductCategory.objects.all(),
        method="filter_category",
        label="For products of the category",
        empty_label="Every category",
    )
    cluster = TreeChoiceFilter(
        queryset=CustomerCluster.objects.all(),
        method="filter_cluster",
        label="For customers of the cluster",
        empty_label="Every cluster",
    )
    currency = filters.ChoiceFilter(
        choices=lambda: [(code, code) for code in currencies_in_use()],
        label="Currency",
        empty_label="Every currency",
    )
    valid_on = filters.DateFilter(method="filter_valid_on", label="Valid on")

    class Meta:
        model = PricingRule
        fields: list[str] = []

    def filter_category(self, rows: QuerySet, name: str, value: ProductCategory) -> QuerySet:
        """Rules that touch a product of the category: scoped to it, above it, or to all."""
        return rows.for_category_path(value.path)

    def filter_cluster(self, rows: QuerySet, name: str, value: CustomerCluster) -> QuerySet:
        """Rules that touch a customer of the cluster: scoped to it, above it, or to all."""
        return rows.for_cluster_path(value.path)

    def filter_valid_on(self, rows: QuerySet, name: str, value) -> QuerySet:
        return rows.valid_on(value)
