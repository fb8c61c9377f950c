"""The tiers of a price ladder as rows of a form (K-10)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from billing_site.web.decimal_fields import PlainDecimalField, plain
from invoicing.forms.decimals import DecimalText
from invoicing.rules.errors import TierRefused
from invoicing.rules.price import ZERO, Tier, validated_tiers

MOST_TIERS = 50
PREFIX = "tier"
COUNT = f"{PREFIX}-count"


class TierRow(forms.Form):
    """One tier; a row with nothing in it is no tier."""

    up_to = PlainDecimalField(
        label="Up to and including",
        required=False,
        max_digits=30,
        decimal_places=15,
        widget=DecimalText(attrs={"placeholder": "no end"}),
    )
    unit_price = PlainDecimalField(
        label="Price per unit", required=False, max_digits=24, decimal_places=10, widget=DecimalText
    )
    flat_fee = PlainDecimalField(
        label="Flat fee",
        required=False,
        max_digits=24,
        decimal_places=10,
        widget=DecimalText(attrs={"placeholder": "0"}),
    )

    def __init__(self, *args: Any, number: int, **kwargs: Any) -> None:
        super().__init__(*args, empty_permitted=True, use_required_attribute=False, **kwargs)
        self.number = number
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"Tier {number}: {field.label}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in ("unit_price", "flat_fee"):
            if (amount := data.get(name)) is not None and amount < 0:
                self.add_error(name, "Must not be negative.")
        if data.get("unit_price") is None and "unit_price" not in self.errors:
            self.add_error("unit_price", "Enter the price per unit; 0 is one too.")
        return data

    def tier(self) -> Tier:
        data = self.cleaned_data
        return Tier(data["up_to"], data["unit_price"], data["flat_fee"] or ZERO)


class TierRows:
    """All rows as they were typed; ``errors`` has what concerns the ladder as a whole.

    The order of the rows is the order of the tiers; the pure rules say what they must be.
    """

    def __init__(self, values: Sequence[Mapping[str, str]], *, bound: bool) -> None:
        values = list(values)[:MOST_TIERS] or [{}]
        self.bound = bound
        self.errors: list[str] = []
        self.rows: list[TierRow] = []
        for number, row in enumerate(values, start=1):
            prefix = f"{PREFIX}-{number}"
            if bound:
                data = {f"{prefix}-{name}": text for name, text in row.items()}
                self.rows.append(TierRow(data, prefix=prefix, number=number))
            else:
                self.rows.append(TierRow(initial=row, prefix=prefix, number=number))
        self.values = values

    @classmethod
    def typed(cls, data: Mapping[str, str], *, bound: bool) -> "TierRows":
        """The rows of a submitted form; ``bound`` ones are checked, and empty ones left out."""
        values = _typed_values(data)
        if bound:
            values = [row for row in values if any(text.strip() for text in row.values())]
        return cls(values, bound=bound)

    @classmethod
    def of(cls, tiers: Sequence[Any]) -> "TierRows":
        """The rows of stored tiers."""
        return cls(
            [
                {
                    "up_to": plain(tier.up_to),
                    "unit_price": plain(tier.unit_price),
                    "flat_fee": plain(tier.flat_fee) if tier.flat_fee else "",
                }
                for tier in tiers
            ],
            bound=False,
        )

    def with_row(self) -> "TierRows":
        return TierRows([*self.values, {}], bound=False)

    def without_row(self, number: int) -> "TierRows":
        kept = [row for at, row in enumerate(self.values, start=1) if at != number]
        return TierRows(kept, bound=False)

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= MOST_TIERS

    def tiers(self) -> tuple[Tier, ...] | None:
        """The tiers; None when they cannot price every quantity, with the reason in the rows."""
        filled = [row for row in self.rows if row.has_changed()]
        if any(row.errors for row in filled):
            return None
        try:
            return validated_tiers([row.tier() for row in filled])
        except TierRefused as refusal:
            self.errors.append(str(refusal))
            return None

    def readable_tiers(self) -> list[Tier]:
        """The rows that can be read already, for the preview."""
        copy = TierRows(self.values, bound=True)
        return [row.tier() for row in copy.rows if row.has_changed() and row.is_valid()]


def _typed_values(data: Mapping[str, str]) -> list[dict[str, str]]:
    text = data.get(COUNT, "")
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return [
        {name: data.get(f"{PREFIX}-{number}-{name}", "") for name in TierRow.base_fields}
        for number in range(1, min(count, MOST_TIERS) + 1)
    ]
