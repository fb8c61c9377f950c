"""What the demo company sold lately: orders in every stage on their way to a bill."""

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal

from django.contrib.auth.models import User

from approvals.demo.catalogue import EXTERNAL_PLATFORM
from inventory.models import BillingPlatform, CatalogueItem
from ledger.models import Customer
from orders.models import OrderLine, SalesOrder
from orders.services.conversion import convert_lines
from orders.services.orders import add_line, create_order, update_line
from orders.services.transfers import begin_transfer, transfer_lines

ORDERS = 36
SITES = ("Main office", "Warehouse", "Branch north", "Branch south", "")
NETWORKS = ("Nordfunk", "Alpenfunk")
# What is ordered together: item codes with their usual quantities.
BASKETS: Sequence[Sequence[tuple[str, int]]] = (
    (("MOB-S", 1), ("MOB-S", 1), ("MOB-L", 1)),
    (("MOB-L", 1), ("MOB-L", 1)),
    (("FIB-250", 1), ("RTR-PRO", 1), ("INS-ONS", 1)),
    (("FIB-1000", 1), ("RTR-PRO", 2), ("VPN-SITE", 2)),
    (("LIC-OFF", 12), ("LIC-SEC", 12)),
    (("MOB-S", 1), ("LIC-SEC", 4)),
)


def take_orders(
    choice: random.Random, billed: Sequence[Customer], *, by: User, at: dt.datetime, today: dt.date
) -> None:
    """Orders of the last twelve weeks; the older ones are further on their way."""
    items = CatalogueItem.objects.in_bulk(field_name="code")
    moved: list[OrderLine] = []
    for n in range(ORDERS):
        customer = choice.choice(billed)
        ordered_on = today - dt.timedelta(days=84 - 84 * n // ORDERS)
        order = create_order(
            fields={
                "customer": customer,
                "contract": customer.contracts.get(is_default=True),
                "ordered_on": ordered_on,
                "customer_reference": f"PO-{4100 + 7 * n}" if n % 3 else "",
                "site": choice.choice(SITES),
            },
            by=by,
        )
        lines = [
            add_line(
                order_id=order.pk, item=items[code], fields={"quantity": Decimal(quantity)}, at=at
            )
            for code, quantity in choice.choice(BASKETS)
        ]
        age = (today - ordered_on).days
        if age > 14:
            moved += _deliver(choice, order, lines, by=by, at=at, today=today, age=age)
    _do_not_bill(moved[0], by=by, at=at)
    _transfer(moved[1 : len(moved) // 2], by=by, at=at)


def _deliver(
    choice: random.Random,
    order: SalesOrder,
    lines: Sequence[OrderLine],
    *,
    by: User,
    at: dt.datetime,
    today: dt.date,
    age: int,
) -> list[OrderLine]:
    """Convert the lines and capture their data, where they have come that far."""
    convert_lines(line_ids=[line.pk for line in lines], by=by, at=at)
    live_on = order.ordered_on + dt.timedelta(days=choice.randint(7, 30))
    found = []
    for line in lines:
        if choice.random() < 0.15 or (age < 28 and choice.random() < 0.4):
            continue  # nobody has captured it yet
        update_line(line_id=line.pk, fields=_data(choice, line, live_on), by=by, at=at)
        if line.recurring_route is not None and live_on <= today:
            found.append(line)
    return found


def _data(choice: random.Random, line: OrderLine, live_on: dt.date) -> dict[str, object]:
    match line.item.item_type:
        case "service_with_cli":
            number = choice.randint(1_000_000, 9_999_999)
            return {
                "cli": f"+49151{number}",
                "serial": f"8949{choice.randint(10**14, 10**15 - 1)}",
                "supplier": choice.choice(NETWORKS),
                "connection_date": live_on,
            }
        case "hardware":
            serial = f"RP{choice.randint(100_000, 999_999)}"
            return {"serial": serial, "delivery_date": live_on}
        case "one_off":
            return {"completion_date": live_on}
        case _:
            return {"activation_date": live_on}


def _do_not_bill(line: OrderLine, *, by: User, at: dt.datetime) -> None:
    fields = {"recurring_do_not_bill": True, "do_not_bill_reason": "Free of charge until May"}
    update_line(line_id=line.pk, fields=fields, by=by, at=at)


def _transfer(lines: Sequence[OrderLine], *, by: User, at: dt.datetime) -> None:
    platform = BillingPlatform.objects.get(name=EXTERNAL_PLATFORM)
    batch = begin_transfer(platform_id=platform.pk, by=by, at=at)
    transfer_lines(batch=batch, line_ids=[line.pk for line in lines], at=at)
