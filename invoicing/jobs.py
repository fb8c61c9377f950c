"""Long work of the invoicing floor, as jobs; see :mod:`billing_site.web.jobs`."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from billing_site.web.jobs import JobRun, LeaseLost, job_kind
from invoicing.exports.import_rows import write_import_rows
from invoicing.models import ImportBatch
from invoicing.selectors.imports import ForetoldRow, foretold_rows, staged_rows
from invoicing.services import purchase_imports, purchase_mapping
from invoicing.services.purchase_mapping import MappingOutcome
from invoicing.tasks import enqueue_pending

MAPPED_AT_ONCE = 500


class ProgressBeside:
    """Tells a job how far its work is, from a thread with a database connection of its own.

    The work is one long transaction; what it told by its own connection would be seen by nobody
    before the end.
    """

    def __init__(self, job: JobRun, executor: ThreadPoolExecutor) -> None:
        self.job, self.executor = job, executor

    def total(self, n: int) -> None:
        self.executor.submit(self.job.total, n).result()

    def advance(self, n: int) -> None:
        """:raises JobCancelled: the owner asked to stop; the work is rolled back."""
        self.executor.submit(self._advance, n).result()

    def _advance(self, n: int) -> None:
        self.job.advance(n)
        self.job.check_cancelled()


@contextmanager
def progress_beside(job: JobRun) -> Iterator[ProgressBeside]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"job-{job.pk}") as executor:
        try:
            yield ProgressBeside(job, executor)
        finally:
            executor.submit(lambda: connection.close()).result()  # the thread's own


@job_kind(purchase_imports.CHECK_JOB, permission="invoicing.import_purchases")
def check_purchases(job: JobRun) -> None:
    """Read a file of purchases and give each row its verdict."""
    batch_id = job.params["batch"]
    with _reopened_on_failure(batch_id), progress_beside(job) as progress:
        batch = purchase_imports.check_purchases(batch_id=batch_id, progress=progress)
    job.result(
        url=batch.get_absolute_url(),
        new=batch.rows_new,
        changed=batch.rows_changed,
        unchanged=batch.rows_unchanged,
        errors=batch.rows_error,
        warning=rows_with_errors(batch.rows_error) if batch.rows_error else "",
    )


def rows_with_errors(count: int) -> str:
    return "1 row has an error" if count == 1 else f"{count:,} rows have errors"


@job_kind(purchase_imports.ROWS_JOB, permission="invoicing.view_importbatch")
def export_import_rows(job: JobRun) -> None:
    """Write the staged rows of a filter with what was foretold of them."""
    batch_id, file_format = job.params["batch"], job.params["format"]
    batch = ImportBatch.objects.get(pk=batch_id)
    rows = staged_rows(batch, verdict=job.params["verdict"], outcome=job.params["outcome"])
    job.total(rows.count())

    def told() -> Iterator[ForetoldRow]:
        for row in foretold_rows(batch, rows):
            yield row
            job.advance()
            job.check_cancelled()

    with tempfile.TemporaryFile() as stream:
        zone = timezone.get_current_timezone()
        written = write_import_rows(stream, told(), file_format=file_format, time_zone=zone)
        stream.seek(0)
        name = f"exports/{job.pk}-{secrets.token_urlsafe(16)}.{file_format}"
        saved = default_storage.save(name, File(stream))
    job.result(
        url=reverse("web:job-download", args=[job.pk]),
        file=saved,
        file_name=f"import-{batch_id}-rows.{file_format}",
        rows=written,
    )


@job_kind(purchase_imports.COMMIT_JOB, permission="invoicing.import_purchases")
def import_purchases(job: JobRun) -> None:
    """Import a checked file of purchases, all or nothing."""
    batch_id = job.params["batch"]
    with _reopened_on_failure(batch_id), progress_beside(job) as progress:
        batch = purchase_imports.import_purchases(
            batch_id=batch_id, at=job.now(), progress=progress
        )
    enqueue_pending()
    purchase_imports.forget_imported_rows(batch_id=batch_id)
    job.result(
        url=batch.get_absolute_url(),
        new=batch.rows_new,
        changed=batch.rows_changed,
        unmapped=batch.purchases.unmapped().count(),
    )


@job_kind("invoicing.map_purchases", resumable=True, permission="invoicing.map_purchase")
def map_purchases(job: JobRun) -> None:
    """Look for the invoices of the selected unmapped purchases again."""
    _for_selected(job, lambda ids: purchase_mapping.map_purchases(purchase_ids=ids))


@job_kind("invoicing.route_purchases", resumable=True, permission="invoicing.map_purchase")
def route_purchases(job: JobRun) -> None:
    """Put the selected late purchases on the earliest open invoice of their contract (D-46)."""
    _for_selected(job, lambda ids: purchase_mapping.route_purchases(purchase_ids=ids))


def _for_selected(job: JobRun, action: Callable[[list[int]], list[MappingOutcome]]) -> None:
    ids = job.selection_ids()
    job.total(len(ids))
    waiting = iter(job.unfinished(ids))
    while some := list(islice(waiting, MAPPED_AT_ONCE)):
        job.check_cancelled()
        for outcome in action(some):
            if outcome.reason:
                job.skip(outcome.reference, reason=outcome.refusal, object_id=outcome.purchase_id)
            else:
                job.item(
                    outcome.reference,
                    object_id=outcome.purchase_id,
                    url=reverse("invoicing:invoice-detail", args=[outcome.invoice_id]),
                )
    enqueue_pending()
    job.result(url=reverse("invoicing:unmapped-list"))


@contextmanager
def _reopened_on_failure(batch_id: int) -> Iterator[None]:
    """A job that ends without its work leaves the file as it was; a killed one begins anew."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception:
        purchase_imports.reopen_import(batch_id=batch_id)
        raise
