"""The way from a quantity to its price, step by step, for people who check a rule (K-10)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from billing_site.kernel.money import exact

from .price import ZERO, Tier, flat_price, graduated_price, purchase_fees, volume_price
from .selection import LadderMode


class Step(NamedTuple):
    """One line of a calculation: ``quantity`` x ``unit_price`` + ``flat_fee`` = ``amount``."""

    label: str
    quantity: Decimal
    unit_price: Decimal
    flat_fee: Decimal
    amount: Decimal


class Calculation(NamedTuple):
    """The steps and their exact total, as the price functions return it."""

    steps: tuple[Step, ...]
    total: Decimal


def unit_price_steps(
    quantity: Decimal, unit_price: Decimal, *, fee: Decimal = ZERO, purchases: int = 0
) -> Calculation:
    """Return the price of a quantity at one price per unit, with a fee for every purchase."""
    amount = flat_price(quantity, unit_price)
    first = Step("Quantity at the price per unit", quantity, unit_price, ZERO, amount)
    return _with_fees((first,), amount, fee, purchases)


def ladder_steps(
    quantity: Decimal,
    tiers: Sequence[Tier],
    mode: str,
    *,
    fee: Decimal = ZERO,
    purchases: int = 0,
) -> Calculation:
    """Return the price of a quantity on a ladder, one step per tier that charges something.

    :param tiers: as ``price.validated_tiers`` returns them.
    """
    if mode == LadderMode.VOLUME:
        return _with_fees(_volume(quantity, tiers), volume_price(quantity, tiers), fee, purchases)
    return _with_fees(_graduated(quantity, tiers), graduated_price(quantity, tiers), fee, purchases)


def _volume(quantity: Decimal, tiers: Sequence[Tier]) -> tuple[Step, ...]:
    if quantity <= 0:
        return _at_or_below_zero(quantity, tiers[0])
    for number, tier in enumerate(tiers, start=1):
        if tier.up_to is None or quantity <= tier.up_to:
            with exact():
                amount = quantity * tier.unit_price + tier.flat_fee
            label = f"Tier {number} is reached"
            return (Step(label, quantity, tier.unit_price, tier.flat_fee, amount),)
    raise AssertionError("the last tier is open")


def _graduated(quantity: Decimal, tiers: Sequence[Tier]) -> tuple[Step, ...]:
    if quantity <= 0:
        return _at_or_below_zero(quantity, tiers[0])
    steps = []
    lower = ZERO
    with exact():
        for number, (up_to, unit_price, flat_fee) in enumerate(tiers, start=1):
            end = quantity if up_to is None else min(quantity, up_to)
            part = end - lower
            amount = part * unit_price + flat_fee
            steps.append(Step(f"Tier {number}", part, unit_price, flat_fee, amount))
            if up_to is None or quantity <= up_to:
                return tuple(steps)
            lower = up_to
    raise AssertionError("the last tier is open")


def _at_or_below_zero(quantity: Decimal, first: Tier) -> tuple[Step, ...]:
    if not quantity:
        return ()
    amount = flat_price(quantity, first.unit_price)
    return (Step("A correction, at the first tier", quantity, first.unit_price, ZERO, amount),)


def _with_fees(
    steps: tuple[Step, ...], amount: Decimal, fee: Decimal, purchases: int
) -> Calculation:
    if not (fee and purchases):
        return Calculation(steps, amount)
    fees = purchase_fees(fee, purchases)
    step = Step("Fee per purchase", Decimal(purchases), fee, ZERO, fees)
    with exact():
        return Calculation((*steps, step), amount + fees)
