"""What can be done to many invoices at once (CB-62, CB-63); jobs do it."""

import datetime as dt

from django.db.models import Q, QuerySet

from billing_site.web.list_parts import BulkAction
from invoicing.enums import LIVE_STATUSES, InvoiceStatus
from invoicing.querysets import period_is_past


def _approvable(rows: QuerySet, at: dt.datetime) -> QuerySet:
    """Open with the period in the past, or waiting for a decision."""
    return rows.filter(
        (Q(status=InvoiceStatus.OPEN) & period_is_past(at)) | Q(status=InvoiceStatus.APPROVING)
    )


def _closable(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.filter(period_is_past(at), status=InvoiceStatus.OPEN)


def _recalculable(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.filter(status__in=LIVE_STATUSES)


APPROVE = BulkAction(
    name="approve",
    label="Approve",
    permission="approvals.request_approval",
    job_kind="approvals.approve_invoices",
    eligible=_approvable,
    skip_reason="Only Open invoices whose period is over, and those in approval, can be approved.",
    icon="check",
    explanation="Each invoice takes its next step: approval is requested where its process has "
    "several steps, and it is approved where you are the one to approve. Approved invoices get "
    "their number and are booked as receivables.",
    irreversible=True,
)
CLOSE = BulkAction(
    name="close",
    label="Close",
    permission="invoicing.close_invoice",
    job_kind="invoicing.close_invoices",
    eligible=_closable,
    skip_reason="Only Open invoices whose period is over can be closed.",
    icon="x",
    explanation="Closed invoices are not sent, get no number and never change again.",
    irreversible=True,
)
RECALCULATE = BulkAction(
    name="recalculate",
    label="Recalculate",
    permission="invoicing.recalculate_invoice",
    job_kind="invoicing.recalculate_invoices",
    eligible=_recalculable,
    skip_reason="Invoices in approval, approved or closed are not calculated again.",
    icon="refresh",
)
