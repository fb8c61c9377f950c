"""Rows for tests of invoices, made past every check in Python, as a faulty service would."""

import datetime as dt
from decimal import Decimal

from django.db import connection

from invoicing.models import Invoice, InvoiceItem, NumberCounter, NumberScheme, Purchase
from ledger.models import LedgerEntry
from tests import builders

DAY = dt.date(2026, 1, 31)
NOON = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
CENT = Decimal("0.01")
STATUSES = ["pending", "open", "approving", "approved", "closed", "error"]


def new_invoice(status: str = "pending", **fields) -> Invoice:
    if status == "error":
        fields.setdefault("error", "No VAT rule.")
    if status == "approved":
        invoice = new_invoice("approving", **fields)
        approve(invoice)
        return invoice
    return builders.make_invoice(status=status, **fields)


def new_entry(invoice: Invoice) -> LedgerEntry:
    account = invoice.contract.account
    account.refresh_from_db()
    return LedgerEntry.objects.create(
        account=account,
        sequence=account.last_sequence + 1,
        type="Receivable",
        fact=f"invoice:{invoice.pk}:{account.last_sequence + 1}",
        description="",
        currency=invoice.currency,
        amount=0,
        balance=account.balance,
        timestamp=NOON,
        booking_date=DAY,
    )


def new_counter(first_number: int = 1) -> NumberCounter:
    n = builders.number()
    scheme = NumberScheme.objects.create(
        name=f"Scheme {n}", customer_cluster=builders.make_cluster(), first_number=first_number
    )
    return NumberCounter.objects.create(scheme=scheme, key="2026")


def hand_out(counter: NumberCounter, last_number: int) -> NumberCounter:
    NumberCounter.objects.filter(pk=counter.pk).update(last_number=last_number)
    return counter


def approval(invoice: Invoice, **fields) -> dict:
    """The fields that approval fills; every one can be given."""
    if "number_counter" not in fields:
        fields["number_counter"] = hand_out(new_counter(), 1)
    fields.setdefault("number_sequence", 1)
    if "ledger_entry" not in fields:
        fields["ledger_entry"] = new_entry(invoice)
    return {
        "status": "approved",
        "number": f"R{builders.number()}",
        "approved_at": NOON,
        "document_data": {},
    } | fields


def approve(invoice: Invoice | None = None, **fields) -> None:
    """Past every check in Python, as a faulty service would."""
    change(invoice := invoice or new_invoice("approving"), **approval(invoice, **fields))


def insert_approved(**fields) -> None:
    """As an import past the services would."""
    fields = approval(new_invoice(), **fields)
    builders.make_invoice(**fields)


def approve_in_turn(counter: NumberCounter, *sequences: int, at=(NOON,) * 9) -> None:
    hand_out(counter, max(sequences))
    for sequence, moment in zip(sequences, at, strict=False):
        approve(number_counter=counter, number_sequence=sequence, approved_at=moment)
    connection.check_constraints()


def change(invoice: Invoice, **fields) -> None:
    Invoice.objects.filter(pk=invoice.pk).update(**fields)


def new_item(invoice: Invoice, position: int = 1) -> InvoiceItem:
    return InvoiceItem.objects.create(
        invoice=invoice, position=position, kind="price", label="x", exact_amount=1, amount=1
    )


def two_items(*positions: int) -> None:
    invoice = new_invoice()
    for position in positions:
        new_item(invoice, position)


def item_of(status: str) -> InvoiceItem:
    """An item whose invoice has moved to ``status`` since."""
    invoice = new_invoice()
    item = new_item(invoice)
    move(invoice, status)
    return item


def purchase_of(status: str) -> Purchase:
    """A purchase whose invoice has moved to ``status`` since."""
    invoice = new_invoice()
    purchase = builders.make_purchase(invoice)
    move(invoice, status)
    return purchase


def move(invoice: Invoice, status: str) -> None:
    """Along the state machine, from Pending."""
    way = {
        "pending": (),
        "error": (("error", {"error": "No VAT rule."}),),
        "open": (("open", {"calculated_at": NOON}),),
    }
    way["approving"] = (*way["open"], ("approving", {}))
    way["closed"] = (*way["open"], ("closed", {}))
    for step, fields in way[status]:
        change(invoice, status=step, **fields)


def two_invoices(second_from: dt.date, **second) -> None:
    first = new_invoice(period_from=dt.date(2026, 1, 1))
    new_invoice(
        customer=first.customer, period_from=second_from, period_to=dt.date(2026, 3, 31), **second
    )


def raw(sql: str, *parameters) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def delete(row) -> None:
    raw(f"DELETE FROM {row._meta.db_table} WHERE id = %s", row.pk)
