"""The columns of Export Product and Export CLI (D-05), and what a platform has of them (L-40).

Names are those of D-05. An administrator lists some of them on the platform, in the order that
the external system wants; a platform without a list gets all of them in the usual order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing_site.kernel.money import EXACT, minor_units
from billing_site.web.list_parts import with_places
from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.enums import ItemType
from orders.documents import ExportLine, ExportRow
from orders.enums import ExportKind, Track
from orders.errors import ExportRefused
from orders.rules import effective_bill_start

ITEM_TYPES = {item_type.value: item_type.label for item_type in ItemType}


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column that can be chosen: its name, its cells' kind, and its value for a row."""

    name: str
    kind: Kind
    value: Callable[[ExportRow], Any]

    @property
    def column(self) -> Column:
        return Column(self.name, self.name[0].upper() + self.name[1:], self.kind)


def _of(field: str) -> Callable[[ExportRow], Any]:
    position = ExportLine._fields.index(field)
    return lambda row: row.line[position]


def _is_upfront(row: ExportRow) -> bool:
    return row.track == Track.UPFRONT


def _charge_kind(row: ExportRow) -> str:
    return "up-front" if _is_upfront(row) else "recurring"


def _unit_price(row: ExportRow) -> Decimal:
    line = row.line
    price = line.upfront_price if _is_upfront(row) else line.recurring_price
    return with_places(price, minor_units(line.currency))


def _unit_cost(row: ExportRow) -> Decimal:
    line = row.line
    cost = line.upfront_cost if _is_upfront(row) else line.recurring_cost
    return with_places(cost, minor_units(line.currency))


def _billing_period(row: ExportRow) -> str:
    """Of a recurring charge; an up-front charge has none."""
    months = row.line.billing_months
    if _is_upfront(row):
        return ""
    return "1 month" if months == 1 else f"{months} months"


def _bill_start(row: ExportRow) -> Any:
    return effective_bill_start(row.line.bill_start_computed, row.line.bill_start_override)


def _columns(*columns: tuple[str, Kind, Callable[[ExportRow], Any]]) -> dict[str, ExportColumn]:
    return {name: ExportColumn(name, kind, value) for name, kind, value in columns}


PRODUCT_COLUMNS = _columns(
    ("order number", Kind.TEXT, _of("order_number")),
    ("line number", Kind.INTEGER, _of("position")),
    ("customer code", Kind.TEXT, _of("customer_code")),
    ("customer name", Kind.TEXT, _of("customer_name")),
    ("site", Kind.TEXT, _of("site")),
    ("asset reference", Kind.TEXT, _of("asset_reference")),
    ("item code", Kind.TEXT, _of("item_code")),
    ("item name", Kind.TEXT, _of("item_name")),
    ("item type", Kind.TEXT, lambda row: ITEM_TYPES[row.line.item_type]),
    ("charge kind", Kind.TEXT, _charge_kind),
    ("quantity", Kind.DECIMAL, lambda row: row.line.quantity.normalize(EXACT)),
    ("unit price", Kind.MONEY, _unit_price),
    ("unit cost", Kind.MONEY, _unit_cost),
    ("currency", Kind.TEXT, _of("currency")),
    ("billing period", Kind.TEXT, _billing_period),
    ("effective bill start date", Kind.DATE, _bill_start),
    ("contract reference", Kind.TEXT, _of("contract_reference")),
    # for the person who maps our items to theirs; the catalogue holds no code of other systems
    ("platform's item code", Kind.TEXT, _of("platform_code")),
    ("notes", Kind.TEXT, _of("notes")),
)
CLI_COLUMNS = _columns(
    ("customer code", Kind.TEXT, _of("customer_code")),
    ("customer name", Kind.TEXT, _of("customer_name")),
    ("site", Kind.TEXT, _of("site")),
    ("CLI", Kind.TEXT, _of("cli")),
    ("SIM/serial", Kind.TEXT, _of("serial")),
    ("network/supplier", Kind.TEXT, _of("supplier")),
    ("tariff item code", Kind.TEXT, _of("item_code")),
    ("tariff name", Kind.TEXT, _of("item_name")),
    ("connection date", Kind.DATE, _of("connection_date")),
    ("effective bill start date", Kind.DATE, _bill_start),
    ("contract end date", Kind.DATE, _of("contract_end")),
    ("order number", Kind.TEXT, _of("order_number")),
    ("asset reference", Kind.TEXT, _of("asset_reference")),
)
COLUMNS: dict[ExportKind, dict[str, ExportColumn]] = {
    ExportKind.PRODUCT: PRODUCT_COLUMNS,
    ExportKind.CLI: CLI_COLUMNS,
}


def chosen_columns(
    kind: ExportKind, names: Sequence[str], *, platform: str
) -> tuple[ExportColumn, ...]:
    """The columns of a platform's file, in its order; all of D-05 when it names none.

    Case and spaces around a name do not matter.

    :raises ExportRefused: a name is unknown, or stands twice.
    """
    known = COLUMNS[kind]
    if not names:
        return tuple(known.values())
    by_key = {name.casefold(): column for name, column in known.items()}
    wanted = [name.strip().casefold() for name in names]
    unknown = [name for name, key in zip(names, wanted, strict=True) if key not in by_key]
    if unknown:
        raise ExportRefused(
            f"The columns of Export {kind.label} for {platform} name {_quoted(unknown)}, which "
            f"{'is' if len(unknown) == 1 else 'are'} unknown. An administrator corrects them on "
            f"the billing platform; known columns are {', '.join(known)}."
        )
    twice = [name for i, name in enumerate(names) if wanted[i] in wanted[:i]]
    if twice:
        raise ExportRefused(
            f"The columns of Export {kind.label} for {platform} name {_quoted(twice)} more than "
            "once. An administrator removes the second one on the billing platform."
        )
    return tuple(by_key[key] for key in wanted)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
