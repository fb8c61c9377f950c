"""Writes tables as CSV or XLSX, streamed from an iterator, safe to open (R12).

- CSV: UTF-8 with byte order mark, commas, CRLF. Text that a program might read as a formula gets
  our mark (:mod:`~billing_site.web.spreadsheets.marks`); typed columns are written plainly, so a
  negative amount stays a number.
- XLSX: every text is stored as a string, never as formula, link or number. A number with more
  than 15 significant digits is stored as text, because a workbook would round it. Control
  characters are escaped as the format asks (``_x0001_``).

Cells may be ``None`` (blank). Text, int, Decimal, date, aware datetime and bool are written by
the kind of their column; a float is refused, money is never one.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from billing_site.kernel.errors import DomainError
from billing_site.kernel.money import EXACT
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.marks import with_mark
from billing_site.web.spreadsheets.sheets import EXACT_DIGITS

MAX_SHEET_ROWS = 1_048_575
MAX_CELL_LENGTH = 32_767
_WIDEST, _MEASURED_ROWS = 60, 500
_CUT = " … (cut: the whole text is in the CSV export)"
_NUMERIC = (Kind.INTEGER, Kind.DECIMAL, Kind.MONEY)
_FORMATS = {Kind.DATE: "yyyy-mm-dd", Kind.DATETIME: "yyyy-mm-dd hh:mm:ss"}


def write_csv(
    stream: BinaryIO,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    *,
    time_zone: dt.tzinfo = dt.UTC,
) -> int:
    """Write a CSV file.

    :param rows: one value per column; taken one at a time.
    :param time_zone: datetimes are written in this zone, with their offset.
    :returns: the number of rows written.
    """
    kept: Any = _Kept(stream)
    text = io.TextIOWrapper(kept, encoding="utf-8-sig", errors="replace", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([with_mark(column.title) for column in columns])
    count = 0
    for row in rows:
        writer.writerow(
            [
                with_mark(value) if type(value) is str else _plain(value, time_zone, column.kind)
                for value, column in zip(row, columns, strict=True)
            ]
        )
        count += 1
    text.flush()
    text.detach()
    return count


def write_xlsx(
    stream: BinaryIO,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    *,
    sheet_title: str,
    time_zone: dt.tzinfo = dt.UTC,
) -> int:
    """Write a workbook with one sheet: bold frozen header, filter buttons, typed columns.

    :param sheet_title: shortened and cleaned to what a sheet may be called.
    :param time_zone: datetimes are written as local times of this zone (a workbook has no zones).
    :returns: the number of rows written.
    :raises DomainError: more rows than a sheet can hold.
    """
    book = xlsxwriter.Workbook(
        stream,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    try:
        number = _fill_sheet(book, _sheet_title(sheet_title), columns, rows, time_zone)
    finally:
        book.close()  # also after an error: it removes XlsxWriter's temporary files
    return number


def _fill_sheet(
    book: xlsxwriter.Workbook,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    time_zone: dt.tzinfo,
) -> int:
    sheet = book.add_worksheet(title)
    header = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
    formats = _Formats(book)
    exact = book.add_format({"align": "right", "num_format": "@"})
    sheet.freeze_panes(1, 0)
    widths = [len(column.title) + 4 for column in columns]
    for position, column in enumerate(columns):
        sheet.write_string(0, position, _cut(column.title), header)
    number = 0
    for number, row in enumerate(rows, 1):
        if number > MAX_SHEET_ROWS:
            raise DomainError(
                f"A sheet holds at most {MAX_SHEET_ROWS:,} rows: narrow the filter or export CSV."
            )
        for position, (value, column) in enumerate(zip(row, columns, strict=True)):
            if value is None:
                continue
            length = _write_cell(
                sheet, number, position, value, column.kind, formats, exact, time_zone
            )
            if number <= _MEASURED_ROWS and length > widths[position]:
                widths[position] = length
    for position, width in enumerate(widths):
        sheet.set_column(position, position, min(width + 1, _WIDEST))
    sheet.autofilter(0, 0, number, len(columns) - 1)
    return number


def _write_cell(
    sheet: Worksheet,
    row: int,
    position: int,
    value: Any,
    kind: Kind,
    formats: "_Formats",
    exact: Any,
    time_zone: dt.tzinfo,
) -> int:
    """Write one cell by its type; returns roughly how wide it shows."""
    if isinstance(value, str):
        text = _cut(value)
        sheet.write_string(row, position, text)
        return min(len(text), _WIDEST)
    if isinstance(value, bool):
        sheet.write_string(row, position, _plain(value, time_zone))
        return 3
    if isinstance(value, Decimal | int) and kind in _NUMERIC:
        shown = _digits(value, kind)
        if len(shown) <= EXACT_DIGITS or _is_exact(Decimal(value)):
            sheet.write_number(row, position, float(value), formats.number(shown))
        else:
            sheet.write_string(row, position, shown, exact)
        return len(shown) + 4
    if isinstance(value, dt.date) and value.year < 1900:  # before the first day of a workbook
        sheet.write_string(row, position, _plain(value, time_zone))
        return 10
    if isinstance(value, dt.datetime):
        local = value.astimezone(time_zone) if value.tzinfo else value
        sheet.write_datetime(row, position, local.replace(tzinfo=None), formats.of(Kind.DATETIME))
        return 19
    if isinstance(value, dt.date):
        sheet.write_datetime(row, position, value, formats.of(Kind.DATE))  # type: ignore[arg-type]
        return 10
    sheet.write_string(row, position, _cut(_plain(value, time_zone)))
    return 10


def _is_exact(number: Decimal) -> bool:
    return number.is_finite() and len(number.normalize(EXACT).as_tuple().digits) <= EXACT_DIGITS


class _Formats:
    """The formats of a workbook's cells, each made once. A number shows the decimals it has: the
    optional places of a format (``0.###``) would leave a bare point behind a whole number.
    """

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._known: dict[str, Any] = {}

    def of(self, kind: Kind) -> Any:
        return self._format(_FORMATS[kind])

    def number(self, shown: str) -> Any:
        """For a number that is ``shown`` as plain digits."""
        places = len(shown.partition(".")[2])
        return self._format("#,##0" + ("." + "0" * places if places else ""))

    def _format(self, code: str) -> Any:
        if code not in self._known:
            self._known[code] = self._book.add_format({"num_format": code})
        return self._known[code]


def _digits(value: Decimal | int, kind: Kind) -> str:
    """A number in plain digits, never with an exponent; nothing of it is lost."""
    if not isinstance(value, Decimal):
        return str(value)
    if kind is not Kind.MONEY and value.is_finite():
        value = EXACT.plus(value.normalize(EXACT))  # plus: there is no negative zero
    return f"{value:f}"


def _plain(value: Any, time_zone: dt.tzinfo, kind: Kind = Kind.TEXT) -> str:
    """A value as CSV text; numbers and dates are never marked."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        return _digits(value, kind)
    if isinstance(value, dt.datetime):
        local = value.astimezone(time_zone) if value.tzinfo else value
        return local.isoformat(timespec="microseconds" if local.microsecond else "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float):
        raise TypeError("a float has no exact decimal form: give a Decimal")
    return with_mark(str(value))


def _cut(text: str) -> str:
    """A text that fits into a cell of a workbook; lone surrogates cannot be stored."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    if len(text) > MAX_CELL_LENGTH:
        return text[: MAX_CELL_LENGTH - len(_CUT)] + _CUT
    return text


def _sheet_title(title: str) -> str:
    cleaned = "".join(" " if c in "[]:*?/\\" else c for c in title).strip(" '")[:31].strip(" '")
    return cleaned if cleaned and cleaned.casefold() != "history" else "Sheet"


class _Kept(io.BufferedIOBase):
    """Passes writes on; the stream below stays open when the text layer goes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.stream.write(data)
        return len(data)
