"""Making, changing, ending and deleting pricing rules (H-CB2, D-41)."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from invoicing.enums import Operator
from invoicing.forms.rules import EndRuleForm, RuleForm, rule_in_words, typed_values
from invoicing.forms.tiers import TierRows
from invoicing.models import PricingRule
from invoicing.rules.price import Tier
from invoicing.selectors.rules import rule_sentence, rule_use
from invoicing.services import rules

ONE_DAY = dt.timedelta(days=1)


class RuleFormView(PermissionRequiredMixin, View, ABC):
    """The form, redrawn by ``step``: another operator, a tier more, a tier less; or saved.

    Every step is a submit button, so the form works without a script; with one, htmx swaps it.
    """

    template_name = "invoicing/rule_form.html"
    rule: PricingRule | None = None

    @abstractmethod
    def initial(self, request: HttpRequest) -> tuple[dict[str, Any], TierRows]:
        """What the form shows before anything is typed."""

    @abstractmethod
    def save(self, fields: Mapping[str, Any], tiers: tuple[Tier, ...]) -> PricingRule:
        """One call of a service; the rule as it is stored now."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        initial, rows = self.initial(request)
        return self._page(request, RuleForm(initial=initial, instance=self.rule), rows)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        step = request.POST.get("step", "save")
        if step != "save":
            return self._redrawn(request, step)
        form = RuleForm(request.POST, instance=self._copy())
        rows = TierRows.typed(request.POST, bound=True)
        valid = form.is_valid()
        tiers = rows.tiers() if form.operator == Operator.PRICE_LADDER else ()
        if valid and tiers is not None:
            try:
                rule = self.save(form.rule_fields(), tiers)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"{rule.name} is saved. {self.aftermath}")
                return redirect(rule)
        return self._page(request, form, rows, status=422)

    aftermath = "Open invoices it concerns are calculated anew."

    def _copy(self) -> PricingRule | None:
        """A model form writes into its instance; the page goes on showing the stored rule."""
        return PricingRule.objects.get(pk=self.rule.pk) if self.rule else None

    def _redrawn(self, request: HttpRequest, step: str) -> HttpResponse:
        form = RuleForm(initial=typed_values(request.POST), instance=self.rule)
        rows = TierRows.typed(request.POST, bound=False)
        added = step == "add" and not rows.is_full
        if added:
            rows = rows.with_row()
        elif step.startswith("remove-") and step.removeprefix("remove-") in {
            str(row.number) for row in rows.rows
        }:
            rows = rows.without_row(int(step.removeprefix("remove-")))
        return self._page(request, form, rows, added=added)

    def _page(
        self,
        request: HttpRequest,
        form: RuleForm,
        rows: TierRows,
        *,
        status: int = 200,
        added: bool = False,
    ) -> HttpResponse:
        shown = form
        if form.is_bound:
            shown = RuleForm(initial=typed_values(request.POST), instance=self.rule)
        context = {
            "rule": self.rule,
            "form": form,
            "rows": rows,
            "is_ladder": form.operator == Operator.PRICE_LADDER,
            "sentence": rule_in_words(shown, rows.readable_tiers()),
            "added": added,
            "use": rule_use(self.rule) if self.rule else None,
        }
        return render(request, self.template_name, context, status=status)


class RuleCreateView(RuleFormView):
    """A new rule; ``?after=ID`` begins with the values of another, the day after it ends."""

    permission_required = "invoicing.add_pricingrule"

    def initial(self, request: HttpRequest) -> tuple[dict[str, Any], TierRows]:
        number = request.GET.get("after", "")
        if number.isascii() and number.isdigit() and len(number) < 19:
            previous = get_object_or_404(PricingRule, pk=int(number))
            values = model_to_dict(previous, exclude=["id", "name", "valid_from", "valid_to"])
            if previous.valid_to is not None:
                values["valid_from"] = previous.valid_to + ONE_DAY
            return values, TierRows.of(_sorted_tiers(previous))
        values = {
            "operator": request.GET.get("operator", Operator.PRICE),
            "order": 100,
            "valid_from": timezone.localdate(),
            "product_category": request.GET.get("category"),
            "customer_cluster": request.GET.get("cluster"),
        }
        return values, TierRows.of([])

    def save(self, fields: Mapping[str, Any], tiers: tuple[Tier, ...]) -> PricingRule:
        return rules.create_rule(tiers=tiers, **fields)


class RuleEditView(RuleFormView):
    """Changes a rule; what is approved keeps what it was charged."""

    permission_required = "invoicing.change_pricingrule"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_permission():
            self.rule = get_object_or_404(PricingRule, pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: HttpRequest) -> tuple[dict[str, Any], TierRows]:
        return model_to_dict(self.rule), TierRows.of(_sorted_tiers(self.rule))

    def save(self, fields: Mapping[str, Any], tiers: tuple[Tier, ...]) -> PricingRule:
        return rules.update_rule(rule_id=self.rule.pk, tiers=tiers, **fields)


class RuleActionView(PermissionRequiredMixin, View):
    """A page that says what is about to be done to a rule, and does it."""

    template_name = ""

    def rule(self) -> PricingRule:
        found = PricingRule.objects.select_related("product_category", "customer_cluster")
        return get_object_or_404(found.prefetch_related("tiers"), pk=self.kwargs["pk"])

    def page(self, rule: PricingRule, *, status: int = 200, **context: Any) -> HttpResponse:
        shown = {"rule": rule, "sentence": rule_sentence(rule), "use": rule_use(rule)}
        return render(self.request, self.template_name, shown | context, status=status)


class RuleEndView(RuleActionView):
    """Gives a rule its last day."""

    permission_required = "invoicing.change_pricingrule"
    template_name = "invoicing/rule_end.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        rule = self.rule()
        last = rule.valid_to or max(timezone.localdate(), rule.valid_from)
        return self.page(rule, form=EndRuleForm(initial={"valid_to": last}))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        rule = self.rule()
        form = EndRuleForm(request.POST)
        if form.is_valid():
            try:
                rules.end_rule(rule_id=rule.pk, valid_to=form.cleaned_data["valid_to"])
            except DomainError as refusal:
                form.add_error("valid_to", str(refusal))
            else:
                messages.success(
                    request, f"{rule.name} ends on {form.cleaned_data['valid_to']:%d %b %Y}."
                )
                return redirect(rule)
        return self.page(rule, form=form, status=422)


class RuleDeleteView(RuleActionView):
    """Deletes a rule that nothing final was made with."""

    permission_required = "invoicing.delete_pricingrule"
    template_name = "invoicing/rule_delete.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self.page(self.rule())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        rule = self.rule()
        try:
            rules.delete_rule(rule_id=rule.pk)
        except DomainError as refusal:
            return self.page(rule, status=422, refusal=str(refusal))
        messages.success(request, f"{rule.name} is deleted.")
        return redirect("invoicing:rule-list")


def _sorted_tiers(rule: PricingRule) -> list[Any]:
    return sorted(rule.tiers.all(), key=lambda tier: (tier.up_to is None, tier.up_to or 0))
