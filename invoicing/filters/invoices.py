"""Search fields of the invoices page (CB-35..CB-44)."""

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from billing_site.web.list_filters import AmountRangeFilter, LookedUpFilter, Source, YesNoFilter
from billing_site.web.tree_fields import TreeChoiceFilter
from invoicing.enums import InvoiceStatus, InvoiceType
from invoicing.models import Invoice, InvoiceItem, PricingRule
from ledger.models import Customer, CustomerCluster

RULE_NAME_LENGTH = 120


class InvoiceFilter(filters.FilterSet):
    search = LookedUpFilter(
        Source("pk", Invoice.objects.all, ("number__startswith",), any_case=True),
        Source("pk", Invoice.objects.all, ("reference__startswith",), any_case=True),
        Source("customer", Customer.objects.all, ("code__istartswith", "name__icontains")),
        label="Number, reference or customer",
        help_text="Beginnings of numbers, references and codes; parts of customer names.",
    )
    customer_code = LookedUpFilter(
        Source("customer", Customer.objects.all, ("code__iexact",)), label="Customer code"
    )
    cluster = TreeChoiceFilter(
        queryset=CustomerCluster.objects.all(),
        method="filter_cluster",
        label="Customer cluster, with its descendants",
        empty_label="All clusters",
    )
    reference = filters.CharFilter(lookup_expr="iexact", label="Invoice reference", max_length=60)
    number = filters.CharFilter(lookup_expr="icontains", label="Invoice number", max_length=60)
    status = filters.MultipleChoiceFilter(choices=InvoiceStatus.choices, label="Status")
    type = filters.ChoiceFilter(choices=InvoiceType.choices, label="Type", empty_label="All types")
    empty = YesNoFilter(method="filter_empty", label="Empty")
    total = AmountRangeFilter(field_name="gross_total", label="Total between")
    period = filters.DateFromToRangeFilter(method="filter_period", label="Billing period")
    rule_name = filters.CharFilter(
        method="filter_rule_name", label="Pricing rule", max_length=RULE_NAME_LENGTH
    )
    rule = filters.ModelChoiceFilter(  # set by the link on the page of a rule
        queryset=PricingRule.objects.all(),
        method="filter_rule",
        label="With a result of",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "There is no such pricing rule."},
    )

    class Meta:
        model = Invoice
        fields: list[str] = []

    def filter_cluster(self, rows: QuerySet, name: str, value: CustomerCluster) -> QuerySet:
        return rows.filter(customer__cluster__path__contains=[value.pk])

    def filter_empty(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.empty() if value else rows.exclude(item_count=0)

    def filter_period(self, rows: QuerySet, name: str, value: slice) -> QuerySet:
        """Invoices whose period touches the days given."""
        if value.start:
            rows = rows.filter(period_to__gte=value.start.date())
        if value.stop:
            rows = rows.filter(period_from__lte=value.stop.date())
        return rows

    def filter_rule(self, rows: QuerySet, name: str, value: PricingRule) -> QuerySet:
        return _with_result_of(rows, [value.pk])

    def filter_rule_name(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """The rule of this name; when none has exactly this one, all whose names contain it."""
        rules = PricingRule.objects.order_by().values_list("pk", flat=True)
        found = rules.filter(name__iexact=value) or rules.filter(name__icontains=value)
        return _with_result_of(rows, list(found))


def _with_result_of(rows: QuerySet, rules: list[int]) -> QuerySet:
    items = InvoiceItem.objects.filter(invoice=OuterRef("pk"), rule__in=rules)
    return rows.filter(Exists(items)) if rules else rows.none()
