"""Rows in, a spreadsheet out: the file of an export, streamed."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from billing_site.web.spreadsheets.writing import write_csv, write_xlsx
from orders.documents import ExportRow
from orders.enums import FileFormat
from orders.exports.columns import ExportColumn

PIECE = 1 << 20


def write_export(
    stream: BinaryIO,
    columns: Sequence[ExportColumn],
    rows: Iterable[ExportRow],
    *,
    file_format: FileFormat,
    sheet_title: str,
    time_zone: dt.tzinfo,
) -> int:
    """Write the file; rows are taken one at a time.

    :returns: how many rows there were.
    :raises DomainError: more rows than a sheet can hold.
    """
    heads = [column.column for column in columns]
    cells = _cells(columns, rows)
    if file_format == FileFormat.CSV:
        return write_csv(stream, heads, cells, time_zone=time_zone)
    return write_xlsx(stream, heads, cells, sheet_title=sheet_title, time_zone=time_zone)


def checksum_of(stream: BinaryIO) -> str:
    """SHA-256 of the whole stream, which stands at its beginning afterwards."""
    stream.seek(0)
    digest = hashlib.sha256()
    while piece := stream.read(PIECE):
        digest.update(piece)
    stream.seek(0)
    return digest.hexdigest()


def _cells(columns: Sequence[ExportColumn], rows: Iterable[ExportRow]) -> Iterator[list[Any]]:
    values = [column.value for column in columns]
    for row in rows:
        yield [value(row) for value in values]
