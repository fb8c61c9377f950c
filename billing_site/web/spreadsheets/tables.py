"""A table read from an upload: its header, its rows as raw text, what was noticed on the way."""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Self

from billing_site.web.spreadsheets.errors import SpreadsheetRefused

_INVISIBLE = dict.fromkeys(
    [0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x180E, *range(0x202A, 0x202F)]
    + [0x200E, 0x200F, *range(0x2066, 0x206A)]
)
SHOWN_LENGTH = 40


@dataclass(frozen=True)
class HeaderCell:
    """One column: position from 0, the name as the file gives it, the name for comparisons."""

    position: int
    name: str
    key: str

    @property
    def letter(self) -> str:
        return column_letter(self.position)


@dataclass(frozen=True)
class CellProblem:
    """What the reader found wrong. ``position`` is the column from 0, or None for the whole row."""

    position: int | None
    sentence: str


Row = tuple[int, list[str], tuple[CellProblem, ...]]


class Table(ABC):
    """An opened upload.

    ``header`` is known at once. ``rows()`` reads the file again from its start each time and
    yields ``(number, cells, problems)``: the row number as a spreadsheet program shows it, as
    many raw texts as the header has columns, and what the reader itself found wrong. Blank rows
    are skipped. ``warnings`` are sentences for the user; they are complete when ``rows()`` has
    been read to its end.
    """

    def __init__(self, header: Sequence[HeaderCell], header_row: int) -> None:
        self.header = list(header)
        self.header_row = header_row
        self.owned_file: BinaryIO | None = None
        self.row_estimate: int | None = None  # for a progress bar; a cell may hold line ends
        self._warnings: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if the table was opened from a path."""
        if self.owned_file is not None:
            self.owned_file.close()

    @property
    def warnings(self) -> list[str]:
        return list(self._warnings.values())

    def warn(self, topic: str, sentence: str) -> None:
        """Remember a warning; the first one of each topic is kept."""
        self._warnings.setdefault(topic, sentence)

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """All data rows.

        :raises SpreadsheetRefused: at the row where the file breaks a bound or its own form, and
            at the end when there was no data row at all.
        """


class BlankRows:
    """Notes gaps of blank rows that have data after them."""

    def __init__(self, table: Table, last_row: int) -> None:
        self.table = table
        self.last_row = last_row

    def seen(self, number: int) -> None:
        """A data row came; called only when ``number`` is not the one after the last data row."""
        first, last = self.last_row + 1, number - 1
        blank = f"Row {first} is blank" if first == last else f"Rows {first} to {last} are blank"
        self.table.warn(
            "blank rows",
            f"{blank}, but data follows: it is read too. Remove what does not belong to the table.",
        )


def header_key(name: str) -> str:
    """A header name for comparisons: NFKC, no invisible characters, one blank, case folded."""
    text = unicodedata.normalize("NFKC", name).translate(_INVISIBLE)
    return " ".join(text.split()).casefold()


def build_header(names: Sequence[str], max_columns: int, row: int) -> list[HeaderCell]:
    """The header from the first filled row; blank columns at its end are left off.

    :raises SpreadsheetRefused: no name at all, too many columns, or two columns of one name.
    """
    cells = [HeaderCell(i, name.strip(), header_key(name)) for i, name in enumerate(names)]
    while cells and not cells[-1].key:
        cells.pop()
    if not cells:
        raise SpreadsheetRefused(
            "The file has no header row: the first row must hold the column names."
        )
    if len(cells) > max_columns:
        raise SpreadsheetRefused(
            f"The file has {len(cells):,} columns, at most {max_columns:,} are read: "
            "remove the columns that are not needed."
        )
    seen: dict[str, HeaderCell] = {}
    for cell in cells:
        twin = seen.setdefault(cell.key, cell) if cell.key else cell
        if twin is not cell:
            raise SpreadsheetRefused(
                f"Columns {twin.letter} and {cell.letter} of row {row} have the same name "
                f"{shown(cell.name)}: rename or remove one of them."
            )
    return cells


def column_letter(position: int) -> str:
    """``A`` for 0, ``AA`` for 26."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def shown(value: str) -> str:
    """A value as a message shows it: quoted, short, nothing invisible."""
    printable = "".join(c if c.isprintable() else "�" for c in value[: SHOWN_LENGTH + 1])
    if len(value) > SHOWN_LENGTH:
        printable = printable[: SHOWN_LENGTH - 1] + "…"
    return f"“{printable}”"
