"""Reads CSV files: encoding, delimiter, rows; streamed, with bounded memory.

The file is looked through once as bytes before the first row is read (encoding, NUL bytes, lines
without end), so that nothing has to be guessed half way.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
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

_BLOCK = 1 << 20
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_SAVE_AS = "save the table as “CSV UTF-8 (.csv)” and upload that"
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_UNDEFINED_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Encoding:
    codec: str
    fallback_line: int | None = None  # first line that is not UTF-8, when Windows-1252 is assumed
    long_lines: bool = False  # whether a line may be longer than a cell may be
    lines: int = 0


def open_csv(file: BinaryIO, limits: Limits) -> "CsvTable":
    """:raises SpreadsheetRefused: not a text table, or the text cannot be read without guessing."""
    encoding = _find_encoding(file, limits.max_cell_length)
    number, names, delimiter = _read_header(_text(file, encoding.codec))
    header = build_header(names, limits.max_columns, number)
    table = CsvTable(file, encoding, delimiter, header, number, limits)
    if encoding.fallback_line is not None:
        table.warn(
            "encoding",
            f"Line {encoding.fallback_line} is not UTF-8; the file was read as Windows-1252 "
            "(Western European). If letters look wrong in the preview, " + _SAVE_AS + ".",
        )
    return table


class CsvTable(Table):
    """A CSV file; see :class:`~billing_site.web.spreadsheets.tables.Table`."""

    def __init__(
        self,
        file: BinaryIO,
        encoding: Encoding,
        delimiter: str,
        header: list[HeaderCell],
        header_row: int,
        limits: Limits,
    ) -> None:
        super().__init__(header, header_row)
        self.file, self.encoding, self.delimiter = file, encoding, delimiter
        self.limits = limits
        self.row_estimate = max(encoding.lines - header_row, 0)

    def rows(self) -> Iterator[Row]:
        text = _text(self.file, self.encoding.codec)
        reader = csv.reader(text, delimiter=self.delimiter, strict=True)
        width = len(self.header)
        long_lines = self.encoding.long_lines
        first_data_row = self.header_row + 1
        last_allowed = self.header_row + self.limits.max_rows
        blanks = BlankRows(self, self.header_row)
        last, number, line = self.header_row, 0, 0
        try:
            for number, cells in enumerate(reader, 1):
                # a cell can be too long only in a long line or in a row of several lines
                plain = not long_lines and reader.line_num == line + 1 and len(cells) == width
                line = reader.line_num
                if number < first_data_row or not any(cells):
                    continue
                if number != last + 1:
                    blanks.last_row = last
                    blanks.seen(number)
                if number > last_allowed:
                    raise SpreadsheetRefused(
                        f"The file has more than {self.limits.max_rows:,} rows: split it."
                    )
                last = number
                yield (number, cells, ()) if plain else self._odd_row(number, cells)
        except csv.Error as error:
            raise SpreadsheetRefused(
                f"Row {number + 1} cannot be split into cells ({error}): a quotation mark is "
                "probably missing or doubled. Write a cell that holds quotation marks as "
                '"a ""b"" c".'
            ) from error
        if last == self.header_row:
            raise SpreadsheetRefused("The file has a header but no rows below it: add the rows.")

    def _odd_row(self, number: int, cells: list[str]) -> Row:
        """A row that is too short, too long, or holds an over-long cell."""
        width, longest = len(self.header), self.limits.max_cell_length
        problems = [
            CellProblem(
                position if position < width else None,
                f"The cell in column {column_letter(position)} has {len(cell):,} characters, "
                f"at most {longest:,} are read: shorten it.",
            )
            for position, cell in enumerate(cells)
            if len(cell) > longest
        ]
        cells = [cell[:longest] for cell in cells]
        if len(cells) < width or any(cells[width:]):
            problems.append(
                CellProblem(
                    None,
                    f"The row has {len(cells):,} cells, the header has {width:,}: add the missing "
                    "cells, or put a cell that holds the delimiter in quotation marks.",
                )
            )
        cells = (cells + [""] * width)[:width]
        return number, cells, tuple(problems)


def _text(file: BinaryIO, codec: str) -> io.TextIOWrapper:
    file.seek(0)
    return io.TextIOWrapper(_Unclosed(file), encoding=codec, newline="")  # type: ignore[arg-type]


class _Unclosed(io.BufferedIOBase):
    """Passes reads on, and survives the text layer above it: the upload stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self.file.read(-1 if size is None else size)

    def read1(self, size: int = -1) -> bytes:
        return self.file.read(size)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block


def _find_encoding(file: BinaryIO, longest: int) -> Encoding:
    start = next(_blocks(file))[:4]
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise SpreadsheetRefused(f"The text is UTF-32, which is not read: {_SAVE_AS}.")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return _check_utf16(file)
    marked = start[:3] == codecs.BOM_UTF8
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, carry, is_utf8, bad_line, multibyte = 1, b"", True, 0, False
    undefined = long_lines = False
    for block in _blocks(file):
        if 0 in block:
            raise SpreadsheetRefused(
                f"Line {lines + _line_ends(block[: block.index(0)])} holds NUL bytes, so this is "
                f"no text table or an unmarked UTF-16 file: {_SAVE_AS}."
            )
        _check_line_end(block, lines)
        long_lines = long_lines or _has_long_line(block, longest // 2)
        if not block.isascii():
            undefined = undefined or _UNDEFINED_CP1252.search(block) is not None
            if is_utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    is_utf8 = False
                    bad_line = lines + _line_ends(error.object[: error.start])
            multibyte = multibyte or _MULTIBYTE.search(carry + block) is not None
        elif is_utf8 and decoder.getstate()[0]:
            is_utf8, bad_line = False, lines
        carry = block[-3:]
        lines += _line_ends(block)
    if is_utf8 and not decoder.getstate()[0]:
        return Encoding("utf-8-sig" if marked else "utf-8", None, long_lines, lines)
    bad_line = bad_line or lines
    if marked or multibyte or undefined:
        raise SpreadsheetRefused(
            f"Line {bad_line} is broken text: the file is neither UTF-8 nor Windows-1252 "
            f"throughout. Open the original again and {_SAVE_AS}."
        )
    return Encoding("cp1252", bad_line, long_lines, lines)


def _check_utf16(file: BinaryIO) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-16")()
    lines = 1
    try:
        for block in _blocks(file):
            text = decoder.decode(block)
            if "\0" in text:
                raise SpreadsheetRefused(f"Line {lines} holds NUL characters: {_SAVE_AS}.")
            _check_line_end(text.encode(errors="replace"), lines)
            lines += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise SpreadsheetRefused(f"Line {lines} is broken UTF-16 text: {_SAVE_AS}.") from error
    return Encoding("utf-16", None, True, lines)


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")


def _has_long_line(block: bytes, longest: int) -> bool:
    """Whether a stretch of the block longer than ``longest`` bytes holds no line end.

    A line that spans two blocks is seen half: the caller asks for half the length it cares for.
    """
    position = 0
    while position + longest < len(block):
        end = block.rfind(b"\n", position, position + longest)
        if end < 0:
            return True
        position = end + 1
    return False


def _check_line_end(block: bytes, lines: int) -> None:
    """A full block without a line end would make the reader hold an endless line."""
    if len(block) >= _BLOCK and b"\n" not in block and b"\r" not in block:
        raise SpreadsheetRefused(
            f"Line {lines} is longer than {_BLOCK:,} characters, so this is no table: {_SAVE_AS}."
        )


def _read_header(text: io.TextIOWrapper) -> tuple[int, list[str], str]:
    """Row number and names of the first filled row, and the delimiter that it uses."""
    for number, line in enumerate(text, 1):
        if number > 1000:
            break
        if not line.strip(" \t\r\n,;\ufeff"):
            continue
        delimiter = _find_delimiter(line)
        lines = iter([line])

        def record(lines=lines, text=text):
            yield from lines
            yield from text

        try:
            return number, next(csv.reader(record(), delimiter=delimiter, strict=True)), delimiter
        except csv.Error as error:
            raise SpreadsheetRefused(
                f"Row {number}, the header, cannot be split into cells ({error}): "
                "check its quotation marks."
            ) from error
    raise SpreadsheetRefused(
        "The file has no header row: the first row must hold the column names."
    )


def _find_delimiter(header: str) -> str:
    """The delimiter that the header uses outside quotation marks; only the header decides."""
    bare = re.sub(r'"[^"]*"', "", header)
    counts = {delimiter: bare.count(delimiter) for delimiter in _DELIMITERS}
    best = max(counts.values())
    if best == 0:
        return ","
    winners = [delimiter for delimiter, count in counts.items() if count == best]
    if len(winners) > 1:
        names = " and ".join(_DELIMITERS[w] for w in winners)
        raise SpreadsheetRefused(
            f"The header {shown(header.strip())} has as many {names} signs, so it is not clear "
            "which one separates the columns: put names that hold one in quotation marks."
        )
    return winners[0]
