"""Turns raw rows into purchases as the database will hold them, or into errors of their cells."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from billing_site.kernel.money import ACTIVE_CURRENCIES
from billing_site.web.spreadsheets.cells import (
    parse_currency,
    parse_datetime,
    parse_decimal,
    parse_text,
)
from billing_site.web.spreadsheets.errors import CellError
from billing_site.web.spreadsheets.tables import CellProblem, HeaderCell
from invoicing.imports.fields import BY_KEY, METADATA
from invoicing.imports.mappings import ColumnMapping

INTEGER_DIGITS, SCALE = 15, 15  # of quantities and prices in the database
CACHED_CELLS = 20_000  # texts remembered per column; most columns repeat themselves
CURRENCIES = frozenset(ACTIVE_CURRENCIES)


class RowError(NamedTuple):
    """One thing wrong with a row; ``column`` is ``C, quantity`` or empty for the whole row."""

    column: str
    sentence: str


class ParsedRow(NamedTuple):
    """A purchase as its row states it; ``errors`` empty means that it can be imported.

    Amounts are exact Decimals, moments are aware. Fields without a column are blank or None.
    """

    number: int
    errors: tuple[RowError, ...]
    reference: str = ""
    customer_code: str = ""
    product_code: str = ""
    label: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    currency: str = ""
    purchased_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    unit_price_override: Decimal | None = None
    total_override: Decimal | None = None
    cost_override: Decimal | None = None
    invoice_reference: str = ""
    source_updated_at: dt.datetime | None = None
    metadata: str = "{}"  # JSON, keys sorted


class RowParser:
    """Parses the rows of one file by one mapping.

    :raises MappingRefused: from the constructor, when the mapping is incomplete.
    """

    def __init__(self, header: Sequence[HeaderCell], mapping: ColumnMapping) -> None:
        mapping.check()
        zone = mapping.zone()
        self.blank_words = frozenset(mapping.blank_words)
        places = {
            target: cell
            for cell in header
            if (target := mapping.columns.get(cell.key, "")) in BY_KEY
        }
        parsers: dict[str, Callable[[str], Any]] = {
            "reference": lambda text: _code(text, 120),
            "customer_code": lambda text: _code(text, 100),
            "product_code": lambda text: _code(text, 100),
            "product_code_2": lambda text: _code(text, 100),
            "label": lambda text: _code(text, 200),
            "unit": lambda text: _code(text, 40),
            "invoice_reference": lambda text: _code(text, 60),
            "quantity": _amount,
            "unit_price": _amount,
            "total": _amount,
            "cost": _amount,
            "currency": lambda text: parse_currency(text, CURRENCIES),
            "purchased_at": lambda text: parse_datetime(text, zone),
            "ended_at": lambda text: parse_datetime(text, zone),
            "source_updated_at": lambda text: parse_datetime(text, zone),
        }
        # a product code has a second chance, so its first column may be blank
        has_fallback = "product_code_2" in places
        self.steps: list[Any] = [
            (
                target,
                cell.position,
                parsers[target],
                {},
                BY_KEY[target].required
                and not BY_KEY[target].may_be_blank
                and not (target == "product_code" and has_fallback),
            )
            for target, cell in places.items()
        ]
        self.names = {cell.position: f"{cell.letter}, {cell.name}" for cell in header}
        self.used = {cell.position for cell in places.values()}
        self.places = places
        self.metadata = [
            (cell.position, cell.name)
            for cell in header
            if mapping.columns.get(cell.key) == METADATA
        ]
        self.used |= {position for position, _ in self.metadata}

    def parse(
        self, number: int, cells: Sequence[str], problems: Sequence[CellProblem] = ()
    ) -> ParsedRow:
        """One row; problems of columns that are not imported do not matter."""
        errors: list[RowError] = []
        bad: set[int | None] = set()
        for problem in problems:
            if problem.position is None or problem.position in self.used:
                bad.add(problem.position)
                name = self.names.get(problem.position, "") if problem.position is not None else ""
                errors.append(RowError(name, problem.sentence))
        values: dict[str, Any] = {}
        for target, position, parse, known, required in self.steps:
            text = cells[position]
            if text in known:
                values[target] = known[text]
                continue
            if not text or text in self.blank_words or text.isspace():
                if required and position not in bad:
                    errors.append(RowError(self.names[position], "The cell is blank: fill it in."))
                continue
            if position in bad:
                continue
            try:
                value = parse(text)
            except CellError as error:
                errors.append(RowError(self.names[position], str(error)))
                continue
            if len(known) >= CACHED_CELLS:
                known.clear()
            known[text] = value
            values[target] = value
        return self._row(number, cells, values, errors, bad)

    def _row(
        self,
        number: int,
        cells: Sequence[str],
        values: dict[str, Any],
        errors: list[RowError],
        bad: set[int | None],
    ) -> ParsedRow:
        second = values.pop("product_code_2", "")
        if "product_code" not in values:
            if second:
                values["product_code"] = second
            elif "product_code_2" in self.places and not bad and not errors:
                column = self.names[self.places["product_code_2"].position]
                errors.append(
                    RowError(column, "Both columns of the product code are blank: fill in one.")
                )
        metadata = self._metadata(cells, errors, bad) if self.metadata else {}
        price, total = values.pop("unit_price", None), values.pop("total", None)
        if price is not None and total is not None:
            metadata["unit_price"] = f"{price:f}"
            price = None
        start, end = values.get("purchased_at"), values.get("ended_at")
        if start is not None and end is not None and end < start:
            errors.append(
                RowError(
                    self.names[self.places["ended_at"].position],
                    "The end is before the purchase date: correct one of them.",
                )
            )
        if errors:
            return ParsedRow(number, tuple(errors), values.get("reference", ""))
        return ParsedRow(
            number,
            (),
            unit_price_override=price,
            total_override=total,
            cost_override=values.pop("cost", None),
            metadata=json.dumps(metadata, sort_keys=True, ensure_ascii=False) if metadata else "{}",
            **values,
        )

    def _metadata(
        self, cells: Sequence[str], errors: list[RowError], bad: set[int | None]
    ) -> dict[str, str]:
        found = {}
        for position, name in self.metadata:
            text = cells[position]
            if not text or text in self.blank_words or position in bad:
                continue
            try:
                found[name] = parse_text(text, 2_000)
            except CellError as error:
                errors.append(RowError(self.names[position], str(error)))
        return found


def _code(text: str, max_length: int) -> str:
    return parse_text(text, max_length, single_line=True, strip=True)


def _amount(text: str) -> Decimal:
    return parse_decimal(text, INTEGER_DIGITS, SCALE)
