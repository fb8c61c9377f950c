"""Turns the raw rows of a file of items into values, or into faults of their cells."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from billing_site.web.spreadsheets.cells import parse_choice, parse_decimal, parse_text
from billing_site.web.spreadsheets.errors import CellError
from billing_site.web.spreadsheets.marks import without_mark
from billing_site.web.spreadsheets.tables import CellProblem, HeaderCell, header_key, shown
from inventory.enums import ItemKind, ItemType
from inventory.errors import ItemImportRefused
from inventory.imports.columns import GUID, ITEM_COLUMNS
from ledger.validators import validate_plain_text

PRICE_DIGITS, PRICE_SCALE = 14, 10
METERING_DIGITS, METERING_SCALE = 9, 6
LONGEST_VALUE = 200  # of a cell in a list of faults
NAMES_LISTED = 8
YES_NO = {"yes": True, "no": False, "true": True, "false": False}
# Choices are read by their labels, as the export writes them.
KINDS = {label: value for value, label in ItemKind.choices}
TYPES = {label: value for value, label in ItemType.choices}
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I | re.A)


class Fault(NamedTuple):
    """One thing wrong: ``column`` is ``C, Name`` or empty for the row, ``value`` what it holds."""

    column: str
    value: str
    sentence: str


@dataclass(slots=True)
class ParsedRow:
    """A row as it states an item; ``guid`` None asks for a new one.

    ``values`` has the fields that the row states, relations as ids; ``code`` and ``name`` are what
    its cells show, also when they do not fit.
    """

    number: int
    guid: UUID | None = None
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    code: str = ""
    name: str = ""


class RowParser:
    """Parses the rows of one file.

    :param categories: ids by name; ``platforms`` likewise.
    :raises ItemImportRefused: from the constructor, when the header is none of items.
    """

    def __init__(
        self,
        header: Sequence[HeaderCell],
        *,
        categories: Mapping[str, int],
        platforms: Mapping[str, int],
    ) -> None:
        cells = {cell.key: cell for cell in header}
        self.places = {
            column.field: (column, cells[key])
            for column in ITEM_COLUMNS
            if (key := header_key(column.title)) in cells
        }
        _refuse_header(self.places)
        self.names = {cell.position: f"{cell.letter}, {cell.name}" for cell in header}
        self.used = {cell.position for _, cell in self.places.values()}
        self.unknown = [cell for cell in header if cell.key and cell.position not in self.used]
        self.missing = [c for c in ITEM_COLUMNS if c.needed and c.field not in self.places]
        self.parsers: dict[str, Callable[[str], Any]] = {
            "guid": _guid,
            "code": lambda text: _text(text, 100),
            "name": lambda text: _text(text, 200),
            "category": _Named(categories, _no_category),
            "kind": lambda text: parse_choice(text, KINDS),
            "item_type": lambda text: parse_choice(text, TYPES),
            "unit": lambda text: _text(text, 40),
            "upfront_price": _price,
            "upfront_cost": _price,
            "recurring_price": _price,
            "recurring_cost": _price,
            "upfront_route": _Named(platforms, _no_platform),
            "recurring_route": _Named(platforms, _no_platform),
            "platform_code": lambda text: _text(text, 60),
            "metering_minimum": _metering,
            "metering_increment": _increment,
            "active": _yes_or_no,
        }

    def parse(
        self, number: int, cells: Sequence[str], problems: Sequence[CellProblem] = ()
    ) -> ParsedRow:
        """One row; what is wrong in columns that are not imported does not matter."""
        row = ParsedRow(number)
        bad: set[int] = set()
        for problem in problems:
            if problem.position is None:
                row.faults.append(Fault("", "", problem.sentence))
            elif problem.position in self.used:
                bad.add(problem.position)
                self._fault(row, cells, problem.position, problem.sentence)
        is_new = not cells[self.places["guid"][1].position].strip()
        for name, (column, cell) in self.places.items():
            text = cells[cell.position]
            if cell.position in bad or (column is GUID and is_new):
                continue
            if not text or text.isspace():
                if column.may_be_blank:
                    row.values[name] = None
                elif column.needed or not is_new:
                    self._fault(row, cells, cell.position, _blank(column.needed))
                continue
            try:
                row.values[name] = self.parsers[name](text)
            except CellError as error:
                self._fault(row, cells, cell.position, str(error))
        row.guid = row.values.pop("guid", None)
        row.code, row.name = self._shown(cells, "code", 100), self._shown(cells, "name", 200)
        if is_new:
            for column in self.missing:
                sentence = (
                    f"A new item needs the column {column.title}: add it and fill it in, or give "
                    "the GUID of an item that exists."
                )
                row.faults.append(Fault("", "", sentence))
        return row

    def fault(self, name: str, value: str, sentence: str) -> Fault:
        """A fault of the column of a field."""
        place = self.places.get(name)
        return Fault(self.names[place[1].position] if place else "", value, sentence)

    def _fault(self, row: ParsedRow, cells: Sequence[str], position: int, sentence: str) -> None:
        value = printable(cells[position], LONGEST_VALUE)
        row.faults.append(Fault(self.names[position], value, sentence))

    def _shown(self, cells: Sequence[str], name: str, longest: int) -> str:
        place = self.places.get(name)
        return printable(without_mark(cells[place[1].position]).strip(), longest) if place else ""


def printable(text: str, longest: int) -> str:
    """A cell as it can be stored and shown: cut, without what cannot be seen."""
    clean = "".join(c if c.isprintable() else "�" for c in text[:longest])
    return f"{clean[:-1]}…" if len(text) > longest else clean


class _Named:
    """Finds the id of something by its name: as written, else whatever its capitals."""

    def __init__(self, ids: Mapping[str, int], refusal: Callable[[str, list[str]], str]) -> None:
        self.ids, self.refusal = {name.strip(): pk for name, pk in ids.items()}, refusal
        self.folded: dict[str, set[int]] = {}
        for name, pk in self.ids.items():
            self.folded.setdefault(name.casefold(), set()).add(pk)

    def __call__(self, text: str) -> int:
        name = without_mark(text).strip()
        if name in self.ids:
            return self.ids[name]
        alike = self.folded.get(name.casefold(), set())
        if len(alike) != 1:
            raise CellError(self.refusal(name, list(self.ids)))
        return next(iter(alike))


def _no_category(name: str, known: list[str]) -> str:
    return (
        f"There is no category {shown(name)}: write the name of one that exists, or have an "
        "administrator add it first (Administration, Product categories)."
    )


def _no_platform(name: str, known: list[str]) -> str:
    listed = ", ".join(known[:NAMES_LISTED]) + (", …" if len(known) > NAMES_LISTED else "")
    return (
        f"There is no billing platform {shown(name)}: write one of {listed}, leave the cell blank "
        "to bill in-house, or have an administrator add the platform first."
    )


def _refuse_header(places: Mapping[str, Any]) -> None:
    if GUID.field not in places:
        raise ItemImportRefused(
            "The file has no column GUID: export the catalogue, change that file and import it. "
            "For new items only, add a column GUID and leave its cells blank."
        )
    if len(places) == 1:
        titles = ", ".join(column.title for column in ITEM_COLUMNS[1:])
        raise ItemImportRefused(
            f"The file has a column GUID and none that says anything of the items. Known are: "
            f"{titles}."
        )


def _blank(always: bool) -> str:
    if always:
        return "The cell is blank: fill it in."
    return "The cell is blank: fill it in, or remove the column to leave it as it is."


def _text(text: str, max_length: int) -> str:
    value = parse_text(text, max_length, single_line=True, strip=True)
    try:
        validate_plain_text(value)
    except ValidationError as error:
        raise CellError(error.messages[0]) from None
    return value


def _guid(text: str) -> UUID:
    if not _GUID.fullmatch(text.strip()):
        raise CellError(
            f"{shown(text)} is no GUID: copy it from an export of the catalogue, or leave the cell "
            "blank for a new item."
        )
    return UUID(text.strip())


def _price(text: str) -> Decimal:
    amount = parse_decimal(text, PRICE_DIGITS, PRICE_SCALE)
    if amount < 0:
        raise CellError(
            f"{shown(text)} is below zero: prices and costs are zero or more; a reduction is a "
            "pricing rule or a credit."
        )
    return amount


def _metering(text: str) -> Decimal:
    quantity = parse_decimal(text, METERING_DIGITS, METERING_SCALE)
    if quantity < 0:
        raise CellError(f"{shown(text)} is below zero: write zero or more.")
    return quantity


def _increment(text: str) -> Decimal:
    quantity = _metering(text)
    if not quantity:
        raise CellError("An increment is above zero: write one, or leave the cell blank.")
    return quantity


def _yes_or_no(text: str) -> bool:
    word = without_mark(text).strip().casefold()
    if word not in YES_NO:
        raise CellError(f"{shown(text)} is neither yes nor no: write one of the two.")
    return YES_NO[word]
