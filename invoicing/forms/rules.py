"""Making and changing a pricing rule: the fields of the chosen operator, and no others (CB-2)."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.models import construct_instance
from django.forms.widgets import Widget

from billing_site.web.decimal_fields import PlainDecimalField
from billing_site.web.tree_fields import TreeChoiceField
from inventory.models import ProductCategory
from invoicing.enums import LadderMode, Operator
from invoicing.forms.decimals import DecimalText
from invoicing.models import PricingRule
from invoicing.rules.wording import effect_in_words, scope_in_words, validity_in_words
from invoicing.selectors.rules import currencies_in_use
from ledger.models import CustomerCluster

SHARED_FIELDS = ("name", "operator", "product_category", "customer_cluster", "order")
VALIDITY_FIELDS = ("valid_from", "valid_to")
REDRAW = {  # asks for the form of the operator just chosen
    "hx-post": "",
    "hx-vals": '{"step": "redraw"}',
    "hx-trigger": "change",
    "hx-target": "#rule-form",
    "hx-select": "#rule-form",
    "hx-swap": "outerHTML",
}
OWN_FIELDS: dict[str, tuple[str, ...]] = {
    Operator.PRICE: ("value", "fee", "cost", "currency", "label"),
    Operator.PRICE_LADDER: ("ladder_mode", "fee", "cost", "currency", "label"),
    Operator.ADJUST_PERCENTAGE: ("percentage", "label"),
    Operator.VAT: ("percentage", "label"),
}
# What a field holds where the operator has no use for it.
NEUTRAL: dict[str, Any] = {
    "value": None,
    "fee": Decimal(0),
    "cost": None,
    "percentage": None,
    "ladder_mode": "",
    "currency": "",
    "label": "",
}
EARLIEST, LATEST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)
SENSIBLE_DAY = [
    MinValueValidator(EARLIEST, message=f"Give a day from {EARLIEST:%Y-%m-%d} on."),
    MaxValueValidator(
        LATEST, message=f"Give a day up to {LATEST:%Y-%m-%d}; no end: leave it empty."
    ),
]


class DateText(forms.DateInput):
    """A day; the browser offers its calendar, the server reads ISO 8601."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "form-control"} | (attrs or {}), format="%Y-%m-%d")


class RuleForm(forms.ModelForm):
    """The form of one operator; ``operator`` of the data or the initial values chooses which."""

    product_category = TreeChoiceField(
        ProductCategory.objects.all(),
        required=False,
        empty_label="Every product, no category",
        label="Products below the category",
    )
    customer_cluster = TreeChoiceField(
        CustomerCluster.objects.all(),
        required=False,
        empty_label="Every customer, no cluster",
        label="Customers below the cluster",
    )
    currency = forms.ChoiceField(
        required=False,
        label="Only for invoices in",
        help_text="The amounts of the rule are in this currency.",
    )
    fee = PlainDecimalField(
        required=False,
        max_digits=24,
        decimal_places=10,
        label="Fee per purchase",
        help_text="Added for every purchase that used something.",
        widget=DecimalText,
    )
    order = forms.IntegerField(
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text="Lowest first among rules of equal scope.",
        widget=DecimalText(attrs={"inputmode": "numeric"}),
    )
    valid_from = forms.DateField(label="Valid from", widget=DateText, validators=SENSIBLE_DAY)
    valid_to = forms.DateField(
        label="Valid to",
        required=False,
        help_text="The last day; empty: no end.",
        widget=DateText,
        validators=SENSIBLE_DAY,
    )

    class Meta:
        model = PricingRule
        fields = (*SHARED_FIELDS, *NEUTRAL, *VALIDITY_FIELDS)
        widgets: dict[str, Widget] = {
            "value": DecimalText(),
            "cost": DecimalText(),
            "percentage": DecimalText(),
        }
        field_classes = dict.fromkeys(("value", "cost", "percentage"), PlainDecimalField)
        error_messages = {
            "name": {"unique": "There is a rule of this name already; choose another name."}
        }

    def __init__(self, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        given = (data or {}).get("operator") or self.get_initial_for_field(
            self.fields["operator"], "operator"
        )
        self.operator = given if given in OWN_FIELDS else Operator.PRICE
        for name in NEUTRAL:
            if name not in OWN_FIELDS[self.operator]:
                del self.fields[name]
        self._dress()

    def _dress(self) -> None:
        self.fields["operator"].choices = Operator.choices  # no empty choice
        self.fields["operator"].widget.attrs |= REDRAW
        if "ladder_mode" in self.fields:
            self.fields["ladder_mode"].choices = LadderMode.choices
            self.fields["ladder_mode"].required = True
        if "percentage" in self.fields:
            self.fields["percentage"].required = True
            if self.operator == Operator.VAT:
                self.fields["percentage"].help_text = "19 adds 19 %."
        if "currency" in self.fields:
            known = currencies_in_use()
            stored = self.instance.currency
            known = sorted({*known, stored} - {""})
            self.fields["currency"].choices = [("", "every currency"), *((c, c) for c in known)]
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.Select):
                field.widget.attrs.setdefault("class", "form-select")
            else:
                field.widget.attrs.setdefault("class", "form-control")
                field.widget.attrs.setdefault("autocomplete", "off")
            if field.help_text:
                field.widget.attrs.setdefault("aria-describedby", f"help-{name}")

    def clean_percentage(self) -> Decimal:
        percentage = self.cleaned_data["percentage"]
        low, high = (0, 100) if self.operator == Operator.VAT else (-100, 999)
        if not low <= percentage <= high:
            raise ValidationError(f"A percentage here is from {low} to {high}.")
        return percentage

    def _amount(self, name: str) -> Decimal | None:
        amount = self.cleaned_data[name]
        if amount is not None and amount < 0:
            raise ValidationError("Must not be negative; to take something off, add a percentage.")
        return amount

    def clean_value(self) -> Decimal | None:
        return self._amount("value")

    def clean_cost(self) -> Decimal | None:
        return self._amount("cost")

    def clean_fee(self) -> Decimal:
        return self._amount("fee") or Decimal(0)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("valid_from"), data.get("valid_to")
        if first and last and last < first:
            self.add_error("valid_to", "The last day is before the first; choose a later one.")
        return data

    def _post_clean(self) -> None:
        """Fields and name only; the constraints are left to the service, whose refusal names the
        other rule and the remedy (D-41).
        """
        self.instance = construct_instance(self, self.instance, self._meta.fields)
        try:
            self.instance.clean_fields(exclude=self._get_validation_exclusions())
        except ValidationError as error:
            self._update_errors(error)
        self.validate_unique()

    def rule_fields(self) -> dict[str, Any]:
        """Every field for the service, neutral where the operator has no use for it."""
        return NEUTRAL | self.cleaned_data

    def as_shown(self) -> list[forms.BoundField]:
        """The fields of the operator's own block, in their order."""
        return [self[name] for name in OWN_FIELDS[self.operator]]


def typed_values(data: Mapping[str, str]) -> dict[str, str]:
    """What was typed so far, as initial values of a form that says nothing about errors yet."""
    return {name: data[name] for name in RuleForm.base_fields if name in data}


def rule_in_words(form: RuleForm, tiers: Any) -> str:
    """What the rule would do, from what can be read of a form; it needs no complete form."""
    read: dict[str, Any] = {}
    for name, field in form.fields.items():
        try:
            read[name] = field.clean(form.initial.get(name))
        except ValidationError:
            read[name] = None
    return sentence(read, form.operator, tiers)


def sentence(values: Mapping[str, Any], operator: str, tiers: Any) -> str:
    """``All products below Cloud, for customers below Enterprise: -6 %; from 1 May 2026 on.``"""
    category, cluster = values.get("product_category"), values.get("customer_cluster")
    scope = scope_in_words(
        str(category) if category else None,
        str(cluster) if cluster else None,
        values.get("currency") or "",
    )
    effect = effect_in_words(
        operator,
        value=values.get("value"),
        fee=values.get("fee"),
        percentage=values.get("percentage"),
        ladder_mode=values.get("ladder_mode") or "",
        tiers=tiers,
        currency=values.get("currency") or "",
    )
    validity = validity_in_words(values.get("valid_from"), values.get("valid_to"))
    return f"{scope}: {effect}; {validity}."


class EndRuleForm(forms.Form):
    """The last day of a rule."""

    valid_to = forms.DateField(
        label="Last day",
        help_text="The rule still applies on this day.",
        widget=DateText,
        validators=SENSIBLE_DAY,
    )
