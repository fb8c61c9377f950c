"""Long work of the orders floor, as jobs; see :mod:`billing_site.web.jobs`."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice

from django.core.files import File
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from billing_site.web.jobs import JobRun, job_kind
from billing_site.web.keys import positive_key
from billing_site.web.list_exports import kept_query
from inventory.models import BillingPlatform
from orders.documents import ExportRow
from orders.enums import ExportKind, FileFormat
from orders.errors import ExportRefused, TransferRefused
from orders.exports.files import checksum_of, write_export
from orders.models import ExportFile
from orders.selectors.exports import columns_of, export_lines, export_rows
from orders.selectors.transfers import moved_tracks
from orders.services.conversion import Outcome, convert_lines, unconvert_lines
from orders.services.exports import EXPORT_JOB, finish_export
from orders.services.transfers import begin_transfer, transfer_lines

BILLING_EXPORT = "orders.billing_export"  # the key of the list that exports and transfers come from
TRANSFER_JOB = "orders.transfer_lines"
PERMISSION = "orders.use_apps_change_queue"
LINES_AT_ONCE = 500


@job_kind("orders.convert_lines", resumable=True, permission="orders.convert_orderline")
def convert(job: JobRun) -> None:
    """Make assets of the selected lines (L-21)."""
    _for_selected(job, lambda ids: convert_lines(line_ids=ids, by=job.owner, at=job.now()))


@job_kind("orders.unconvert_lines", resumable=True, permission="orders.convert_orderline")
def unconvert(job: JobRun) -> None:
    """Undo the conversion of the selected lines (D-09)."""
    _for_selected(job, lambda ids: unconvert_lines(line_ids=ids, by=job.owner, at=job.now()))


def _for_selected(job: JobRun, action: Callable[[list[int]], list[Outcome]]) -> None:
    ids = job.selection_ids()
    job.total(len(ids))
    waiting = iter(job.unfinished(ids))
    while some := list(islice(waiting, LINES_AT_ONCE)):
        job.check_cancelled()
        named = set(some)
        for outcome in action(some):
            if outcome.line_id not in named:
                continue  # a part of a selected package; it went along
            if outcome.refusal:
                job.skip(outcome.label, reason=outcome.refusal, object_id=outcome.line_id)
            else:
                job.item(outcome.label, object_id=outcome.line_id)


@job_kind(TRANSFER_JOB, resumable=True, permission=PERMISSION)
def transfer_selected_lines(job: JobRun) -> None:
    """Transfer to Billing: the selected lines, to the platform of the filter they came from."""
    key = positive_key(job.selection_filter().get("platform", ""))
    platform = BillingPlatform.objects.external().filter(pk=key).first()
    if platform is None:
        raise TransferRefused(
            "No billing route was chosen for these lines. Nothing was done; choose one at the top "
            "right of Billing Export and select the lines again."
        )
    ids = job.selection_ids()
    job.total(len(ids))
    batch = begin_transfer(platform_id=platform.pk, by=job.owner, at=job.now(), job=job.job)
    url = batch.get_absolute_url()
    waiting = iter(job.unfinished(ids))
    while some := list(islice(waiting, LINES_AT_ONCE)):
        job.check_cancelled()
        outcomes = transfer_lines(batch=batch, line_ids=some, at=job.now())
        moved = moved_tracks(batch_id=batch.pk, line_ids=some)
        for outcome in outcomes:
            tracks = moved.get(outcome.line_id)
            if tracks:
                label = f"{outcome.label}: {' and '.join(track.label for track in tracks)}"
                job.item(label, object_id=outcome.line_id, url=url)
            else:
                job.skip(outcome.label, reason=outcome.refusal, object_id=outcome.line_id)
    job.result(url=url)


@job_kind(EXPORT_JOB, permission=PERMISSION)
def write_export_file(job: JobRun) -> None:
    """Write Export Product or Export CLI under the filter of the page; moves nothing (L-42)."""
    export = ExportFile.objects.select_related("platform").get(pk=job.params["export"])
    platform, kind = export.platform, ExportKind(export.kind)
    columns = columns_of(platform, kind)
    query = kept_query(list_key=BILLING_EXPORT, filter_query=job.params["query"], user=job.owner)
    if not query.is_valid:
        raise ExportRefused(
            "The filter holds a value that does not fit any more. Nothing was written; open "
            "Billing Export and export again."
        )
    lines = export_lines(query.rows, kind=kind, platform_id=platform.pk)
    job.total(lines.order_by().count())

    def rows() -> Iterator[ExportRow]:
        for count, some in export_rows(lines, kind=kind, platform_id=platform.pk):
            yield from some
            job.advance(count)
            job.check_cancelled()

    with tempfile.TemporaryFile() as stream:
        written = write_export(
            stream,
            columns,
            rows(),
            file_format=FileFormat(export.format),
            sheet_title=f"{kind.label} {platform}",
            time_zone=timezone.get_current_timezone(),
        )
        checksum = checksum_of(stream)
        name = f"exports/{job.pk}-{secrets.token_urlsafe(16)}.{export.format}"
        saved = default_storage.save(name, File(stream))
    if not finish_export(
        export_id=export.pk, file=saved, rows=written, checksum=checksum, at=job.now()
    ):
        default_storage.delete(saved)
    job.result(
        url=reverse("orders:export-file-download", args=[export.pk]),
        file_name=export.download_name,
        rows=written,
    )
