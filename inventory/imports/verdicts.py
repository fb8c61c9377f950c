"""What importing each row of a file of items would do, compared with the catalogue (D-06)."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing_site.kernel.money import format_quantity
from billing_site.web.enums import RowVerdict
from billing_site.web.spreadsheets.tables import Table, shown
from inventory import selectors
from inventory.enums import ItemKind, ItemType
from inventory.errors import ItemImportRefused
from inventory.imports.columns import BY_FIELD, ROUTES
from inventory.imports.rows import ParsedRow, RowParser
from inventory.models import CatalogueItem

MOST_ROWS = 20_000  # confirming them fits into one request, also on a busy machine
LISTED = 5
IN_HOUSE = "blank: in-house"
RELATIONS = ("category", *ROUTES)
SHOWN_APART = ("code", "name")
CHOICES = {"kind": dict(ItemKind.choices), "item_type": dict(ItemType.choices)}


@dataclass(slots=True)
class JudgedRow:
    """A row with its verdict.

    ``changes`` are ``(title, before, after)`` as texts; a known row has its stored
    ``item`` and the names of the ``fields`` that change.
    """

    row: ParsedRow
    verdict: RowVerdict
    changes: list[tuple[str, str, str]]
    item: CatalogueItem | None = None
    fields: tuple[str, ...] = ()


class ItemFile:
    """The rows of one file, read and parsed; :meth:`judge` compares them with the catalogue.

    Memory grows with the rows, of which there are at most :data:`MOST_ROWS`. Reading makes two
    queries and judging two, however many rows there are.

    :raises SpreadsheetRefused: the file is no usable table.
    :raises ItemImportRefused: it is a table of something else, or has too many rows.
    """

    def __init__(self, table: Table) -> None:
        categories, platforms, self.has_external = selectors.names_of_catalogue()
        self.parser = RowParser(table.header, categories=categories, platforms=platforms)
        self.names = {
            "category": {pk: name for name, pk in categories.items()},
            **{route: {pk: name for name, pk in platforms.items()} for route in ROUTES},
        }
        self.rows: list[ParsedRow] = []
        for raw in table.rows():
            if len(self.rows) == MOST_ROWS:
                raise ItemImportRefused(
                    f"The file has more than {MOST_ROWS:,} rows: split it into several."
                )
            self.rows.append(self.parser.parse(*raw))
        self.warnings = [
            *table.warnings,
            *(
                f"Column {cell.letter}, {shown(cell.name)}, is not known and is not imported."
                for cell in self.parser.unknown
            ),
        ]

    @property
    def guids(self) -> list[Any]:
        return [row.guid for row in self.rows if row.guid is not None]

    def judge(self) -> list[JudgedRow]:
        """The verdict of every row against the catalogue as it is now."""
        items = selectors.items_by_guid(self.guids)
        owners = selectors.owners_of_codes(
            row.values["code"] for row in self.rows if "code" in row.values
        )
        twins = {
            "guid": _twins((row.guid, row.number) for row in self.rows),
            "code": _twins((row.values.get("code"), row.number) for row in self.rows),
        }
        return [self._judge(row, items, owners, twins) for row in self.rows]

    def _judge(self, row: ParsedRow, items: Any, owners: Any, twins: Any) -> JudgedRow:
        code = row.values.get("code", "")
        item = items.get(row.guid)
        faults = list(row.faults)
        if row.guid is not None and item is None:
            faults.append(
                self.parser.fault(
                    "guid",
                    str(row.guid),
                    "There is no item with this GUID: export the catalogue again, or leave the "
                    "cell blank for a new item.",
                )
            )
        for name, value in (("guid", row.guid), ("code", code)):
            if value in twins[name]:
                faults.append(self.parser.fault(name, str(value), _twin(name, twins[name][value])))
        if code in owners and owners[code] != row.guid:
            faults.append(self.parser.fault("code", code, _taken(row, owners[code])))
        if faults:
            found = ParsedRow(row.number, row.guid, {}, faults, row.code, row.name)
            return JudgedRow(found, RowVerdict.ERROR, [])
        if item is None:
            return JudgedRow(row, RowVerdict.NEW, self._given(row))
        row.code, row.name = row.code or item.code, row.name or item.name
        changed = tuple(
            name for name, value in row.values.items() if not _is_same(_stored(item, name), value)
        )
        changes = [
            (BY_FIELD[name].title, self._text(name, before), self._text(name, row.values[name]))
            for name in changed
            for before in [_stored(item, name)]
        ]
        verdict = RowVerdict.CHANGED if changes else RowVerdict.UNCHANGED
        return JudgedRow(row, verdict, changes, item, changed)

    def _given(self, row: ParsedRow) -> list[tuple[str, str, str]]:
        """What a new item is given beside its code and name; blank routes only where there are
        platforms to choose from (L-15).
        """
        return [
            (BY_FIELD[name].title, "", self._text(name, value))
            for name, value in row.values.items()
            if name not in SHOWN_APART
            and (value is not None or (name in ROUTES and self.has_external))
        ]

    def _text(self, name: str, value: Any) -> str:
        if value is None:
            return IN_HOUSE if name in ROUTES else ""
        if name in self.names:
            return self.names[name].get(value, f"no. {value}")
        if name in CHOICES:
            return str(CHOICES[name][value])
        if isinstance(value, bool):
            return "yes" if value else "no"
        return format_quantity(value) if isinstance(value, Decimal) else str(value)


def fingerprint_of(rows: Iterable[JudgedRow]) -> str:
    """SHA-256 of what a preview shows: it differs when the catalogue changed in what matters."""
    digest = hashlib.sha256()
    for judged in rows:
        shown_now = (judged.row.number, judged.verdict.value, judged.changes, judged.row.faults)
        digest.update(json.dumps(shown_now).encode())
    return digest.hexdigest()


def new_item(judged: JudgedRow) -> CatalogueItem:
    """The item that a new row asks for, not stored."""
    return CatalogueItem(**{_attribute(n): v for n, v in judged.row.values.items()})


def changed_item(judged: JudgedRow) -> CatalogueItem:
    """The stored item with what its row changes, not stored yet."""
    assert judged.item is not None
    for name in judged.fields:
        setattr(judged.item, _attribute(name), judged.row.values[name])
    return judged.item


def _attribute(name: str) -> str:
    return f"{name}_id" if name in RELATIONS else name


def _stored(item: CatalogueItem, name: str) -> Any:
    return getattr(item, _attribute(name))


def _is_same(before: Any, after: Any) -> bool:
    if isinstance(before, str) and isinstance(after, str):
        return before.strip() == after.strip()  # a file does not keep blanks around a text
    return before == after


def _twins(pairs: Iterable[tuple[Any, int]]) -> dict[Any, list[int]]:
    """Values that several rows have -> the numbers of those rows."""
    rows: dict[Any, list[int]] = {}
    for value, number in pairs:
        if value is not None:
            rows.setdefault(value, []).append(number)
    return {value: numbers for value, numbers in rows.items() if len(numbers) > 1}


def _twin(name: str, numbers: Sequence[int]) -> str:
    title = BY_FIELD[name].title
    more = f" and {len(numbers) - LISTED} more" if len(numbers) > LISTED else ""
    if more:
        listed = ", ".join(map(str, numbers[:LISTED])) + more
    else:
        listed = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return f"Rows {listed} have the same {title}: keep one of them, or correct the others."


def _taken(row: ParsedRow, owner: Any) -> str:
    if row.guid is None:
        return (
            f"An item with this code exists: write its GUID {owner} to change it, or give the new "
            "item another code."
        )
    return (
        f"Another item has this code (GUID {owner}): give another one. To hand a code on, rename "
        "that item in an import of its own first."
    )
