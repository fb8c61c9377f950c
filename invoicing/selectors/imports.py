"""Reads of the purchase import: what its pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.tables import HeaderCell
from invoicing.enums import ImportStatus, RowVerdict
from invoicing.models import ImportBatch, ImportRow

SAMPLES = 3


@dataclass(frozen=True)
class RowsPage:
    """Some staged rows in the order of the file; ``next_after`` is 0 on the last page."""

    rows: Sequence[ImportRow]
    next_after: int


def page_of_rows(batch: ImportBatch, *, verdict: str, after: int, size: int) -> RowsPage:
    """The staged rows behind row ``after``; all verdicts when ``verdict`` is empty. One query."""
    rows = ImportRow.objects.filter(batch=batch, number__gt=after).order_by("number")
    if verdict in RowVerdict.values:
        rows = rows.filter(verdict=verdict)
    found = list(rows[: size + 1])
    return RowsPage(found[:size], found[size - 1].number if len(found) > size else 0)


def header_and_samples(batch: ImportBatch) -> tuple[list[HeaderCell], list[list[str]]]:
    """The header of the uploaded file and its first rows.

    :raises SpreadsheetRefused: the file breaks within its first rows.
    """
    with batch.file.open("rb") as file:
        table = open_table(file.file, batch.filename)
        return table.header, [cells for _, cells, _ in islice(table.rows(), SAMPLES)]


def mapped_columns(batch: ImportBatch) -> list[tuple[str, str]]:
    """The mapping as (column of the file, field key), columns without a field left out."""
    return [(column, target) for column, target in batch.mapping["columns"].items() if target]


def earlier_imports(batch: ImportBatch) -> list[ImportBatch]:
    """Imports of the very same file, the newest first."""
    same = ImportBatch.objects.filter(digest=batch.digest, status=ImportStatus.COMMITTED)
    return list(same.exclude(pk=batch.pk).select_related("owner").order_by("-id")[:3])
