"""Importing a file of purchases: upload, check, all-or-nothing commit (H-CB4, R6, R11).

The rows of a file wait in ``ImportRow`` between its check and its commit. Check and commit are a
constant number of statements besides the stream of rows into the staging table, however many rows
the file has; memory does not grow with it. Both may run again after a crash: they begin anew.
"""

import datetime as dt
import hashlib
import logging
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing_site.web.enums import RowVerdict
from billing_site.web.jobs import start_job
from billing_site.web.models import Job
from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.reading import open_table
from invoicing.enums import ImportStatus
from invoicing.errors import ImportHasChanged, ImportRefused
from invoicing.imports.mappings import ColumnMapping, find_mapping
from invoicing.imports.rows import ParsedRow, RowParser
from invoicing.models import ForetoldInvoice, ImportBatch, ImportRow, Invoice
from invoicing.services import purchase_sql as sql
from invoicing.services.purchase_forecasts import foretell_rows
from invoicing.services.purchase_mapping import (
    build_mapping,
    lock_mapped_invoices,
    mapped_invoice_ids,
)

logger = logging.getLogger(__name__)

CHECK_JOB, COMMIT_JOB = "invoicing.check_purchases", "invoicing.import_purchases"
ROWS_JOB = "invoicing.export_import_rows"
STEP = 50_000  # rows per INSERT; progress is told after each
TOLD_EVERY = 2_000  # parsed rows
IMPORT_LOCK = 7_301_002  # advisory: one commit at a time
OPEN_STATUSES = (ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED)


class Progress(Protocol):
    """Hears how far the work is; a JobRun is one. May raise to stop the work."""

    def total(self, n: int) -> None: ...

    def advance(self, n: int) -> None: ...


def upload_purchases(
    *, file: File, filename: str, owner: User | None, mapping_name: str = ""
) -> ImportBatch:
    """Keep an uploaded file and look at its header; the mapping is the named or the fitting one.

    :raises SpreadsheetRefused: the file is no usable table.
    :raises MappingRefused: there is no mapping of that name.
    """
    table = open_table(cast(BinaryIO, file), filename)
    mapping = find_mapping(table.header, settings.TIME_ZONE, mapping_name)
    file.seek(0)
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    file.seek(0)
    with transaction.atomic():
        batch = ImportBatch(
            owner=owner,
            filename=filename,
            digest=digest.hexdigest(),
            mapping_name=mapping.name,
            mapping=mapping.as_json(),
            warnings=table.warnings,
        )
        stored = f"{secrets.token_urlsafe(16)}{Path(filename).suffix.lower()}"
        batch.file.save(stored, File(file), save=False)
        batch.save()
    return batch


@transaction.atomic
def receive_purchases(
    *,
    file: File,
    filename: str,
    owner: User,
    at: dt.datetime,
    mapping_name: str = "",
) -> ImportBatch:
    """Keep an uploaded file and have it checked, if its columns tell what they are.

    :raises SpreadsheetRefused: the file is no usable table.
    :raises MappingRefused: there is no mapping of that name.
    """
    batch = upload_purchases(file=file, filename=filename, owner=owner, mapping_name=mapping_name)
    if not ColumnMapping.from_json(batch.mapping).missing():
        start_check(batch_id=batch.pk, owner=owner, at=at)
        batch.refresh_from_db()
    return batch


@transaction.atomic
def start_check(
    *,
    batch_id: int,
    owner: User,
    at: dt.datetime,
    mapping: ColumnMapping | None = None,
) -> Job:
    """Check the file in a job, with another mapping if one is given.

    :raises MappingRefused: the mapping lacks a required field.
    :raises ImportRefused: the file is at work, imported or discarded.
    """
    batch = _lock(batch_id)
    _refuse_finished(batch)
    if mapping is not None:
        batch.mapping, batch.mapping_name = mapping.as_json(), mapping.name
    ColumnMapping.from_json(batch.mapping).check()
    batch.status = ImportStatus.CHECKING
    batch.job = start_job(
        kind=CHECK_JOB,
        title=f"Check {batch.filename}",
        owner=owner,
        params={"batch": batch.pk},
        at=at,
    )
    batch.save()
    return batch.job


@transaction.atomic
def start_import(*, batch_id: int, owner: User, at: dt.datetime) -> Job:
    """Import a checked file in a job; asked twice, it is the same job (R6).

    :raises ImportRefused: the file has errors, brings nothing, or is not ready.
    """
    batch = _lock(batch_id)
    if batch.status in (ImportStatus.COMMITTING, ImportStatus.COMMITTED) and batch.job is not None:
        if batch.is_working or batch.status == ImportStatus.COMMITTED:
            return batch.job
        batch.status = ImportStatus.CHECKED  # the job before ended without importing
    _refuse_unready(batch)
    batch.status = ImportStatus.COMMITTING
    batch.job = start_job(
        kind=COMMIT_JOB,
        title=f"Import {batch.filename}",
        owner=owner,
        params={"batch": batch.pk},
        total=batch.brings,
        at=at,
    )
    batch.save()
    return batch.job


def start_rows_export(
    *,
    batch: ImportBatch,
    owner: User,
    at: dt.datetime,
    verdict: str,
    outcome: str,
    file_format: str,
) -> Job:
    """Write the staged rows of a filter to a file in a job, which offers the download."""
    return start_job(
        kind=ROWS_JOB,
        title=f"Rows of {batch.filename} as {file_format.upper()}",
        owner=owner,
        params={
            "batch": batch.pk,
            "verdict": verdict,
            "outcome": outcome,
            "format": file_format,
        },
        at=at,
    )


@transaction.atomic
def check_purchases(*, batch_id: int, progress: Progress | None = None) -> ImportBatch:
    """Read the file and say for each row what importing it would do; repeatable.

    A file that turns out to be unusable is Refused with the sentence in ``error``.

    :param progress: hears of rows read; the transaction is rolled back if it raises.
    :raises ImportRefused: the file is imported or discarded.
    """
    batch = _lock(batch_id)
    if batch.status not in OPEN_STATUSES:
        raise ImportRefused(f"{batch.filename} is {batch.get_status_display().lower()} already.")
    _forget_rows(batch.pk)
    batch.error = ""
    try:
        with transaction.atomic():
            _stage_file(batch, progress)
    except SpreadsheetRefused as refusal:
        batch.status, batch.error = ImportStatus.REFUSED, str(refusal)
        batch.rows_new = batch.rows_changed = batch.rows_unchanged = batch.rows_error = 0
        batch.rows_waiting, batch.rows_large = None, 0
    else:
        with connection.cursor() as cursor:
            judge_rows(cursor, batch)
        batch.status = ImportStatus.CHECKED
    batch.save()
    return batch


@transaction.atomic
def import_purchases(
    *, batch_id: int, at: dt.datetime, progress: Progress | None = None
) -> ImportBatch:
    """Write the rows of a checked file, all or nothing; once done, repeating it does nothing.

    New purchases are mapped to their invoices or kept with a reason; changed ones are updated.
    The invoices concerned become Pending.

    :param at: becomes ``created_at`` of the purchases.
    :param progress: hears of rows written; the transaction is rolled back if it raises.
    :raises ImportRefused: errors in the file, nothing to import, or not checked.
    :raises ImportHasChanged: the verdicts are no longer those that were shown.
    """
    batch = _lock(batch_id)
    if batch.status == ImportStatus.COMMITTED:
        return batch
    _refuse_unready(batch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else a million checks wait for the end
        cursor.execute("SET LOCAL work_mem = '64MB'")
        build_mapping(cursor, sql.STAGED_SOURCE, {"batch": batch.pk})
        lock_mapped_invoices(cursor, sql.CURRENT_INVOICES, [batch.pk])
        if _set_verdicts(cursor, batch):
            raise ImportHasChanged(
                f"{batch.filename} would do something else now than the preview shows: purchases "
                "or invoices were changed meanwhile. Nothing was imported; check it again."
            )
        parameters: dict[str, Any] = {"batch": batch.pk, "at": at}
        cursor.execute(sql.KEEP_ROUTED, parameters)
        cursor.execute(sql.CURRENT_INVOICES, [batch.pk])
        touched = {invoice_id for (invoice_id,) in cursor.fetchall()}
        touched.update(mapped_invoice_ids(cursor))
        cursor.execute(sql.UPDATE_CHANGED, parameters)
        cursor.execute(sql.TOUCH_UNCHANGED, parameters)
        _tell(progress, batch.rows_changed)
        _insert_new(cursor, parameters, progress)
        Invoice.objects.filter(pk__in=touched).move_to_pending()
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # the caller's transaction may go on
    batch.status, batch.committed_at = ImportStatus.COMMITTED, at
    batch.save()
    return batch


@transaction.atomic
def discard_import(*, batch_id: int) -> None:
    """Give a file up; its rows are forgotten, its upload is kept with who and when.

    :raises ImportRefused: it is imported, or a job is at it.
    """
    batch = _lock(batch_id)
    if batch.status == ImportStatus.DISCARDED:
        return
    _refuse_finished(batch)
    batch.status = ImportStatus.DISCARDED
    batch.save()
    _forget_rows(batch.pk)


@transaction.atomic
def reopen_import(*, batch_id: int) -> None:
    """A job ended without importing: the file is as it was before it began."""
    batch = _lock(batch_id)
    if batch.status == ImportStatus.COMMITTING:
        batch.status = ImportStatus.CHECKED
    elif batch.status == ImportStatus.CHECKING:
        batch.status = ImportStatus.UPLOADED
    batch.save()


@transaction.atomic
def forget_imported_rows(*, batch_id: int) -> None:
    """Remove the staged rows of a file that is imported or discarded."""
    done = (ImportStatus.COMMITTED, ImportStatus.DISCARDED, ImportStatus.REFUSED)
    if ImportBatch.objects.filter(pk=batch_id, status__in=done).exists():
        _forget_rows(batch_id)


def stage_rows(
    *, batch_id: int, rows: Iterable[ParsedRow], progress: Progress | None = None
) -> None:
    """Stream parsed rows into the staging table; inside the caller's transaction."""
    waiting = 0
    with connection.cursor() as cursor, cursor.copy(sql.COPY_ROWS) as copy:
        for row in rows:
            verdict = RowVerdict.ERROR.value if row.errors else RowVerdict.NEW.value
            copy.write_row((batch_id, row.number, verdict, "", sql.as_json(row.errors), *row[2:]))
            waiting += 1
            if waiting == TOLD_EVERY:
                _tell(progress, waiting)
                waiting = 0
    _tell(progress, waiting)


def judge_rows(cursor: CursorWrapper, batch: ImportBatch) -> None:
    """Give every staged row verdict and forecast, and count them; in the caller's transaction."""
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute("ANALYZE invoicing_importrow")
    cursor.execute(sql.MARK_TWINS, {"batch": batch.pk})
    _set_verdicts(cursor, batch)
    foretell_rows(cursor, batch)


def _stage_file(batch: ImportBatch, progress: Progress | None) -> None:
    mapping = ColumnMapping.from_json(batch.mapping)
    with batch.file.open("rb") as file:
        table = open_table(file.file, batch.filename)
        parser = RowParser(table.header, mapping)
        if progress is not None and table.row_estimate:
            progress.total(table.row_estimate)
        rows = (parser.parse(*row) for row in table.rows())
        stage_rows(batch_id=batch.pk, rows=rows, progress=progress)
        batch.warnings = table.warnings


def _insert_new(cursor: CursorWrapper, parameters: dict, progress: Progress | None) -> None:
    cursor.execute("SELECT min(id), max(id) FROM purchase_mapping")
    first, last = cursor.fetchone()
    if first is None:
        return
    for start in range(first, last + 1, STEP):
        cursor.execute(sql.INSERT_NEW, parameters | {"first": start, "last": start + STEP - 1})
        _tell(progress, cursor.rowcount)


def _set_verdicts(cursor: CursorWrapper, batch: ImportBatch) -> int:
    """Compare the staged rows with the stored purchases, and count; how many verdicts changed."""
    cursor.execute(sql.SET_VERDICTS, {"batch": batch.pk, "zone": settings.TIME_ZONE})
    changed = cursor.rowcount
    cursor.execute(sql.COUNT_VERDICTS, [batch.pk])
    counts = dict(cursor.fetchall())
    batch.rows_new = counts.get(RowVerdict.NEW, 0)
    batch.rows_changed = counts.get(RowVerdict.CHANGED, 0)
    batch.rows_unchanged = counts.get(RowVerdict.UNCHANGED, 0)
    batch.rows_error = counts.get(RowVerdict.ERROR, 0)
    return changed


def _forget_rows(batch_id: int) -> None:
    ForetoldInvoice.objects.filter(batch=batch_id).delete()
    ImportRow.objects.filter(batch=batch_id).delete()


def _lock(batch_id: int) -> ImportBatch:
    return (
        ImportBatch.objects.select_related("job")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=batch_id)
    )


def _refuse_finished(batch: ImportBatch) -> None:
    if batch.is_working:
        raise ImportRefused(f"{batch.filename} is being worked on: wait for its job, or cancel it.")
    if batch.status in (ImportStatus.COMMITTED, ImportStatus.DISCARDED):
        raise ImportRefused(
            f"{batch.filename} is {batch.get_status_display().lower()} already: upload it again."
        )


def _refuse_unready(batch: ImportBatch) -> None:
    if batch.status not in (ImportStatus.CHECKED, ImportStatus.COMMITTING):
        raise ImportRefused(
            f"{batch.filename} is {batch.get_status_display().lower()}: check it before importing."
        )
    if batch.rows_error:
        raise ImportRefused(
            f"{batch.rows_error:,} rows of {batch.filename} have errors, and a file is imported "
            "whole or not at all: correct them and upload the file again."
        )
    if not batch.brings:
        raise ImportRefused(
            f"{batch.filename} brings nothing new: all its rows are stored already."
        )


def _tell(progress: Progress | None, rows: int) -> None:
    if progress is not None and rows:
        progress.advance(rows)
