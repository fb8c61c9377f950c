"""Reads of the purchase import: what its pages show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet

from billing_site.web.enums import RowVerdict
from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.tables import HeaderCell
from invoicing.enums import ImportStatus, UnmappedReason
from invoicing.models import ForetoldInvoice, ImportBatch, ImportRow, Invoice

SAMPLES = 3
ROWS_AT_ONCE = 2_000
BILLED, WAITING, LARGE = "billed", "waiting", "large"
BRINGING = (RowVerdict.NEW, RowVerdict.CHANGED)
LARGE_WORDS = "Unusually large quantity"
# What the check foretold of a row -> its words and its rows.
OUTCOMES: dict[str, tuple[str, Q]] = {
    BILLED: ("Will be billed", Q(verdict__in=BRINGING, unmapped_reason="")),
    WAITING: ("Will wait", ~Q(unmapped_reason="")),
    LARGE: (LARGE_WORDS, Q(is_large=True)),
} | {reason.value: (str(reason.label), Q(unmapped_reason=reason)) for reason in UnmappedReason}
Reasons = Sequence[tuple[UnmappedReason, int]]


@dataclass(frozen=True)
class Forecast:
    """What importing a checked file would do, in rows; the most frequent reason first."""

    billed: int
    waiting: int
    large: int
    reasons: Reasons


class ForetoldRow(NamedTuple):
    """A staged row, and the invoice that importing would put it on."""

    row: ImportRow
    invoice: Invoice | None


@dataclass(frozen=True)
class RowsPage:
    """Some staged rows in the order of the file; ``next_after`` is 0 on the last page."""

    rows: Sequence[ForetoldRow]
    next_after: int


def staged_rows(
    batch: ImportBatch, *, verdict: str = "", outcome: str = ""
) -> QuerySet[ImportRow, ImportRow]:
    """The staged rows in the order of the file.

    :param verdict: a ``RowVerdict``; every verdict when empty.
    :param outcome: a key of ``OUTCOMES``; every outcome when empty.
    """
    rows = ImportRow.objects.filter(batch=batch).order_by("number")
    if verdict:
        rows = rows.filter(verdict=verdict)
    if outcome:
        rows = rows.filter(OUTCOMES[outcome][1])
    return rows.defer("metadata")


def with_invoices(batch: ImportBatch, rows: Sequence[ImportRow]) -> list[ForetoldRow]:
    """Some rows of the file with the invoices they would go to. One query."""
    numbers = [row.number for row in rows]
    foretold = ForetoldInvoice.objects.filter(batch=batch, number__in=numbers)
    foretold = foretold.select_related("invoice").defer("invoice__document_data")
    invoices = {found.number: found.invoice for found in foretold}
    return [ForetoldRow(row, invoices.get(row.number)) for row in rows]


def foretold_rows(batch: ImportBatch, rows: QuerySet[ImportRow]) -> Iterator[ForetoldRow]:
    """All of ``rows`` with their invoices, a query for each ``ROWS_AT_ONCE`` of them."""
    waiting = rows.iterator(chunk_size=ROWS_AT_ONCE)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        yield from with_invoices(batch, some)


def page_of_rows(
    batch: ImportBatch, *, verdict: str = "", outcome: str = "", after: int, size: int
) -> RowsPage:
    """The staged rows behind row ``after``. Two queries."""
    rows = staged_rows(batch, verdict=verdict, outcome=outcome).filter(number__gt=after)
    found = list(rows[: size + 1])
    after = found[size - 1].number if len(found) > size else 0
    return RowsPage(with_invoices(batch, found[:size]), after)


def forecast_of(batch: ImportBatch) -> Forecast | None:
    """What the check foretold; nothing for a file that was checked before there was a forecast."""
    if batch.rows_waiting is None:
        return None
    waiting = sum(batch.rows_waiting.values())
    return Forecast(
        billed=batch.brings - waiting,
        waiting=waiting,
        large=batch.rows_large,
        reasons=_most_first(batch.rows_waiting),
    )


def reasons_left(batch: ImportBatch) -> Reasons:
    """Why purchases of an imported file are on no invoice now, the most frequent first. One query."""
    rows = batch.purchases.unmapped().order_by().values_list("unmapped_reason")
    return _most_first(dict(rows.annotate(Count("pk"))))


def _most_first(counts: dict[str, int]) -> Reasons:
    pairs = [(reason, counts[reason]) for reason in UnmappedReason if counts.get(reason)]
    return sorted(pairs, key=lambda pair: -pair[1])


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
