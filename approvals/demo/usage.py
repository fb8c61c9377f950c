"""What the customers of the demo company used, month by month."""

import calendar
import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from approvals.demo.catalogue import ITEMS, UNPRICED, DemoItem
from inventory.enums import ItemType
from ledger.models import Customer

PORTFOLIO = {
    "Enterprise": (6, 12),
    "Small business": (3, 7),
    "Public sector": (4, 8),
    "Switzerland": (4, 9),
    "Partners": (8, 14),
}
SIZE = {"Enterprise": 4, "Partners": 6, "Public sector": 2, "Switzerland": 2, "Small business": 1}


def choose_portfolio(choice: random.Random, cluster: str) -> list[DemoItem]:
    """The items one customer takes, in catalogue order; what others bill is ordered instead."""
    low, high = PORTFOLIO[cluster]
    taken = set(choice.sample(range(len(ITEMS)), choice.randint(low, high)))
    return [item for n, item in enumerate(ITEMS) if n in taken and not item.external]


def month_of_usage(
    choice: random.Random,
    *,
    customer: Customer,
    portfolio: list[DemoItem],
    month: dt.date,
    until: dt.datetime,
) -> Iterator[dict]:
    """Purchases of one customer in one month, none after ``until``, as import rows."""
    zone = ZoneInfo(customer.time_zone)
    days = calendar.monthrange(month.year, month.month)[1]
    size = SIZE[customer.cluster.name]
    growth = 1 + 0.02 * ((month.year - 2025) * 12 + month.month)
    for item in portfolio:
        for turn in range(_how_often(choice, item, size)):
            day = 1 if _is_recurring(item) else choice.randint(1, days)
            moment = dt.datetime(
                month.year, month.month, day, choice.randint(0, 23), choice.randint(0, 59),
                tzinfo=zone,
            )  # fmt: skip
            if moment > until:
                continue
            yield {
                "reference": f"{customer.code}-{month:%Y%m}-{item.code}-{turn + 1}",
                "customer_code": customer.code,
                "product_code": item.code,
                "label": item.name,
                "quantity": _quantity(choice, item, size, growth),
                "unit": item.unit,
                "purchased_at": moment,
            }


def stray_usage(month: dt.date) -> list[dict]:
    """Purchases that find no invoice, each for another reason."""
    moment = dt.datetime(month.year, month.month, 3, 9, 30, tzinfo=dt.UTC)
    long_ago = moment.replace(year=month.year - 3)
    return [
        {"reference": "STRAY-1", "customer_code": "DE99999", "product_code": "OBJ-GB",
         "label": "Object storage", "quantity": Decimal(250), "unit": "GB",
         "purchased_at": moment},
        {"reference": "STRAY-2", "customer_code": "DE99999", "product_code": "VM-STD",
         "label": "Virtual machine, 2 vCPU and 8 GB", "quantity": Decimal(96), "unit": "hour",
         "purchased_at": moment},
        {"reference": "STRAY-3", "customer_code": "DE10007", "product_code": "FAX-PAGE",
         "label": "Fax to mail, page", "quantity": Decimal(31), "unit": "page",
         "purchased_at": moment},
        {"reference": "STRAY-4", "customer_code": "DE10014", "product_code": "OBJ-GB",
         "label": "Object storage", "quantity": Decimal(120), "unit": "GB",
         "purchased_at": long_ago},
        {"reference": "STRAY-5", "customer_code": "DE10021", "product_code": "OUT-TRAF",
         "label": "Outbound traffic", "quantity": Decimal(18), "unit": "GB",
         "purchased_at": moment, "currency": "USD"},
    ]  # fmt: skip


def unpriced_usage(customer: Customer, month: dt.date) -> dict:
    """A purchase that no rule prices: its invoice goes to Error."""
    return {
        "reference": f"{customer.code}-{month:%Y%m}-{UNPRICED.code}-1",
        "customer_code": customer.code,
        "product_code": UNPRICED.code,
        "label": UNPRICED.name,
        "quantity": Decimal("20"),
        "unit": UNPRICED.unit,
        "purchased_at": dt.datetime(month.year, month.month, 5, 10, tzinfo=dt.UTC),
    }


def _is_recurring(item: DemoItem) -> bool:
    return item.item_type in (ItemType.SERVICE, ItemType.SERVICE_WITH_CLI)


def _how_often(choice: random.Random, item: DemoItem, size: int) -> int:
    if item.purchases == 0:
        return 1 if choice.random() < 0.08 else 0
    if _is_recurring(item):
        return 1
    return max(1, round(item.purchases * (0.6 + 0.2 * size) * choice.uniform(0.5, 1.4)))


def _quantity(choice: random.Random, item: DemoItem, size: int, growth: float) -> Decimal:
    raw = item.typical * choice.uniform(0.4, 1.6) * (size if item.typical > 1 else 1) * growth
    if _is_recurring(item) or item.item_type == ItemType.HARDWARE:
        return Decimal(max(1, round(raw)))
    return Decimal(str(round(raw, 2)))
