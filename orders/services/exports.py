"""Export Product and Export CLI: order a file, and record that it is finished (L-38..L-40)."""

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from billing_site.web.jobs import start_job
from inventory.models import BillingPlatform
from orders.enums import ExportKind, FileFormat
from orders.errors import ExportRefused
from orders.models import ExportFile
from orders.selectors.exports import columns_of

EXPORT_JOB = "orders.write_export"


@transaction.atomic
def order_export(
    *,
    platform: BillingPlatform | None,
    kind: ExportKind,
    file_format: FileFormat,
    filter_query: str,
    by: User,
    at: dt.datetime,
) -> ExportFile:
    """Record that a file is wanted and start the job that writes it; no bill status moves (L-42).

    :param filter_query: the filter of the Billing Export page, as in its address.
    :raises ExportRefused: no outside platform is chosen, or its columns are not known.
    """
    if platform is None or platform.is_in_house:
        raise ExportRefused("Choose a billing route at the top right first, then export.")
    columns_of(platform, kind)
    export = ExportFile.objects.create(
        platform=platform, kind=kind, format=file_format, by=by, at=at
    )
    export.job = start_job(
        kind=EXPORT_JOB,
        title=f"Export {kind.label} for {platform} as {file_format.upper()}",
        owner=by,
        params={"export": export.pk, "query": filter_query},
        at=at,
    )
    export.save(update_fields=["job"])
    return export


@transaction.atomic
def finish_export(*, export_id: int, file: str, rows: int, checksum: str, at: dt.datetime) -> bool:
    """Record the written file; False when another worker has written it meanwhile.

    :param file: its name in the storage.
    :param checksum: SHA-256 of its bytes.
    """
    export = ExportFile.objects.select_for_update(of=("self",)).get(pk=export_id)
    if export.finished_at is not None:
        return False
    export.file, export.rows, export.checksum, export.finished_at = file, rows, checksum, at
    export.save(update_fields=["file", "rows", "checksum", "finished_at"])
    return True
