"""What can be done next with an invoice, as links (CB-57, CB-65, X-4)."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse

from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice

register = template.Library()


@dataclass(frozen=True, slots=True)
class Step:
    """A button: where it leads, what it says, and whether it is the main one."""

    url: str
    label: str
    icon: str
    tone: str = ""


def steps_of(invoice: Invoice, *, period_is_past: bool, user: Any) -> list[Step]:
    """The steps this user may take now; approving is linked by name, it lives a floor above."""
    steps = []
    if invoice.status == InvoiceStatus.OPEN and period_is_past:
        if user.has_perm("approvals.request_approval"):
            url = reverse("approvals:invoice-approve", args=[invoice.pk])
            steps.append(Step(url, "Approve", "check", "primary"))
        if user.has_perm("invoicing.close_invoice"):
            url = reverse("invoicing:invoice-close", args=[invoice.pk])
            steps.append(Step(url, "Close", "x"))
    if invoice.status == InvoiceStatus.APPROVING and user.has_perm("approvals.approve_invoice"):
        url = reverse("approvals:invoice-approve", args=[invoice.pk])
        steps.append(Step(url, "Approve this step", "check", "primary"))
        url = reverse("approvals:invoice-reject", args=[invoice.pk])
        steps.append(Step(url, "Reject", "rotate"))
    return steps


def may_recalculate(invoice: Invoice, user: Any) -> bool:
    """Pending, Open and Error invoices may be calculated anew (X-4)."""
    live = (InvoiceStatus.PENDING, InvoiceStatus.OPEN, InvoiceStatus.ERROR)
    return invoice.status in live and user.has_perm("invoicing.recalculate_invoice")


@register.inclusion_tag("invoicing/_next_steps.html", takes_context=True)
def next_steps(context: RequestContext, invoice: Invoice, labelled: bool = False) -> dict[str, Any]:
    """Buttons for ``invoice``, which carries ``is_past`` (``with_period_past``)."""
    user = context["request"].user
    return {
        "request": context["request"],
        "csrf_token": context.get("csrf_token"),
        "invoice": invoice,
        "steps": steps_of(invoice, period_is_past=invoice.is_past, user=user),
        "recalculate": may_recalculate(invoice, user),
        "labelled": labelled,
    }
