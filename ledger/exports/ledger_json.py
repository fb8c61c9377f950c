"""A ledger as a JSON list (B-27): lines in, text out, in the shape of the example ledger (B-16..B-24).

Amounts are JSON numbers with the decimals of their currency (``89.25``, ``0.00``), written from
Decimal without passing through a float; identifiers are text; a timestamp is UTC with seven
decimals of a second.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing_site.kernel.money import round_money
from ledger.documents import LedgerLine
from ledger.enums import EntryType

INVOICED = (EntryType.RECEIVABLE, EntryType.CREDIT_MEMO)
PAID = (EntryType.PAYMENT,)


def render_ledger_json(lines: Iterable[LedgerLine]) -> Iterator[str]:
    """Yield the text of the list, a line of the ledger at a time, in the order given."""
    yield "["
    separator = "\n"
    for line in lines:
        fields = ",\n".join(f'        "{key}":{value}' for key, value in _fields(line))
        yield f"{separator}    {{\n{fields}\n    }}"
        separator = ",\n"
    yield "\n]\n"


def _fields(line: LedgerLine) -> Iterator[tuple[str, str]]:
    yield "Type", _string(line.type)
    yield "ContractId", _string(line.contract_id)
    yield "CustomerId", _string(line.customer_id)
    yield "Description", _string(line.description)
    yield "Currency", _string(line.currency)
    yield "Amount", f"{round_money(line.amount, line.currency):f}"
    yield "Balance", f"{round_money(line.balance, line.currency):f}"
    if line.type in INVOICED:
        yield "Country", _string(line.country)
    yield "VatPercentage", _percentage(line.vat_percentage)
    yield "AmountType", _string(line.amount_type)
    if line.type in INVOICED:
        yield "InvoiceId", _string(line.invoice_id)
        yield "InvoiceDraftId", _string(line.invoice_draft_id)
    if line.type in PAID:
        yield "PaymentTransactionId", _string(line.payment_transaction_id)
        yield "PaymentTransactionStatus", _string(line.payment_transaction_status)
        yield "PaymentStatus", _string(line.payment_status)
    yield "Timestamp", _string(_moment(line.timestamp))


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _percentage(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"
