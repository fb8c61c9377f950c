"""The rows of a filter as a file: at once when few, as a job when many; same columns either way."""

import datetime as dt
import io
import secrets
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, QueryDict
from django.urls import get_resolver, reverse
from django.utils import timezone

from billing_site.web.errors import ListIsGone
from billing_site.web.job_runs import JobRun
from billing_site.web.jobs import job_kind, start_job
from billing_site.web.list_parts import LISTS
from billing_site.web.list_queries import ListQuery
from billing_site.web.models import Job
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx

FORMATS: dict[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
SMALL_ROWS = 5_000
CHUNK = 2_000
JOB_KIND = "web.export_list"


def is_small(query: ListQuery) -> bool:
    """True when the whole filter can be written while the person waits."""
    rows = query.rows.order_by()
    return not rows[SMALL_ROWS : SMALL_ROWS + 1].exists()


def small_file(query: ListQuery, file_format: str, *, at: dt.datetime) -> HttpResponse:
    """The file itself, as a download."""
    stream = io.BytesIO()
    write_rows(query, file_format, stream)
    stream.seek(0)
    return FileResponse(
        stream,
        as_attachment=True,
        filename=file_name(query, file_format, at=at),
        content_type=FORMATS[file_format],
    )


def start_export(*, query: ListQuery, file_format: str, at: dt.datetime) -> Job:
    """Write the file in a worker; its job offers the download to its owner."""
    definition = query.definition
    return start_job(
        kind=JOB_KIND,
        title=f"Export of {definition.title.lower()} as {file_format.upper()}",
        owner=query.user,
        params={"list": definition.key, "query": query.filter_query, "format": file_format},
        at=at,
    )


@job_kind(JOB_KIND)
def export_list(job: JobRun) -> None:
    """Write the rows that the owner may see now; a cancelled export leaves no file."""
    query = kept_query(
        list_key=job.params["list"], filter_query=job.params["query"], user=job.owner
    )
    file_format = job.params["format"]
    job.total(query.count())
    with tempfile.TemporaryFile() as stream:
        written = write_rows(query, file_format, stream, job=job)
        stream.seek(0)
        name = f"exports/{job.pk}-{secrets.token_urlsafe(16)}.{file_format}"
        saved = default_storage.save(name, File(stream))
    job.result(
        url=reverse("web:job-download", args=[job.pk]),
        file=saved,
        file_name=file_name(query, file_format, at=job.now()),
        rows=written,
    )


def write_rows(
    query: ListQuery, file_format: str, stream: BinaryIO, *, job: JobRun | None = None
) -> int:
    """Write every row of the filter in the order of the list; how many there were."""
    export = query.definition.export
    rows = _values(query, job)
    zone = timezone.get_current_timezone()
    if file_format == "csv":
        return write_csv(stream, export.columns, rows, time_zone=zone)
    title = query.definition.title
    return write_xlsx(stream, export.columns, rows, sheet_title=title, time_zone=zone)


def file_name(query: ListQuery, file_format: str, *, at: dt.datetime) -> str:
    """``Invoices 2026-03-05 1412.xlsx``, in the time zone of the firm."""
    return f"{query.definition.title} {timezone.localtime(at):%Y-%m-%d %H%M}.{file_format}"


def _values(query: ListQuery, job: JobRun | None) -> Iterator[Any]:
    export = query.definition.export
    rows = query.definition.displayed(query.ordered_rows)
    waiting = 0
    for row in rows.iterator(chunk_size=CHUNK):
        yield export.row(row)
        waiting += 1
        if job is not None and waiting == CHUNK:
            job.advance(waiting)
            job.check_cancelled()
            waiting = 0
    if job is not None:
        job.advance(waiting)


def kept_query(*, list_key: str, filter_query: str, user: AbstractBaseUser) -> ListQuery:
    """A list as its page showed it under ``filter_query``; for work that begins on a page.

    :raises ListIsGone: there is no such list (any more), or none for this user.
    """
    get_resolver().url_patterns  # noqa: B018  (the pages register their lists when they are loaded)
    try:
        definition = LISTS[list_key]
    except KeyError:
        raise ListIsGone(f"There is no list {list_key} any more.") from None
    needed = definition.permission_required
    if needed and not user.has_perms([needed] if isinstance(needed, str) else needed):
        raise ListIsGone("You no longer have the right to see this list.")
    return ListQuery(definition, user, QueryDict(filter_query))
