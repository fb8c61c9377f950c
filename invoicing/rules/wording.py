"""What a pricing rule does, in one sentence that a person can check before saving it."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from billing_site.kernel.money import format_quantity

from .price import ZERO, Tier
from .selection import LadderMode, Operator

MISSING = "…"


def scope_in_words(category: str | None, cluster: str | None, currency: str = "") -> str:
    """Return which purchases a rule is for; names of the nodes, None or empty for all.

    >>> scope_in_words("Cloud", "Enterprise")
    'All products below Cloud, for customers below Enterprise'
    """
    products = f"All products below {category}" if category else "All products"
    customers = f"for customers below {cluster}" if cluster else "for all customers"
    money = f", invoiced in {currency}" if currency else ""
    return f"{products}, {customers}{money}"


def effect_in_words(
    operator: str,
    *,
    value: Decimal | None = None,
    fee: Decimal | None = None,
    percentage: Decimal | None = None,
    ladder_mode: str = "",
    tiers: Sequence[Tier] = (),
    currency: str = "",
) -> str:
    """Return what a rule does; what is not entered yet is an ellipsis, never an error.

    >>> effect_in_words("adjust_percentage", percentage=Decimal("-6.0000"))
    '-6 %'
    """
    if operator == Operator.VAT:
        return f"{_number(percentage)} % VAT"
    if operator == Operator.ADJUST_PERCENTAGE:
        sign = "+" if percentage is not None and percentage > ZERO else ""
        return f"{sign}{_number(percentage)} %"
    unit = f" {currency}" if currency else ""
    if operator == Operator.PRICE_LADDER:
        text = _ladder_in_words(ladder_mode, tiers, unit)
    elif value is None:
        text = "the catalogue price"
    else:
        text = f"{format_quantity(value)}{unit} per unit"
    return f"{text}, plus {format_quantity(fee)}{unit} per purchase" if fee else text


def validity_in_words(valid_from: dt.date | None, valid_to: dt.date | None) -> str:
    """Return on which days a rule applies, both ends included.

    >>> validity_in_words(dt.date(2026, 5, 1), None)
    'from 1 May 2026 on'
    """
    first = _day(valid_from) if valid_from is not None else MISSING
    if valid_to is None:
        return f"from {first} on"
    return f"on {first} only" if valid_from == valid_to else f"from {first} to {_day(valid_to)}"


def _ladder_in_words(mode: str, tiers: Sequence[Tier], unit: str) -> str:
    if not tiers:
        return f"a ladder of {MISSING}"
    steps = []
    for tier in tiers:
        beyond = "above" if len(tiers) > 1 else "for every quantity"
        reach = f"up to {format_quantity(tier.up_to)}" if tier.up_to is not None else beyond
        flat = f" plus {format_quantity(tier.flat_fee)}{unit} flat" if tier.flat_fee else ""
        steps.append(f"{format_quantity(tier.unit_price)}{unit} per unit{flat} {reach}")
    how = "all at the tier reached" if mode == LadderMode.VOLUME else "each slice in its tier"
    return f"{'; '.join(steps)} ({how})"


def _number(value: Decimal | None) -> str:
    return MISSING if value is None else format_quantity(value)


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b} {day.year}"
