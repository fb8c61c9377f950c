"""The document of an invoice, read from its rows (B-29, B-30)."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from billing_site.kernel.periods import due_date
from invoicing.documents import (
    DocumentGroup,
    DocumentLine,
    InvoiceDocument,
    Parties,
    Provider,
    VatLine,
)
from invoicing.enums import InvoiceItemKind
from invoicing.models import Invoice, InvoiceItem
from invoicing.selectors.parties import parties_of, provider_of, terms_of
from ledger.models import Firm

ONE_DAY = dt.timedelta(days=1)
UNNAMED_FIRM = Provider(name="Your firm (not filled in yet)")


def invoice_document(invoice: Invoice) -> InvoiceDocument:
    """The document of ``invoice`` as its items stand now; two queries, three while it is open.

    Parties are those frozen on approval; before it, those of today. A negative total makes a
    credit note, which carries positive amounts (K-12).

    :param invoice: with customer and contract selected.
    """
    items = list(
        InvoiceItem.objects.filter(invoice=invoice)
        .order_by("position")
        .only(
            *("position", "kind", "label", "category", "quantity", "unit", "unit_price"),
            *("amount", "percentage", "base_positions", "spans", "invoice_id"),
        )
    )
    parties = _parties(invoice)
    sign = -1 if invoice.gross_total < 0 else 1
    service_from, service_to = _service_period(invoice, items)
    return InvoiceDocument(
        parties=parties,
        is_credit_note=sign < 0,
        number=invoice.number or "",
        reference=invoice.reference or "",
        currency=invoice.currency,
        invoice_date=invoice.invoice_date,
        due_date=invoice.due_date or due_date(invoice.invoice_date, terms_of(invoice.contract)),
        period_from=invoice.period_from,
        period_to=invoice.period_to,
        service_from=service_from,
        service_to=service_to,
        groups=_groups(items, sign),
        adjustments=_adjustments(items, sign),
        vat=_vat_lines(items, sign),
        net_total=sign * invoice.net_total,
        vat_total=sign * invoice.vat_total,
        gross_total=sign * invoice.gross_total,
    )


def _parties(invoice: Invoice) -> Parties:
    if invoice.document_data:
        return Parties.from_json(invoice.document_data)
    firm = Firm.objects.first()
    return parties_of(
        provider=provider_of(firm) if firm else UNNAMED_FIRM,
        customer=invoice.customer,
        contract=invoice.contract,
    )


def _service_period(invoice: Invoice, items: Iterable[InvoiceItem]) -> tuple[dt.date, dt.date]:
    """First and last day of what is charged (H-J3); the invoice's own period when nothing is."""
    spans = [span for item in items for span in item.spans]
    if not spans:
        return invoice.period_from, invoice.period_to
    return min(span.lower for span in spans), max(span.upper for span in spans) - ONE_DAY


def _groups(items: Iterable[InvoiceItem], sign: int) -> tuple[DocumentGroup, ...]:
    """Products by category, in the order in which the categories appear."""
    by_category: dict[str, list[InvoiceItem]] = {}
    for item in items:
        if item.kind == InvoiceItemKind.PRICE:
            by_category.setdefault(item.category, []).append(item)
    return tuple(_group(name, members, sign) for name, members in by_category.items())


def _adjustments(items: Iterable[InvoiceItem], sign: int) -> DocumentGroup | None:
    members = [item for item in items if item.kind == InvoiceItemKind.ADJUSTMENT]
    return _group("", members, sign) if members else None


def _group(name: str, items: list[InvoiceItem], sign: int) -> DocumentGroup:
    lines = tuple(_line(item, sign) for item in items)
    return DocumentGroup(
        name=name, lines=lines, net=sum((line.amount for line in lines), Decimal(0))
    )


def _line(item: InvoiceItem, sign: int) -> DocumentLine:
    quantity, unit_price = item.quantity, item.unit_price
    if sign < 0:  # quantity times price still gives the amount
        if unit_price is not None and unit_price < 0:
            unit_price = -unit_price
        elif quantity is not None:
            quantity = -quantity
    return DocumentLine(
        position=item.position,
        label=item.label,
        amount=sign * item.amount,
        quantity=quantity,
        unit=item.unit,
        unit_price=unit_price,
        percentage=item.percentage,
        from_on=min(span.lower for span in item.spans) if item.spans else None,
        to_on=max(span.upper for span in item.spans) - ONE_DAY if item.spans else None,
    )


def _vat_lines(items: Iterable[InvoiceItem], sign: int) -> tuple[VatLine, ...]:
    amounts = {item.position: item.amount for item in items}
    return tuple(
        VatLine(
            percentage=item.percentage or Decimal(0),
            base=sign * sum((amounts[position] for position in item.base_positions), Decimal(0)),
            amount=sign * item.amount,
            label=item.label,
        )
        for item in items
        if item.kind == InvoiceItemKind.VAT
    )
