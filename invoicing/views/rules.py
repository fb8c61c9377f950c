"""Pricing rules: the list and the page of one (H-CB2)."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.generic import DetailView

from billing_site.kernel.money import round_money
from billing_site.web.list_parts import Export, QuickSearch
from billing_site.web.list_queries import ListQuery
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing.enums import Operator
from invoicing.filters.rules import RuleFilter
from invoicing.forms.calculator import CalculatorForm
from invoicing.models import PricingRule
from invoicing.selectors.rules import effect_of, rule_sentence, rule_use, tiers_of
from invoicing.tables.rules import RuleTable

EXPORT_COLUMNS = (
    Column("name", "Name"),
    Column("operator", "Operator"),
    Column("category", "Products below"),
    Column("cluster", "Customers below"),
    Column("effect", "What it does"),
    Column("value", "Price per unit", Kind.DECIMAL),
    Column("fee", "Fee per purchase", Kind.DECIMAL),
    Column("cost", "Cost per unit", Kind.DECIMAL),
    Column("percentage", "Percentage", Kind.DECIMAL),
    Column("currency", "Currency"),
    Column("order", "Order", Kind.INTEGER),
    Column("valid_from", "Valid from", Kind.DATE),
    Column("valid_to", "Valid to", Kind.DATE),
    Column("label", "Text on the invoice"),
)


def _export_values(rule: PricingRule) -> list[Any]:
    category, cluster = rule.product_category, rule.customer_cluster
    return [
        rule.name,
        rule.get_operator_display(),
        category.name if category else "",
        cluster.name if cluster else "",
        effect_of(rule),
        rule.value,
        rule.fee,
        rule.cost,
        rule.percentage,
        rule.currency,
        rule.order,
        rule.valid_from,
        rule.valid_to,
        rule.label,
    ]


class RuleListView(ListView):
    """All pricing rules; those valid today unless something else is asked for."""

    key = "invoicing.rule"
    permission_required = "invoicing.view_pricingrule"
    title, one, many = "Pricing rules", "rule", "rules"
    table_class = RuleTable
    filterset_class = RuleFilter
    bar_fields = ("name",)
    quick_searches = (
        QuickSearch("valid", "Valid today", lambda rows: rows.valid_on(timezone.localdate())),
        QuickSearch("future", "Future", lambda rows: rows.not_yet_valid(timezone.localdate())),
        QuickSearch("ended", "Ended", lambda rows: rows.ended(timezone.localdate())),
        QuickSearch("all", "All", lambda rows: rows),
    )
    ordering = ("operator", "order", "name")
    export = Export(columns=EXPORT_COLUMNS, values=_export_values)
    row_template = "invoicing/_rule_row.html"
    template_name = "invoicing/rule_list.html"
    empty_title = "No pricing rules yet"
    empty_text = "A rule gives a price, a percentage or VAT to the purchases of its scope."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return PricingRule.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("product_category", "customer_cluster").prefetch_related("tiers")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.GET:
            return redirect(f"{request.path}?quick=valid")
        return super().get(request, *args, **kwargs)

    def _tabs(self, query: ListQuery, counts: Any = None) -> list[dict[str, Any]]:
        """Without the kit's own first tab: here All is the last, and an address of its own."""
        tabs = super()._tabs(query, counts)[1:]
        if query.quick is None:
            tabs[-1]["current"] = True
        return tabs


class RuleDetailView(PermissionRequiredMixin, DetailView):
    """What a rule does, where it is used, what became of it, and a calculator to try it."""

    permission_required = "invoicing.view_pricingrule"
    context_object_name = "rule"
    template_name = "invoicing/rule_detail.html"

    def get_queryset(self) -> QuerySet[PricingRule]:
        return PricingRule.objects.select_related(
            "product_category", "customer_cluster"
        ).prefetch_related("tiers")

    def get_template_names(self) -> list[str]:
        if self.request.htmx and self.request.GET.get("part") == "calculator":
            return ["invoicing/_rule_calculator.html"]
        return [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule = self.object
        context = super().get_context_data(**kwargs) | self._calculator()
        if self.get_template_names() != [self.template_name]:
            return context
        today = timezone.localdate()
        return context | {
            "sentence": rule_sentence(rule),
            "tiers": tiers_of(rule),
            "use": rule_use(rule),
            "is_ladder": rule.operator == Operator.PRICE_LADDER,
            "has_amounts": rule.operator in (Operator.PRICE, Operator.PRICE_LADDER),
            "is_future": rule.valid_from > today,
            "is_ended": rule.valid_to is not None and rule.valid_to < today,
        }

    def _calculator(self) -> dict[str, Any]:
        asked = "currency" in self.request.GET
        form = CalculatorForm(self.request.GET if asked else None, rule=self.object)
        if not (asked and form.is_valid()):
            return {"calculator": form}
        found = form.calculation()
        currency = form.cleaned_data["currency"]
        return {
            "calculator": form,
            "calculation": found,
            "calculation_currency": currency,
            "rounded": round_money(found.total, currency),
            "is_percentage": self.object.percentage is not None,
        }
