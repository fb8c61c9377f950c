"""Long work on many invoices: the bulk actions Approve, Close and Recalculate (CB-63, N-4)."""

from collections.abc import Iterable
from itertools import islice

from django.urls import reverse

from approvals.services.reviews import approve_invoices
from billing_site.kernel.errors import DomainError
from billing_site.web.jobs import JobRun, job_kind
from invoicing import tasks
from invoicing.errors import FirmIsMissing
from invoicing.services.approval import BATCH, Outcome, close_invoices
from invoicing.services.recalculation import RecalculationOutcome, request_recalculation

NOT_YET_APPROVED = "Not approved yet: it is in approval, and the next reviewer decides."


@job_kind("approvals.approve_invoices", resumable=True, permission="approvals.request_approval")
def approve_selected_invoices(job: JobRun) -> None:
    """Request or approve each of the selected invoices; each that is left says why.

    A refusal that concerns a whole batch (two schemes make the same number) is found by taking
    its invoices one by one, so that the others go on.
    """
    ids = job.selection_ids()
    job.total(len(ids))
    for batch in _batches(job.unfinished(ids)):
        job.check_cancelled()
        try:
            outcomes = approve_invoices(invoice_ids=batch, by=job.owner, at=job.now())
            _report(job, outcomes, unnumbered=NOT_YET_APPROVED)
        except FirmIsMissing:
            raise
        except DomainError:
            _one_by_one(job, batch)
        tasks.enqueue_documents()
    job.result(url=reverse("invoicing:invoice-list"))


@job_kind("invoicing.close_invoices", resumable=True, permission="invoicing.close_invoice")
def close_selected_invoices(job: JobRun) -> None:
    """Close the selected invoices; each that is not closed says why."""
    ids = job.selection_ids()
    job.total(len(ids))
    for batch in _batches(job.unfinished(ids)):
        job.check_cancelled()
        _report(job, close_invoices(invoice_ids=batch, at=job.now()))
    job.result(url=reverse("invoicing:invoice-list"))


@job_kind(
    "invoicing.recalculate_invoices", resumable=True, permission="invoicing.recalculate_invoice"
)
def recalculate_selected_invoices(job: JobRun) -> None:
    """Send the selected invoices to be calculated again."""
    ids = job.selection_ids()
    job.total(len(ids))
    for batch in _batches(job.unfinished(ids)):
        job.check_cancelled()
        _report(job, request_recalculation(invoice_ids=batch, at=job.now()))
    tasks.enqueue_pending()
    job.result(url=reverse("invoicing:invoice-list"))


def _one_by_one(job: JobRun, batch: list[int]) -> None:
    for pk in batch:
        job.check_cancelled()
        try:
            outcomes = approve_invoices(invoice_ids=[pk], by=job.owner, at=job.now())
            _report(job, outcomes, unnumbered=NOT_YET_APPROVED)
        except DomainError as refusal:
            url = reverse("invoicing:invoice-detail", args=[pk])
            job.fail(f"invoice {pk}", str(refusal), object_id=pk, url=url)


def _batches(ids: list[int]) -> list[list[int]]:
    """``ids`` in parts of at most ``BATCH``, a transaction each."""
    iterator = iter(ids)
    return list(iter(lambda: list(islice(iterator, BATCH)), []))


def _report(
    job: JobRun, outcomes: Iterable[Outcome | RecalculationOutcome], *, unnumbered: str = ""
) -> None:
    """A line for each invoice: done, or skipped with the reason.

    :param unnumbered: what is to be known of an invoice that is done and has no number.
    """
    for outcome in outcomes:
        url = reverse("invoicing:invoice-detail", args=[outcome.invoice_id])
        if outcome.refusal:
            job.skip(outcome.label, outcome.refusal, object_id=outcome.invoice_id, url=url)
        else:
            number = outcome.number if isinstance(outcome, Outcome) else ""
            label = f"{number} {outcome.label}".strip()
            note = "" if number else unnumbered
            job.item(label, note=note, object_id=outcome.invoice_id, url=url)
