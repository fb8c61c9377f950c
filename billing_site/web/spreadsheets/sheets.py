"""Streams the rows of one worksheet.

Cells arrive as raw text: texts as they are, numbers as plain decimals exactly as the file states
them (never by way of a float's noise), date cells as ISO 8601. Formula results, hidden rows and
merged cells are named in warnings; cells that hold no usable value are problems of that cell.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from decimal import Decimal

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
from billing_site.web.spreadsheets.marks import MARK, needs_mark
from billing_site.web.spreadsheets.tables import (
    BlankRows,
    CellProblem,
    HeaderCell,
    Row,
    Table,
    build_header,
    column_letter,
    shown,
)
from billing_site.web.spreadsheets.workbooks import Workbook, parse_stepwise

EXACT_DIGITS = 15  # significant digits that a spreadsheet program keeps of a number
_LAST_ROW = 1_048_576
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,14})", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SAVE_AGAIN = "open it in a spreadsheet program and save it again as “Excel workbook (.xlsx)”"


class SheetTable(Table):
    """A worksheet; see :class:`~billing_site.web.spreadsheets.tables.Table`."""

    def __init__(
        self, workbook: Workbook, header: list[HeaderCell], header_row: int, limits: Limits
    ) -> None:
        super().__init__(header, header_row)
        self.workbook, self.limits = workbook, limits

    def rows(self) -> Iterator[Row]:
        width = len(self.header)
        last = self.header_row
        blanks = BlankRows(self, last)
        for number, cells, problems in read_rows(self.workbook, self.limits, self):
            if number <= self.header_row or not (problems or any(cells)):
                continue
            if number != last + 1:
                blanks.last_row = last
                blanks.seen(number)
            if number > self.header_row + self.limits.max_rows:
                raise SpreadsheetRefused(
                    f"The sheet has more than {self.limits.max_rows:,} rows: split it."
                )
            last = number
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            elif len(cells) > width:
                if any(cells[width:]):
                    letter = column_letter(next(i for i in range(width, len(cells)) if cells[i]))
                    problems.append(
                        CellProblem(
                            None,
                            f"Column {letter} holds a value but has no name in the header: "
                            "name the column or clear the cell.",
                        )
                    )
                cells = cells[:width]
            yield number, cells, tuple(problems)
        if last == self.header_row:
            raise SpreadsheetRefused("The sheet has a header but no rows below it: add the rows.")


def read_header(workbook: Workbook, limits: Limits) -> tuple[int, list[HeaderCell]]:
    """Row number and names of the first filled row."""
    for number, cells, problems in read_rows(workbook, limits, None):
        for problem in problems:
            raise SpreadsheetRefused(f"Row {number}, the header: {problem.sentence}")
        if any(cell.strip() for cell in cells):
            return number, build_header(cells, limits.max_columns, number)
    raise SpreadsheetRefused(
        f"The sheet {shown(workbook.sheet_name)} is empty: the first row must hold the column names."
    )


def read_rows(
    workbook: Workbook, limits: Limits, table: Table | None
) -> Iterator[tuple[int, list[str], list[CellProblem]]]:
    """All rows that the sheet states, as ``(number, texts, problems)``; warnings go to the table."""
    reader = _SheetReader(workbook, limits, table)
    steps = parse_stepwise(
        workbook.archive,
        workbook.sheet_part,
        reader.start,
        reader.end,
        reader.characters,
    )
    for _ in steps:
        if reader.elements > limits.max_elements:
            raise SpreadsheetRefused(
                f"The sheet holds more than {limits.max_elements:,} XML elements: save it as CSV."
            )
        if reader.rows:
            yield from reader.rows
            reader.rows = []


class _SheetReader:
    """The handlers of the XML events of a worksheet."""

    def __init__(self, workbook: Workbook, limits: Limits, table: Table | None) -> None:
        self.workbook, self.limits, self.table = workbook, limits, table
        self.rows: list[tuple[int, list[str], list[CellProblem]]] = []
        self.number = 0
        self.column = -1
        self.cells: list[str] = []
        self.problems: list[CellProblem] = []
        self.columns: dict[str, int] = {}
        self.kind = ""
        self.style = ""
        self.pieces: list[str] = []
        self.length = 0
        self.wanted = False
        self.formula = False
        self.has_value = False
        self.phonetic = 0
        self.elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if tag == "c":
            reference = attributes.get("r")
            self.column = self._position(reference) if reference else self.column + 1
            self.kind = attributes.get("t", "n")
            self.style = attributes.get("s", "")
            self.pieces = []
            self.length = 0
            self.formula = self.has_value = False
        elif tag == "v":
            self.wanted = self.has_value = True
        elif tag == "t":
            self.wanted = self.has_value = not self.phonetic
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "f":
            self.formula = True
        elif tag == "rPh":
            self.phonetic += 1
        elif tag == "mergeCell":
            self._warn(
                "merged cells",
                f"Cells are merged ({shown(attributes.get('ref', ''))}): only the first cell of "
                "a merged area has a value, the others count as blank.",
            )
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            self._warn(
                "hidden columns",
                "The sheet has hidden columns: they are read too. Remove what must not be used.",
            )
        elif ":" in tag:
            self.start(tag.rpartition(":")[2], attributes)

    def end(self, tag: str) -> None:
        if tag == "c":
            self._end_cell()
        elif tag in ("v", "t"):
            self.wanted = False
        elif tag == "row":
            self.rows.append((self.number, self.cells, self.problems))
            self.cells, self.problems = [], []
        elif tag == "rPh":
            self.phonetic -= 1
        elif ":" in tag:
            self.end(tag.rpartition(":")[2])

    def characters(self, data: str) -> None:
        if self.wanted:
            self.length += len(data)
            if self.length <= self.limits.max_cell_length:
                self.pieces.append(data)

    def _start_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r")
        number = self.number + 1
        if stated is not None:
            if not (stated.isascii() and stated.isdigit() and len(stated) <= 7):
                raise SpreadsheetRefused(f"The sheet has a row {shown(stated)}: {_SAVE_AGAIN}.")
            number = int(stated)
        if not self.number < number <= _LAST_ROW:
            raise SpreadsheetRefused(
                f"The sheet's rows are out of order at row {number}: {_SAVE_AGAIN}."
            )
        self.number, self.column = number, -1
        if attributes.get("hidden") in ("1", "true"):
            self._warn(
                "hidden rows",
                f"Row {number} is hidden or filtered out (and perhaps others): hidden rows are "
                "read too. Remove the rows that must not be used.",
            )

    def _position(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        position = self.columns.get(letters)
        if position is None:
            if not _REFERENCE.fullmatch(reference):
                raise SpreadsheetRefused(f"The sheet has a cell {shown(reference)}: {_SAVE_AGAIN}.")
            position = 0
            for letter in letters:
                position = position * 26 + ord(letter) - 64
            position = self.columns[letters] = position - 1
        return position

    def _end_cell(self) -> None:
        if not self.has_value and not self.formula:
            return
        column = self.column
        if column >= self.limits.max_columns:
            raise SpreadsheetRefused(
                f"Cell {column_letter(column)}{self.number} is beyond the "
                f"{self.limits.max_columns:,} columns that are read: remove the columns that are "
                "not needed."
            )
        if column < len(self.cells):
            raise SpreadsheetRefused(
                f"Row {self.number} states its cells out of order: {_SAVE_AGAIN}."
            )
        text, problem = self._value("".join(self.pieces))
        if self.formula and not problem:
            self._warn(
                "formulas",
                f"Cell {column_letter(column)}{self.number} (and perhaps others) holds a formula: "
                "its last saved result is used. Paste values only if that may be out of date.",
            )
        if problem:
            self.problems.append(CellProblem(column, problem))
        while len(self.cells) < column:
            self.cells.append("")
        self.cells.append(text)

    def _value(self, raw: str) -> tuple[str, str]:
        """The raw text of a cell, and what is wrong with it."""
        kind = self.kind
        if self.length > self.limits.max_cell_length:
            return raw, (
                f"The cell has {self.length:,} characters, at most "
                f"{self.limits.max_cell_length:,} are read: shorten it."
            )
        if kind == "s":
            if not (raw.isascii() and raw.isdigit() and int(raw) < len(self.workbook.texts)):
                raise SpreadsheetRefused(
                    f"Cell {column_letter(self.column)}{self.number} points at a text that the "
                    f"workbook does not hold: {_SAVE_AGAIN}."
                )
            return _unescaped(self.workbook.texts[int(raw)]), ""
        if kind in ("inlineStr", "str"):
            return _unescaped(raw), ""
        if not raw:
            if self.formula:
                return "", (
                    "The cell holds a formula without a saved result: open the file in a "
                    "spreadsheet program and save it, or paste the value."
                )
            return "", ""
        if kind == "n":
            if self.style in self.workbook.date_styles:
                return date_text(raw, self.workbook.starts_1904)
            return (raw, "") if _PLAIN.fullmatch(raw) else number_text(raw)
        if kind == "b":
            word = "FALSE" if raw.strip() in ("0", "false") else "TRUE"
            return word, (
                f"The cell holds the logical value {word}: write a text or a number instead."
            )
        if kind == "e":
            return raw, f"The cell holds the error {shown(raw)}: correct its formula or its value."
        if kind == "d":
            return raw, ""
        return raw, f"The cell is of the unknown kind {shown(kind)}: type its value again."

    def _warn(self, topic: str, sentence: str) -> None:
        if self.table is not None:
            self.table.warn(topic, sentence)


def number_text(raw: str) -> tuple[str, str]:
    """A number as a workbook states it, as a plain decimal; and a problem, or "".

    A workbook keeps a number as a double, written with up to 17 digits. Up to 15 significant
    digits the decimal is exact. Beyond that the shortest decimal that means the same double is
    taken if it has at most 15 (``1.1000000000000001`` is 1.1); otherwise the number is noise of a
    calculation or too long for a spreadsheet, and is refused rather than rounded.
    """
    if not _NUMBER.fullmatch(raw):
        return raw, f"{shown(raw)} is not a number: type the value again."
    value = Decimal(raw)
    if abs(value.adjusted()) > 30:
        return raw, f"{shown(raw)} is too large or too small a number: correct it."
    if _digits(value) > EXACT_DIGITS:
        value = Decimal(repr(float(raw)))
        if _digits(value) > EXACT_DIGITS:
            return raw, (
                f"{shown(raw)} has more than {EXACT_DIGITS} digits, more than a spreadsheet keeps "
                "exactly: round it there (ROUND), or write it as text."
            )
    return format(value, "f"), ""


def date_text(raw: str, starts_1904: bool) -> tuple[str, str]:
    """The day or moment that a workbook keeps as a serial number, as ISO 8601; and a problem."""
    serial = float(raw) if _NUMBER.fullmatch(raw) else math.nan
    first = 0 if starts_1904 else 61  # before 1 March 1900 programs disagree
    if not first <= serial < 2_950_000:
        return raw, f"{shown(raw)} is no date that can be read: write it as 2026-01-31."
    base = dt.datetime(1904, 1, 1) if starts_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001
    days = int(serial)
    moment = base + dt.timedelta(days=days, milliseconds=round((serial - days) * 86_400_000))
    if moment.time() == dt.time():
        return moment.date().isoformat(), ""
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix(".000"), ""


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


def _unescaped(text: str) -> str:
    """A text of a workbook as raw text: escapes resolved, and marked if it looks marked already.

    Only CSV files carry our mark; a workbook's text that begins like a marked one gets one more,
    so that ``cells.parse_text`` treats both kinds of file alike.
    """
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if text[:1] == MARK and needs_mark(text[1:]):
        return MARK + text
    return text
