"""Column mappings: the named ones that ship, and the one a person adjusts.

A mapping gives each column of a file, by the key of its header, a field of
:mod:`invoicing.imports.fields`, ``metadata`` or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from billing_site.kernel.errors import DomainError
from billing_site.web.spreadsheets.tables import HeaderCell, header_key
from invoicing.imports.fields import BY_KEY, IGNORED, METADATA, REQUIRED, Field


class MappingRefused(DomainError):
    """A mapping that cannot be used; the sentence says what to map."""


@dataclass(frozen=True)
class ColumnMapping:
    """Which column means what.

    :param columns: header key -> field key, ``metadata`` or ``""``.
    :param time_zone: of times that state no offset, an IANA name.
    :param blank_words: words that mean an empty cell in this kind of file.
    """

    columns: Mapping[str, str]
    time_zone: str
    blank_words: tuple[str, ...] = ()
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": dict(self.columns),
            "time_zone": self.time_zone,
            "blank_words": list(self.blank_words),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], name: str = "") -> "ColumnMapping":
        return cls(data["columns"], data["time_zone"], tuple(data["blank_words"]), name)

    def missing(self) -> list[str]:
        """Labels of the required fields that no column has."""
        found = set(self.columns.values())
        return [wanted.label for wanted in REQUIRED if wanted.key not in found]

    def check(self) -> None:
        """:raises MappingRefused: unknown or twice mapped fields, a required one missing."""
        used: dict[str, str] = {}
        for header, target in self.columns.items():
            if target in (IGNORED, METADATA):
                continue
            if target not in BY_KEY:
                raise MappingRefused(f"There is no field {target}: choose one of the list.")
            if target in used:
                raise MappingRefused(
                    f"The columns “{used[target]}” and “{header}” are both mapped to "
                    f"{BY_KEY[target].label}: choose one of them."
                )
            used[target] = header
        if missing := self.missing():
            raise MappingRefused(
                f"No column is mapped to {', '.join(missing)}: choose the column of each."
            )
        if self.time_zone not in available_timezones():
            raise MappingRefused(f"{self.time_zone} is no time zone: choose one of the list.")

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class NamedMapping:
    """A mapping that ships with the product.

    :param headers: field key -> names under which files have it, the best first.
    :param typical: names by which a file of this kind is known.
    :param time_zone: of times without offset; empty: the firm's.
    """

    name: str
    headers: Mapping[str, Sequence[str]]
    metadata: Sequence[str] = ()
    typical: Sequence[str] = ()
    time_zone: str = ""
    blank_words: tuple[str, ...] = ()
    description: str = ""

    def apply(self, header: Iterable[HeaderCell], firm_time_zone: str) -> ColumnMapping:
        """The mapping of a file's header; required fields may be missing in it."""
        keys = {_plain(cell.name): cell.key for cell in header if cell.key}
        columns = dict.fromkeys((cell.key for cell in header if cell.key), IGNORED)
        for target, names in self.headers.items():
            for name in names:
                key = keys.get(_plain(name))
                if key is not None and columns[key] == IGNORED:
                    columns[key] = target
                    break
        for name in self.metadata:
            key = keys.get(_plain(name))
            if key is not None and columns[key] == IGNORED:
                columns[key] = METADATA
        return ColumnMapping(columns, self.time_zone or firm_time_zone, self.blank_words, self.name)

    def is_typical(self, header: Iterable[HeaderCell]) -> bool:
        names = {_plain(cell.name) for cell in header}
        return all(_plain(name) in names for name in self.typical)


QUITTANCE = NamedMapping(
    name="Quittance columns",
    description="The column names of Quittance itself, and their common variants.",
    headers={
        "reference": ("reference", "purchase_reference", "purchase_id"),
        "customer_code": ("customer_code", "customer"),
        "product_code": ("product_code", "product", "item_code"),
        "label": ("label", "product_label", "product_name", "description"),
        "quantity": ("quantity",),
        "unit": ("unit",),
        "currency": ("currency",),
        "purchased_at": ("purchased_at", "purchase_date", "period_start", "date"),
        "ended_at": ("ended_at", "end_date", "period_end"),
        "unit_price": ("unit_price", "price"),
        "total": ("total", "stated_total", "amount"),
        "cost": ("cost", "stated_cost"),
        "invoice_reference": ("invoice_reference",),
        "source_updated_at": ("source_updated_at", "source_date", "updated_at"),
    },
)
FOCUS_1_0 = NamedMapping(
    name="FOCUS 1.0",
    description="The FinOps cost and usage export, version 1.0, as the cloud providers write it.",
    headers={
        "reference": ("Id",),
        "customer_code": ("SubAccountId",),
        "product_code": ("SkuPriceId",),
        "product_code_2": ("SkuId",),
        "label": ("ServiceName",),
        "quantity": ("PricingQuantity",),
        "unit": ("PricingUnit",),
        "currency": ("BillingCurrency",),
        "purchased_at": ("ChargePeriodStart",),
        "ended_at": ("ChargePeriodEnd",),
        "total": ("BilledCost",),
    },
    metadata=("ListUnitPrice", "ChargeCategory", "ChargeDescription", "ResourceId", "RegionId"),
    typical=("BilledCost", "ChargePeriodStart", "SubAccountId"),
    time_zone="UTC",
    blank_words=("NULL",),
)


class OwnColumn(NamedTuple):
    """A column of a file with our own names: its best name and the field it fills."""

    name: str
    field: Field


OWN_COLUMNS = tuple(OwnColumn(names[0], BY_KEY[key]) for key, names in QUITTANCE.headers.items())
NAMED_MAPPINGS = {mapping.name: mapping for mapping in (QUITTANCE, FOCUS_1_0)}


def find_mapping(
    header: Sequence[HeaderCell], firm_time_zone: str, name: str = ""
) -> ColumnMapping:
    """The named mapping, or the one that suits the header.

    :raises MappingRefused: no mapping has this name.
    """
    if name:
        try:
            return NAMED_MAPPINGS[name].apply(header, firm_time_zone)
        except KeyError:
            known = ", ".join(f"“{known}”" for known in NAMED_MAPPINGS)
            raise MappingRefused(f"There is no mapping “{name}”: use one of {known}.") from None
    if FOCUS_1_0.is_typical(header):
        return FOCUS_1_0.apply(header, firm_time_zone)
    return QUITTANCE.apply(header, firm_time_zone)


def _plain(name: str) -> str:
    """A header name without the difference between blanks, dashes and underscores."""
    return header_key(name.replace("_", " ").replace("-", " "))
