"""What a person saw of an Open invoice, for a form to bring back. Pure."""

import datetime as dt
from decimal import Decimal, InvalidOperation


def mark_of_open(*, calculated_at: dt.datetime | None, gross_total: Decimal) -> str:
    """The calculation and the total that the page showed."""
    moment = calculated_at.astimezone(dt.UTC).isoformat() if calculated_at else "never"
    return f"open {moment} {gross_total:.4f}"


def total_of_mark(mark: str) -> Decimal | None:
    """The total in ``mark_of_open``; None for another text."""
    kind, _, rest = mark.partition(" ")
    try:
        amount = Decimal(rest.rpartition(" ")[2])
    except InvalidOperation:
        return None
    return amount if kind == "open" and amount.is_finite() and abs(amount) < 10**15 else None
