"""What the home page tells about invoices and purchases before a billing run (H-CB13)."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Q, Sum

from invoicing.enums import InvoiceStatus, UnmappedReason
from invoicing.models import ImportBatch, Invoice, Purchase

IMPORTS_SHOWN = 4


@dataclass(slots=True)
class InvoiceFigures:
    """Numbers of invoices by status, and of those ready to approve with their gross totals."""

    by_status: dict[str, int] = field(default_factory=dict)
    ready: int = 0
    ready_totals: dict[str, Decimal] = field(default_factory=dict)  # by currency, never added up

    @property
    def complete(self) -> int:
        finished = (InvoiceStatus.APPROVED, InvoiceStatus.CLOSED)
        return sum(self.by_status.get(status, 0) for status in finished)


def invoice_figures() -> InvoiceFigures:
    """Two queries, both answered by an index alone: what awaits something, and what is done."""
    figures = InvoiceFigures()
    ready = Q(status=InvoiceStatus.OPEN, is_past=True)
    unfinished = (
        Invoice.objects.unfinished()
        .with_period_past()
        .order_by()
        .values("status", "currency")
        .annotate(
            invoices=Count("*"),
            ready=Count("status", filter=ready),
            ready_total=Sum("gross_total", filter=ready),
        )
        .order_by("currency")
    )
    for row in unfinished:
        status, currency = row["status"], row["currency"]
        figures.by_status[status] = figures.by_status.get(status, 0) + row["invoices"]
        if row["ready"]:
            figures.ready += row["ready"]
            figures.ready_totals[currency] = row["ready_total"]
    figures.by_status[InvoiceStatus.APPROVED] = Invoice.objects.complete().order_by().count()
    return figures


def unmapped_figures() -> list[tuple[UnmappedReason, int]]:
    """How many purchases are on no invoice, by reason, the most frequent first; one query."""
    rows = (
        Purchase.objects.unmapped()
        .order_by()
        .values_list("unmapped_reason")
        .annotate(purchases=Count("*"))
        .order_by("-purchases", "unmapped_reason")
    )
    return [(UnmappedReason(reason), count) for reason, count in rows]


def latest_imports() -> list[ImportBatch]:
    """The newest files of purchases; one query."""
    return list(ImportBatch.objects.defer("mapping", "warnings").order_by("-id")[:IMPORTS_SHOWN])
