"""What a quantity costs: flat, graduated and volume prices (K-10). Exact, never rounded here.

A negative quantity is a net correction: more was taken back than used. Which tier the corrected
use was in is not known any more, so every price function charges the first tier's unit price for
it, symmetrically to the positive quantity, and no flat fee.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from billing_site.kernel.money import exact

from .errors import TierRefused

ZERO = Decimal(0)


class Tier(NamedTuple):
    """One step of a price ladder.

    ``up_to`` is the upper bound, inclusive; None for the last tier, which is open. The tier begins
    above the bound of the one before it, so 100.5 where a tier ends at 100 is in the next (K-10).
    """

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = ZERO


def validated_tiers(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """Return the tiers if they price every quantity once.

    :raises TierRefused: no tier, bounds that do not rise above zero, or a last tier that is not
        open; the sentence names the tier by its number.
    """
    if not tiers:
        raise TierRefused("A price ladder needs at least one tier; add one without an upper bound.")
    lower = ZERO
    for number, tier in enumerate(tiers, start=1):
        last = number == len(tiers)
        if tier.up_to is None:
            if not last:
                raise TierRefused(
                    f"Tier {number} has no upper bound, but tier {number + 1} follows; give tier "
                    f"{number} an upper bound or remove the tiers after it."
                )
        elif last:
            raise TierRefused(
                f"Tier {number} is the last one and ends at {tier.up_to}; leave its upper bound "
                "empty so that larger quantities have a price."
            )
        elif tier.up_to <= lower:
            before = f"tier {number - 1}, which ends at {lower}" if number > 1 else "zero"
            raise TierRefused(
                f"Tier {number} ends at {tier.up_to}; its upper bound must be above {before}."
            )
        else:
            lower = tier.up_to
    return tuple(tiers)


def flat_price(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Return quantity x unit price, exact; negative for a negative quantity."""
    with exact():
        return quantity * unit_price


def graduated_price(
    quantity: Decimal, tiers: Sequence[Tier], *, fee_at_zero: bool = False
) -> Decimal:
    """Return the price where each slice of the quantity is priced in its own tier (K-10).

    A tier's flat fee is added when the quantity reaches into the tier. At zero nothing is
    charged, unless ``fee_at_zero`` asks for the first tier's flat fee.

    :param tiers: as ``validated_tiers`` returns them.

    >>> tiers = (Tier(Decimal(10), Decimal(10), Decimal(2)), Tier(None, Decimal(5), Decimal(3)))
    >>> graduated_price(Decimal(11), tiers)
    Decimal('110')
    """
    with exact():
        if quantity <= 0:
            return _at_or_below_zero(quantity, tiers[0], fee_at_zero)
        amount = ZERO
        lower = ZERO
        for up_to, unit_price, flat_fee in tiers:
            if up_to is None or quantity <= up_to:
                return amount + (quantity - lower) * unit_price + flat_fee
            amount += (up_to - lower) * unit_price + flat_fee
            lower = up_to
    raise AssertionError("the last tier is open")


def volume_price(
    quantity: Decimal,
    tiers: Sequence[Tier],
    *,
    fee_at_zero: bool = False,
    tier_quantity: Decimal | None = None,
) -> Decimal:
    """Return the price where the whole quantity is priced in the tier it reaches (K-10).

    The flat fee is the one of that tier. At zero nothing is charged, unless ``fee_at_zero`` asks
    for the first tier's flat fee.

    :param tiers: as ``validated_tiers`` returns them.
    :param tier_quantity: what chooses the tier, when it is not the quantity itself (a prorated
        quantity keeps the tier of the full one).

    >>> tiers = (Tier(Decimal(100), Decimal(2), Decimal(10)), Tier(None, Decimal(1)))
    >>> volume_price(Decimal(100), tiers), volume_price(Decimal(101), tiers)
    (Decimal('210'), Decimal('101'))
    """
    with exact():
        if quantity <= 0:
            return _at_or_below_zero(quantity, tiers[0], fee_at_zero)
        reached = quantity if tier_quantity is None else tier_quantity
        for up_to, unit_price, flat_fee in tiers:
            if up_to is None or reached <= up_to:
                return quantity * unit_price + flat_fee
    raise AssertionError("the last tier is open")


def purchase_fees(fee: Decimal, purchase_count: int) -> Decimal:
    """Return the fixed fee per purchase (a call set-up fee) times the purchases that used something.

    :param purchase_count: purchases with a quantity other than zero.
    """
    with exact():
        return fee * purchase_count


def _at_or_below_zero(quantity: Decimal, first: Tier, fee_at_zero: bool) -> Decimal:
    if quantity:
        return quantity * first.unit_price
    return first.flat_fee if fee_at_zero else ZERO
