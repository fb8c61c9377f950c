"""Cards of the home page about invoices and purchases (H-CB13).

They follow the frame of ``web/_card.html``; what a user may not see makes neither a card nor a
query.
"""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from billing_site.kernel.money import format_money_with_currency
from invoicing.enums import ImportStatus, InvoiceStatus
from invoicing.models import ImportBatch
from invoicing.selectors.home import (
    InvoiceFigures,
    invoice_figures,
    latest_imports,
    unmapped_figures,
)

register = template.Library()


@register.inclusion_tag("invoicing/_home_cards.html", takes_context=True)
def invoicing_cards(context: RequestContext) -> dict[str, Any]:
    """At most seven queries, whatever the number of invoices."""
    user = context["request"].user
    cards = []
    if user.has_perm("invoicing.view_invoice"):
        figures = invoice_figures(at=timezone.now())
        cards += [_invoices(figures), _ready(figures)]
    if user.has_perm("invoicing.view_purchase"):
        cards.append(_unmapped())
    if user.has_perm("invoicing.view_importbatch"):
        cards.append(_imports())
    return {"cards": cards}


def _invoices(figures: InvoiceFigures) -> dict[str, Any]:
    url = reverse("invoicing:invoice-list")
    counts = figures.by_status

    def line(label: str, status: str, query: str, tone: str = "") -> dict[str, Any]:
        count = counts.get(status, 0)
        return {"label": label, "count": count, "url": f"{url}?{query}", "tone": count and tone}

    return {
        "key": "invoices",
        "icon": "file-invoice",
        "title": "Invoices",
        "url": url,
        "lines": [
            line("Open", InvoiceStatus.OPEN, "quick=live"),
            line("Pending", InvoiceStatus.PENDING, "status=pending", "amber"),
            line("In approval", InvoiceStatus.APPROVING, "status=approving", "violet"),
            line("Problem invoices", InvoiceStatus.ERROR, "quick=problem", "red"),
            {"label": "Complete", "count": figures.complete, "url": f"{url}?quick=complete"},
        ],
        "note": _before_a_run(counts),
    }


def _before_a_run(counts: dict[str, int]) -> str:
    """What must be empty before invoices are approved."""
    waiting = counts.get(InvoiceStatus.PENDING, 0)
    broken = counts.get(InvoiceStatus.ERROR, 0)
    if waiting or broken:
        return "Before a billing run, no invoice should be pending or in error."
    return "Nothing is pending or in error: ready for a billing run."


def _ready(figures: InvoiceFigures) -> dict[str, Any]:
    url = f"{reverse('invoicing:invoice-list')}?quick=ready"
    totals = [
        {"label": "Total", "url": f"{url}", "text": format_money_with_currency(total, currency)}
        for currency, total in figures.ready_totals.items()
    ]
    return {
        "key": "ready",
        "icon": "circle-check",
        "title": "Ready to approve",
        "url": url,
        "lines": [
            {
                "label": "Period has ended",
                "count": figures.ready,
                "url": url,
                "tone": "blue" if figures.ready else "",
            },
            *totals,
        ],
        "note": "" if figures.ready else "No open invoice has a period that has ended.",
    }


def _unmapped() -> dict[str, Any]:
    url = f"{reverse('invoicing:purchase-list')}?quick=unmapped"
    reasons = unmapped_figures()
    lines = [
        {
            "label": reason.label,
            "count": count,
            "url": f"{url}&reason={reason.value}",
            "tone": "amber",
        }
        for reason, count in reasons
    ]
    return {
        "key": "unmapped",
        "icon": "link-off",
        "title": "Unmapped purchases",
        "url": url,
        "lines": lines,
        "note": "" if lines else "Every purchase is on an invoice.",
    }


def _imports() -> dict[str, Any]:
    lines = [
        {
            "label": batch.filename,
            "text": _outcome(batch),
            "url": _import_url(batch),
            "tone": "red" if batch.status == ImportStatus.REFUSED else "",
        }
        for batch in latest_imports()
    ]
    return {
        "key": "imports",
        "icon": "file-import",
        "title": "Latest imports",
        "url": _page("invoicing:import-list"),
        "lines": lines,
        "note": "" if lines else "No file was imported yet.",
    }


def _outcome(batch: ImportBatch) -> str:
    if batch.status != ImportStatus.COMMITTED:
        return batch.get_status_display()
    rows = batch.rows_new + batch.rows_changed + batch.rows_unchanged
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _import_url(batch: ImportBatch) -> str:
    found = _page("invoicing:import-detail", batch.pk)
    return found or f"{reverse('invoicing:purchase-list')}?batch={batch.pk}"


def _page(name: str, *args: Any) -> str:
    """The URL behind a name; empty while there is no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
