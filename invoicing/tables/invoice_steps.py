"""What can be done next with an invoice, as links (CB-57, CB-65, X-4).

Who may decide on the running step of an invoice is known a floor above: approvals says it here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from billing_site.web.templatetags.quittance import address
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice

APPROVE, REJECT = "approve", "reject"
Decisions = Callable[[Collection[int], Any], Mapping[int, Collection[str]]]
_asked: list[Decisions] = []


def register_decisions(decisions: Decisions) -> None:
    """Have ``decisions`` say what a user may decide now on each of some invoices in approval."""
    _asked[:] = [decisions]


def decisions_open_to(invoices: Collection[Invoice], user: Any) -> dict[int, Collection[str]]:
    """``APPROVE`` and ``REJECT`` by invoice id, as this user may give them now.

    A constant number of queries; none where nothing is in approval.
    """
    ids = [invoice.pk for invoice in invoices if invoice.status == InvoiceStatus.APPROVING]
    found: dict[int, Collection[str]] = {}
    for decisions in _asked if ids else ():
        found |= decisions(ids, user)
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """A button: where it leads, what it says, and whether it is the main one."""

    url: str
    label: str
    icon: str
    tone: str = ""


def steps_of(
    invoice: Invoice, *, period_is_past: bool, user: Any, decisions: Collection[str]
) -> list[Step]:
    """The steps this user may take now; approving is linked by name, it lives a floor above.

    :param decisions: of ``decisions_open_to``.
    """
    steps = []
    if invoice.status == InvoiceStatus.OPEN and period_is_past:
        if user.has_perm("approvals.request_approval"):
            url = address("approvals:invoice-approve", invoice.pk)
            steps.append(Step(url, "Approve", "check", "primary"))
        if user.has_perm("invoicing.close_invoice"):
            url = address("invoicing:invoice-close", invoice.pk)
            steps.append(Step(url, "Close", "x"))
    if APPROVE in decisions:
        url = address("approvals:invoice-approve", invoice.pk)
        steps.append(Step(url, "Approve this step", "check", "primary"))
    if REJECT in decisions:
        url = address("approvals:invoice-reject", invoice.pk)
        steps.append(Step(url, "Reject", "rotate"))
    return steps


def may_recalculate(invoice: Invoice, user: Any) -> bool:
    """Pending, Open and Error invoices may be calculated anew (X-4)."""
    live = (InvoiceStatus.PENDING, InvoiceStatus.OPEN, InvoiceStatus.ERROR)
    return invoice.status in live and user.has_perm("invoicing.recalculate_invoice")
