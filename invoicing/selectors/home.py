"""What the home page tells about invoices and purchases before a billing run (H-CB13)."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, F, OuterRef, Q, Subquery, Sum

from invoicing.enums import FINAL_STATUSES, InvoiceStatus, UnmappedReason
from invoicing.models import ImportBatch, Invoice, NumberCounter, Purchase

IMPORTS_SHOWN = 4
WIDEST_OFFSET = dt.timedelta(hours=14)  # no time zone is further from UTC


@dataclass(slots=True)
class InvoiceFigures:
    """Numbers of invoices by status, and of those ready to approve with their gross totals."""

    by_status: dict[str, int] = field(default_factory=dict)
    ready: int = 0
    ready_totals: dict[str, Decimal] = field(default_factory=dict)  # by currency, never added up

    @property
    def complete(self) -> int:
        return sum(self.by_status.get(status, 0) for status in FINAL_STATUSES)

    def add_ready(self, currency: str, invoices: int, total: Decimal | None) -> None:
        if invoices:
            self.ready += invoices
            self.ready_totals[currency] = self.ready_totals.get(currency, Decimal(0)) + (
                total or Decimal(0)
            )


def invoice_figures(*, at: dt.datetime) -> InvoiceFigures:
    """Four queries, each answered by a small index, whatever the number of finished invoices.

    A period that ended before today everywhere on earth is past for every customer; only the few
    days in between need the customers' time zones (``period_is_past``, X-9).

    :param at: now, an aware datetime.
    """
    figures = InvoiceFigures()
    earliest = (at - WIDEST_OFFSET).astimezone(dt.UTC).date()
    latest = (at + WIDEST_OFFSET).astimezone(dt.UTC).date()
    past_everywhere = Q(status=InvoiceStatus.OPEN, period_to__lt=earliest)
    unfinished = (
        Invoice.objects.unfinished()
        .order_by()
        .values_list("status", "currency")
        .annotate(
            invoices=Count("*"),
            ready=Count("status", filter=past_everywhere),
            ready_total=Sum("gross_total", filter=past_everywhere),
        )
    )
    for status, currency, invoices, ready, total in unfinished:
        figures.by_status[status] = figures.by_status.get(status, 0) + invoices
        figures.add_ready(currency, ready, total)
    between = (
        Invoice.objects.filter(period_to__gte=earliest, period_to__lt=latest)
        .ready_to_approve(at)
        .order_by()
        .values_list("currency")
        .annotate(invoices=Count("*"), total=Sum("gross_total"))
    )
    for row in between:
        figures.add_ready(*row)
    figures.by_status[InvoiceStatus.APPROVED] = approved_invoices()
    closed = Invoice.objects.filter(status=InvoiceStatus.CLOSED)
    figures.by_status[InvoiceStatus.CLOSED] = closed.order_by().count()
    return figures


def approved_invoices() -> int:
    """How many invoices are approved, told by their numbers: a counter's are gapless (V9, X-13).

    Every number handed out stands on an approved invoice and none of these ever goes away, so a
    counter has as many as there are numbers from its first used one to its last.
    """
    first = Invoice.objects.filter(number_counter=OuterRef("pk")).order_by("number_sequence")
    counters = NumberCounter.objects.annotate(
        first_used=Subquery(first.values("number_sequence")[:1])
    ).filter(first_used__isnull=False)
    return counters.aggregate(n=Sum(F("last_number") - F("first_used") + 1))["n"] or 0


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
