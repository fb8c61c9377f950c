"""What can be done next with an invoice, as links (CB-57, CB-65, X-4)."""

from dataclasses import dataclass
from typing import Any

from billing_site.web.templatetags.quittance import address
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice


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
            url = address("approvals:invoice-approve", invoice.pk)
            steps.append(Step(url, "Approve", "check", "primary"))
        if user.has_perm("invoicing.close_invoice"):
            url = address("invoicing:invoice-close", invoice.pk)
            steps.append(Step(url, "Close", "x"))
    if invoice.status == InvoiceStatus.APPROVING and user.has_perm("approvals.approve_invoice"):
        url = address("approvals:invoice-approve", invoice.pk)
        steps.append(Step(url, "Approve this step", "check", "primary"))
        url = address("approvals:invoice-reject", invoice.pk)
        steps.append(Step(url, "Reject", "rotate"))
    return steps


def may_recalculate(invoice: Invoice, user: Any) -> bool:
    """Pending, Open and Error invoices may be calculated anew (X-4)."""
    live = (InvoiceStatus.PENDING, InvoiceStatus.OPEN, InvoiceStatus.ERROR)
    return invoice.status in live and user.has_perm("invoicing.recalculate_invoice")
