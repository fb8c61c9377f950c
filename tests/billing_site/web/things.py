"""Rows for the list of our own."""

import datetime as dt
from decimal import Decimal

from invoicing.enums import InvoiceStatus, InvoiceType
from invoicing.models import Invoice
from tests.builders import make_customer, make_invoice, number


def make_thing(customer=None, *, total="10.00", status=InvoiceStatus.OPEN, **fields) -> Invoice:
    """An ad hoc invoice with a reference, worth ``total``."""
    amount = Decimal(total)
    fields.setdefault("reference", f"T{number():04}")
    return make_invoice(
        customer,
        type=InvoiceType.AD_HOC,
        status=status,
        net_total=amount,
        gross_total=amount,
        **fields,
    )


def make_things(count: int, **fields) -> list[Invoice]:
    """``count`` things of one customer; two share each day, so the order has ties."""
    customer = make_customer(currency=fields.pop("currency", "EUR"))
    first = dt.date(2026, 1, 1)
    return [
        make_thing(
            customer,
            period_from=first + dt.timedelta(days=n // 2),
            period_to=first + dt.timedelta(days=n // 2 + 9),
            **fields,
        )
        for n in range(count)
    ]
