"""From a measured quantity to the quantity that is charged, for one purchase."""

from decimal import Decimal

from billing_site.kernel.money import exact

ZERO = Decimal(0)


def metered_quantity(
    quantity: Decimal, minimum: Decimal = ZERO, increment: Decimal = ZERO
) -> Decimal:
    """Return the charged quantity: the minimum, then started increments.

    A tariff "30/6" charges a call 30 seconds at least and every started 6 seconds after them;
    "60/60" charges started minutes. Nothing used stays nothing. A negative quantity (a
    correction) is metered by its size and keeps its sign, so that it takes back exactly what the
    same positive quantity charged.

    :param quantity: measured, in the unit of minimum and increment; any sign, exact.
    :param minimum: smallest charged quantity of one use, zero or more.
    :param increment: step above the minimum, zero or more; zero charges the exact quantity.
    :raises ValueError: a negative minimum or increment.

    >>> metered_quantity(Decimal(31), minimum=Decimal(30), increment=Decimal(6))
    Decimal('36')
    >>> metered_quantity(Decimal(61), increment=Decimal(60))
    Decimal('120')
    """
    if minimum < 0 or increment < 0:
        raise ValueError(
            f"minimum and increment must be zero or more, got {minimum} and {increment}"
        )
    if not quantity:
        return ZERO
    with exact():
        size = abs(quantity)
        if size <= minimum:
            charged = minimum
        elif not increment:
            charged = size
        else:
            steps, started = divmod(size - minimum, increment)
            charged = minimum + (steps + (1 if started else 0)) * increment
        return charged.copy_sign(quantity)
