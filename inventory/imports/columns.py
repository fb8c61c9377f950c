"""The columns of a file of items: what the export of the catalogue writes and its import reads."""

from dataclasses import dataclass
from typing import Any

from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.models import CatalogueItem


@dataclass(frozen=True)
class ItemColumn:
    """One column: the ``field`` of a catalogue item, its ``title`` in the header, what it holds.

    ``needed`` columns must be filled in for a new item; ``may_be_blank`` ones may be emptied.
    """

    field: str
    title: str
    help: str = ""
    kind: Kind = Kind.TEXT
    needed: bool = False
    may_be_blank: bool = False


GUID = ItemColumn("guid", "GUID", "Which item the row is about. Blank: a new item.")
ITEM_COLUMNS = (
    GUID,
    ItemColumn("code", "Code", "Unique; purchases name the item by it.", needed=True),
    ItemColumn("name", "Name", needed=True),
    ItemColumn("category", "Category", "The name of a category that exists.", needed=True),
    ItemColumn("kind", "Kind", "Product or Service.", needed=True),
    ItemColumn("item_type", "Type", "As on the form of an item, e.g. Hardware.", needed=True),
    ItemColumn("unit", "Unit", "Blank in a new item: unit."),
    ItemColumn(
        "upfront_price",
        "Up-front price",
        "Up to 10 decimals; blank: none. So are the other prices and costs.",
        Kind.DECIMAL,
        may_be_blank=True,
    ),
    ItemColumn("upfront_cost", "Up-front cost", "", Kind.DECIMAL, may_be_blank=True),
    ItemColumn("recurring_price", "Recurring price", "", Kind.DECIMAL, may_be_blank=True),
    ItemColumn("recurring_cost", "Recurring cost", "", Kind.DECIMAL, may_be_blank=True),
    ItemColumn(
        "upfront_route",
        "Up-front Cost Billing Route",
        "The name of a billing platform that exists; blank: billed in-house.",
        may_be_blank=True,
    ),
    ItemColumn(
        "recurring_route",
        "Recurring Cost Billing Route",
        "The name of a billing platform that exists; blank: billed in-house.",
        may_be_blank=True,
    ),
    ItemColumn(
        "platform_code",
        "Code on the billing platform",
        "What the other billing platform calls the item.",
        may_be_blank=True,
    ),
    ItemColumn("metering_minimum", "Metering minimum", "Blank in a new item: 0.", Kind.DECIMAL),
    ItemColumn(
        "metering_increment",
        "Metering increment",
        "Above zero; blank: not rounded.",
        Kind.DECIMAL,
        may_be_blank=True,
    ),
    ItemColumn("active", "Active", "yes or no; blank in a new item: yes.", Kind.BOOLEAN),
)
BY_FIELD = {column.field: column for column in ITEM_COLUMNS}
ROUTES = ("upfront_route", "recurring_route")
EXPORT_COLUMNS = tuple(Column(c.field, c.title, c.kind) for c in ITEM_COLUMNS)


def exported(item: CatalogueItem) -> tuple[Any, ...]:
    """The values of one item, as :data:`EXPORT_COLUMNS`; its relations are loaded."""
    return (
        str(item.guid),
        item.code,
        item.name,
        item.category.name,
        item.get_kind_display(),
        item.get_item_type_display(),
        item.unit,
        item.upfront_price,
        item.upfront_cost,
        item.recurring_price,
        item.recurring_cost,
        item.upfront_route.name if item.upfront_route else "",
        item.recurring_route.name if item.recurring_route else "",
        item.platform_code or "",
        item.metering_minimum,
        item.metering_increment,
        item.active,
    )
