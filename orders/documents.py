"""What is written about a line into the files for a billing platform: frozen, without the database."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from orders.enums import BillStatus, Track


class ExportLine(NamedTuple):
    """An order line as the export files see it; the fields are those of ``EXPORT_PATHS``."""

    id: int
    order_number: str
    position: int
    customer_code: str
    customer_name: str
    site: str
    asset_reference: str | None
    item_code: str
    item_name: str
    item_type: str
    platform_code: str | None
    quantity: Decimal
    upfront_price: Decimal
    upfront_cost: Decimal
    recurring_price: Decimal
    recurring_cost: Decimal
    billing_months: int
    currency: str
    contract_reference: str
    contract_end: dt.date | None
    upfront_route: int | None
    recurring_route: int | None
    upfront_status: str
    recurring_status: str
    bill_start_computed: dt.date | None
    bill_start_override: dt.date | None
    cli: str
    serial: str
    supplier: str
    connection_date: dt.date | None
    notes: str

    def is_ready(self, track: Track, platform_id: int) -> bool:
        """The charge has this route and is Ready to Bill (X-11)."""
        if track == Track.UPFRONT:
            return (
                self.upfront_route == platform_id and self.upfront_status == BillStatus.READY.value
            )
        return (
            self.recurring_route == platform_id and self.recurring_status == BillStatus.READY.value
        )


# Where the fields of an ExportLine are found from an order line, in their order.
EXPORT_PATHS = (
    "id",
    "order__number",
    "position",
    "order__customer__code",
    "order__customer__name",
    "order__site",
    "asset__reference",
    "item__code",
    "item__name",
    "item__item_type",
    "item__platform_code",
    "quantity",
    "upfront_price",
    "upfront_cost",
    "recurring_price",
    "recurring_cost",
    "billing_months",
    "order__contract__currency",
    "order__contract__reference",
    "order__contract__ends_on",
    "upfront_route",
    "recurring_route",
    "upfront_status",
    "recurring_status",
    "bill_start_computed",
    "bill_start_override",
    "cli",
    "serial",
    "supplier",
    "connection_date",
    "notes",
)


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One row of a file: the line, and the charge of it for Export Product; none for Export CLI."""

    line: ExportLine
    track: Track | None = None
