"""The rows of Export Product and Export CLI (D-05): read in one pass, in little memory."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from inventory.models import BillingPlatform
from orders.documents import EXPORT_PATHS, ExportLine, ExportRow
from orders.enums import ExportKind, Track
from orders.exports.columns import ExportColumn, chosen_columns

CHUNK = 2_000


def columns_of(platform: BillingPlatform, kind: ExportKind) -> tuple[ExportColumn, ...]:
    """The columns of a platform's file.

    :raises ExportRefused: an administrator has given it a column that is not known.
    """
    product = kind == ExportKind.PRODUCT
    names = platform.product_columns if product else platform.cli_columns
    return chosen_columns(kind, names, platform=platform.name)


def export_lines(lines: Any, *, kind: ExportKind, platform_id: int) -> QuerySet:
    """Those of ``lines`` (an OrderLineQuerySet) that give rows: a charge is Ready to Bill on the
    platform; for Export CLI they also have a CLI.
    """
    found = lines.ready_for(platform_id)
    return found.exclude(cli="") if kind == ExportKind.CLI else found


def export_rows(
    lines: QuerySet, *, kind: ExportKind, platform_id: int
) -> Iterator[tuple[int, list[ExportRow]]]:
    """Chunks of the file: how many lines each is made of, and its rows.

    Product: one row per charge that is Ready to Bill on the platform. CLI: one row per line. In
    the order of order and line; one query, whatever the size.

    :param lines: what :func:`export_lines` gives.
    """
    values = lines.order_by("order_id", "position").values_list(*EXPORT_PATHS)
    make, tracks = ExportLine._make, tuple(Track)
    seen, rows = 0, list[ExportRow]()
    for line in map(make, values.iterator(chunk_size=CHUNK)):
        if kind == ExportKind.CLI:
            rows.append(ExportRow(line))
        else:
            rows += [
                ExportRow(line, track) for track in tracks if line.is_ready(track, platform_id)
            ]
        seen += 1
        if seen == CHUNK:
            yield seen, rows
            seen, rows = 0, []
    if seen:
        yield seen, rows
