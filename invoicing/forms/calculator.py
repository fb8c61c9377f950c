"""Trying a pricing rule: a quantity in, its price with every step out."""

from decimal import Decimal
from typing import Any

from django import forms

from billing_site.web.decimal_fields import PlainDecimalField
from invoicing.enums import Operator
from invoicing.forms.decimals import DecimalText
from invoicing.models import PricingRule
from invoicing.rules.errors import TierRefused
from invoicing.rules.price import ZERO, flat_price, validated_tiers
from invoicing.rules.steps import Calculation, Step, ladder_steps, unit_price_steps
from invoicing.selectors.rules import currencies_in_use, tiers_of

HUNDREDTH = Decimal("0.01")


class CalculatorForm(forms.Form):
    """Asks for what the rule's operator needs and no more."""

    quantity = PlainDecimalField(max_digits=21, decimal_places=6, widget=DecimalText)
    catalogue_price = PlainDecimalField(
        label="Catalogue price of one",
        max_digits=24,
        decimal_places=10,
        min_value=0,
        widget=DecimalText,
    )
    purchases = forms.IntegerField(
        label="Number of purchases",
        min_value=0,
        max_value=1_000_000_000,
        initial=1,
        widget=DecimalText(attrs={"inputmode": "numeric"}),
    )
    amount = PlainDecimalField(
        label="Amount it is applied to", max_digits=19, decimal_places=4, widget=DecimalText
    )
    currency = forms.ChoiceField(label="Rounded for", widget=forms.Select)

    def __init__(self, data: Any = None, *, rule: PricingRule) -> None:
        super().__init__(data)
        self.rule = rule
        self.tiers = tiers_of(rule)
        needed = {"currency"}
        if rule.operator in (Operator.PRICE, Operator.PRICE_LADDER):
            needed.add("quantity")
            if rule.fee:
                needed.add("purchases")
            if rule.operator == Operator.PRICE and rule.value is None:
                needed.add("catalogue_price")
        else:
            needed.add("amount")
        for name in set(self.fields) - needed:
            del self.fields[name]
        codes = [rule.currency] if rule.currency else currencies_in_use() or ["EUR"]
        self.fields["currency"].choices = [(code, code) for code in codes]
        for field in self.fields.values():
            field.widget.attrs["class"] = (
                "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.rule.operator == Operator.PRICE_LADDER:
            try:
                validated_tiers(self.tiers)
            except TierRefused as refusal:
                self.add_error(None, str(refusal))
        return data

    def calculation(self) -> Calculation:
        """The steps; called when the form is valid."""
        rule, data = self.rule, self.cleaned_data
        if rule.operator in (Operator.ADJUST_PERCENTAGE, Operator.VAT):
            amount, rate = data["amount"], rule.percentage or ZERO
            result = flat_price(flat_price(amount, rate), HUNDREDTH)
            label = f"{'VAT' if rule.operator == Operator.VAT else 'Percentage'} of the amount"
            return Calculation((Step(label, amount, rate, ZERO, result),), result)
        shared = {"fee": rule.fee, "purchases": data.get("purchases") or 0}
        if rule.operator == Operator.PRICE_LADDER:
            return ladder_steps(data["quantity"], self.tiers, rule.ladder_mode, **shared)
        price = rule.value if rule.value is not None else data["catalogue_price"]
        return unit_price_steps(data["quantity"], price, **shared)
