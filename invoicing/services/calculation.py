"""Calculation: pending invoices become Open with their items and totals, or Error with a reason.

A batch is one transaction and a constant number of statements, however many invoices, purchases
and rules it has: lock, rules, purchases added up, products, DELETE, COPY, UPDATE.

A change is never lost (CB-9): who changes what an invoice is made of locks the invoice row
afterwards (``move_to_pending``) and so waits for a calculation that holds it; the calculation
passes over rows that others hold and leaves them Pending. Pricing rules stand still for the time
of a batch (``changes.share_pricing``).
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction

from billing_site.kernel.errors import DomainError
from invoicing.models import Invoice
from invoicing.querysets import InvoiceRecord
from invoicing.rules.errors import CalculationError
from invoicing.rules.invoice import InvoiceItem, InvoiceResult, UsageLine, calculate_invoice
from invoicing.selectors.pricing import Pricing, Product, read_pricing, read_products
from invoicing.services.changes import share_pricing

logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
LIMIT = Decimal(10) ** 15  # amounts and quantities have 15 digits before the point
UNEXPECTED = (
    "The calculation failed for a reason it does not know. Recalculate the invoice; if it fails "
    "again, contact support and name invoice {invoice_id}."
)

LOCK_PENDING = """
SELECT i.id, i.currency, i.items_digest, g.path
FROM invoicing_invoice i
JOIN ledger_customer c ON c.id = i.customer_id
JOIN ledger_customercluster g ON g.id = c.cluster_id
WHERE i.id = ANY(%s) AND i.status = 'pending'
ORDER BY i.id FOR NO KEY UPDATE OF i SKIP LOCKED
"""
# What is priced together: equal product, epoch of the rules, override price, stated or not.
ADD_UP_PURCHASES = """
SELECT invoice_id, item_id, sum(metered_quantity), count(*) FILTER (WHERE metered_quantity <> 0),
       min(purchased_on), max(purchased_on), sum(total_override), sum(cost_override),
       unit_price_override
FROM invoicing_purchase
WHERE invoice_id = ANY(%s)
GROUP BY invoice_id, item_id, {epoch}, unit_price_override,
         total_override IS NULL, cost_override IS NULL
"""
DELETE_ITEMS = "DELETE FROM invoicing_invoiceitem WHERE invoice_id = ANY(%s)"
COPY_ITEMS = """
COPY invoicing_invoiceitem (invoice_id, position, kind, rule_id, item_id, label, category,
  quantity, unit, unit_price, stated, exact_amount, amount, cost, percentage, base_positions,
  spans, purchase_count) FROM STDIN
"""
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalculationReport:
    """What one call did; ``failed`` has the reason by invoice id."""

    calculated: int = 0  # now Open
    rewritten: int = 0  # of these, items were written anew; the others had not changed
    failed: dict[int, str] = field(default_factory=dict)  # now Error

    def __add__(self, other: "CalculationReport") -> "CalculationReport":
        return CalculationReport(
            self.calculated + other.calculated,
            self.rewritten + other.rewritten,
            self.failed | other.failed,
        )


def calculate_invoices(*, invoice_ids: Iterable[int], at: dt.datetime) -> CalculationReport:
    """Calculate those of the invoices that are Pending and that nobody else is working on.

    One transaction per ``BATCH_SIZE`` invoices. Safe to repeat and to run at the same time:
    what is not Pending (any more) is left alone. An invoice that fails goes to Error with its
    reason, the others are calculated (CB-14); one without purchases becomes Open and empty.

    :param at: when the caller began, an aware datetime; becomes ``calculated_at``.
    """
    ids = sorted(set(invoice_ids))
    report = CalculationReport()
    for start in range(0, len(ids), BATCH_SIZE):
        report += _calculate_batch(ids[start : start + BATCH_SIZE], at)
    return report


def _calculate_batch(ids: Sequence[int], at: dt.datetime) -> CalculationReport:
    """Calculate in one transaction; where the database refuses, find the culprit by halving."""
    try:
        with transaction.atomic():
            return _calculate_locked(ids, at)
    except (DataError, IntegrityError):
        if len(ids) > 1:
            logger.warning("A batch of %s invoices was refused; halving it.", len(ids))
            middle = len(ids) // 2
            return _calculate_batch(ids[:middle], at) + _calculate_batch(ids[middle:], at)
        logger.exception("The database refused the result of invoice %s.", ids[0])
    reason = UNEXPECTED.format(invoice_id=ids[0])
    with transaction.atomic():
        return _calculate_locked(ids, at, refused={ids[0]: reason})


def _calculate_locked(
    ids: Sequence[int], at: dt.datetime, refused: Mapping[int, str] | None = None
) -> CalculationReport:
    share_pricing()
    with connection.cursor() as cursor:
        cursor.execute(LOCK_PENDING, [list(ids)])
        invoices = cursor.fetchall()
        if not invoices:
            return CalculationReport()
        pricing = read_pricing()
        usage, products = _read_usage(cursor, [row[0] for row in invoices], pricing)
        writer = _Writer(products)
        for invoice_id, currency, digest, cluster_path in invoices:
            if refused and invoice_id in refused:
                writer.fail(invoice_id, refused[invoice_id])
                continue
            try:
                result = calculate_invoice(
                    usage.get(invoice_id, ()),
                    cluster_path=tuple(cluster_path),
                    currency=currency,
                    index=pricing.index,
                )
                _check(result, pricing)
                writer.add(invoice_id, result, digest)
            except DomainError as refusal:
                writer.fail(invoice_id, str(refusal))
            except Exception:
                logger.exception("Calculating invoice %s failed.", invoice_id)
                writer.fail(invoice_id, UNEXPECTED.format(invoice_id=invoice_id))
        if writer.replaced:
            cursor.execute(DELETE_ITEMS, [writer.replaced])
        if writer.lines:
            with connection.wrap_database_errors, cursor.copy(COPY_ITEMS) as copy:
                copy.write("".join(writer.lines))
        Invoice.objects.all().record_results(writer.records, at=at)
    return CalculationReport(
        calculated=len(invoices) - len(writer.failed),
        rewritten=len(writer.replaced) - len(writer.failed),
        failed=writer.failed,
    )


def _read_usage(
    cursor: Any, ids: Sequence[int], pricing: Pricing
) -> tuple[dict[int, list[UsageLine]], dict[int, Product]]:
    """Return the purchases of the invoices, added up, by invoice; and their products."""
    boundaries = pricing.index.boundaries
    epoch = "width_bucket(purchased_on, %s::date[])" if boundaries else "1"
    parameters: list[Any] = [ids, boundaries] if boundaries else [ids]
    cursor.execute(ADD_UP_PURCHASES.format(epoch=epoch), parameters)
    rows = cursor.fetchall()
    products = read_products({row[1] for row in rows})
    make = UsageLine._make
    usage: dict[int, list[UsageLine]] = defaultdict(list)
    for (
        invoice_id,
        item_id,
        quantity,
        count,
        from_on,
        to_on,
        stated_total,
        stated_cost,
        unit_price,
    ) in rows:
        code, name, category_path, _, unit, price, cost = products[item_id]
        usage[invoice_id].append(
            make(
                (
                    item_id,
                    code,
                    name,
                    category_path,
                    unit,
                    quantity,
                    count,
                    from_on,
                    to_on,
                    price,
                    cost,
                    stated_total,
                    stated_cost,
                    unit_price,
                    "",
                )
            )
        )
    return usage, products


def _check(result: InvoiceResult, pricing: Pricing) -> None:
    """Refuse what cannot be stored, and what a broken rule has priced."""
    for item in result.items:
        if item.rule_id in pricing.broken:
            raise CalculationError(pricing.broken[item.rule_id])
        if abs(item.exact_amount) >= LIMIT or abs(item.quantity or Decimal(0)) >= LIMIT:
            raise CalculationError(
                f"The amount of {item.label} has more than 15 digits; check the quantities and "
                "prices of its purchases."
            )
    if max(abs(result.gross_total), abs(result.net_total), abs(result.cost_total)) >= LIMIT:
        raise CalculationError(
            "The invoice's total has more than 15 digits; check the quantities and prices of its "
            "purchases."
        )


class _Writer:
    """Collects the rows of a batch in the text form of COPY."""

    def __init__(self, products: Mapping[int, Product]) -> None:
        self.categories: dict[int | None, str] = {
            pk: _escaped(product.category) for pk, product in products.items()
        }
        self.escaped: dict[str, str] = {}
        self.spans: dict[tuple[tuple[dt.date, dt.date], ...], str] = {}
        self.lines: list[str] = []
        self.replaced: list[int] = []
        self.records: list[InvoiceRecord] = []
        self.failed: dict[int, str] = {}

    def add(self, invoice_id: int, result: InvoiceResult, digest: str) -> None:
        """Take one result; its items only where they are not those stored already."""
        text = "".join([self._line(invoice_id, item) for item in result.items])
        found = blake2b(text.encode(), digest_size=16).hexdigest()
        if found != digest:
            self.replaced.append(invoice_id)
            self.lines.append(text)
        self.records.append(
            InvoiceRecord(
                invoice_id,
                "",
                result.net_total,
                result.vat_total,
                result.gross_total,
                result.cost_total,
                len(result.items),
                found,
            )
        )

    def fail(self, invoice_id: int, reason: str) -> None:
        """Take one failure: nothing stays that somebody could mistake for the invoice's amount."""
        zero = Decimal(0)
        self.failed[invoice_id] = reason
        self.replaced.append(invoice_id)
        self.records.append(InvoiceRecord(invoice_id, reason, zero, zero, zero, zero, 0, ""))

    def _line(self, invoice_id: int, item: InvoiceItem) -> str:
        (
            position,
            kind,
            rule_id,
            item_id,
            label,
            quantity,
            unit,
            unit_price,
            exact_amount,
            amount,
            cost,
            _,
            base_positions,
            spans,
            percentage,
            purchase_count,
            stated,
        ) = item
        escaped = self.escaped
        if label not in escaped:
            escaped[label] = _escaped(label)
        if unit not in escaped:
            escaped[unit] = _escaped(unit)
        if spans not in self.spans:
            self.spans[spans] = _span_text(spans)
        null = "\\N"
        return (
            f"{invoice_id}\t{position}\t{kind.value}"
            f"\t{null if rule_id is None else rule_id}"
            f"\t{null if item_id is None else item_id}"
            f"\t{escaped[label]}\t{self.categories.get(item_id, '')}"
            f"\t{null if quantity is None else quantity}"
            f"\t{escaped[unit]}\t{null if unit_price is None else unit_price}"
            f"\t{'t' if stated else 'f'}\t{exact_amount}\t{amount}\t{cost}"
            f"\t{null if percentage is None else percentage}"
            f"\t{{{','.join(map(str, base_positions))}}}\t{self.spans[spans]}\t{purchase_count}\n"
        )


def _escaped(text: str) -> str:
    """Return the text as COPY reads it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _span_text(spans: Sequence[tuple[dt.date, dt.date]]) -> str:
    ranges = (f'"[{from_on},{to_on + ONE_DAY})"' for from_on, to_on in spans)
    return f"{{{','.join(ranges)}}}"
