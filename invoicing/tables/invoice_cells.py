"""The cells of one row of the invoices page (CB-46..CB-57), built by hand: the page shows 25.

Template nodes and ``reverse`` cost most of a list page's time; here one function writes the cells
of a row.
"""

from typing import Any

from django.utils.html import conditional_escape as safe
from django.utils.safestring import SafeString, mark_safe

from billing_site.web.templatetags.quittance import address, day, icon, moment, money, status
from invoicing.models import Invoice
from invoicing.tables.invoice_steps import may_recalculate, steps_of


def invoice_cells(row: Invoice, user: Any) -> SafeString:
    """All cells of ``row``, which carries its customer, its cluster, ``is_past`` and ``decisions``."""
    customer = row.customer
    viewer = address("invoicing:invoice-detail", row.pk)
    number = f'<a class="fw-medium" href="{viewer}">{safe(row.number)}</a>' if row.number else ""
    cells = (
        ("", number),
        ("minor", safe(row.reference or "")),
        ("text-secondary lesser", row.get_type_display()),
        ("wide", _link("ledger:customer-detail", customer.pk, customer.name)),
        ("text-secondary lesser", safe(customer.code)),
        ("least", _link("ledger:cluster-detail", customer.cluster_id, customer.cluster.name)),
        ("day", day(row.period_from)),
        ("day", day(row.period_to)),
        ("num", money(row.gross_total, row.currency, True)),
        ("num text-secondary lesser", money(row.cost_total, row.currency)),
        ("", status(row)),
        ("text-secondary least", moment(row.calculated_at)),
        ("actions", _actions(row, viewer, user)),
    )
    return mark_safe("".join(f'<td class="{css}">{cell}</td>' for css, cell in cells))  # noqa: S308 - every cell is escaped


def _link(name: str, pk: int, text: str) -> str:
    return f'<a href="{address(name, pk)}">{safe(text)}</a>'


def _actions(row: Invoice, viewer: str, user: Any) -> str:
    label = safe(str(row))
    buttons = [
        _button(f"{address('invoicing:purchase-list')}?invoice={row.pk}", "shopping-cart",
                "View purchases", f"View purchases of {label}"),
        _button(viewer, "message-circle", "Open the viewer", f"Open {label} in the viewer", "data-open "),
    ]  # fmt: skip
    buttons += [
        _button(step.url, step.icon, step.label, f"{step.label} {label}")
        for step in steps_of(row, period_is_past=row.is_past, user=user, decisions=row.decisions)
    ]
    if may_recalculate(row, user):
        buttons.append(_recalculate(row, label))
    return f'<span class="row-actions">{"".join(buttons)}</span>'


def _button(url: str, picture: str, title: str, label: str, extra: str = "") -> str:
    return (
        f'<a class="row-action" {extra}href="{url}" title="{title}" aria-label="{label}">'
        f"{icon(picture)}</a>"
    )


def _recalculate(row: Invoice, label: str) -> str:
    """A circle with a stripe, or an exclamation mark once the period has ended (CB-65)."""
    past = row.is_past  # type: ignore[attr-defined]
    title = "the period has ended" if past else "the period has not ended"
    return (
        '<button class="row-action" form="row-form" formmethod="post" '
        f'formaction="{address("invoicing:invoice-recalculate", row.pk)}" '
        f'title="Recalculate; {title}" aria-label="Recalculate {label}">'
        f"{icon('exclamation-circle' if past else 'circle-off')}</button>"
    )
