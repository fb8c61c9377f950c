"""What the database refuses on the orders floor: the nearest row that holds, and the bad one."""

import datetime as dt
from decimal import Decimal

import pytest

from orders.models import BillStatusEvent, ExportFile, OrderLine, SalesOrder, TransferBatch
from tests import builders
from tests.constraints import Case, cases, check

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


def change(row, **fields) -> None:
    """One UPDATE, past every check in Python."""
    type(row)._base_manager.filter(pk=row.pk).update(**fields)


def new_asset(line: OrderLine):
    from inventory.models import Asset

    order = line.order
    return Asset.objects.create(
        customer=order.customer, contract=order.contract, item=line.item, label="x"
    )


def move(line: OrderLine | None = None, **fields) -> BillStatusEvent:
    line = line or builders.make_line()
    fields.setdefault("track", "upfront")
    fields.setdefault("from_status", "not_billed")
    fields.setdefault("to_status", "ready")
    fields.setdefault("trigger", "date")
    return BillStatusEvent.objects.create(line=line, at=NOON, **fields)


def by_hand(line: OrderLine, **fields) -> BillStatusEvent:
    facts = {"trigger": "manual", "actor": builders.make_user(), "reason": "Agreed"}
    return move(line, **(facts | fields))


def billed_line(**fields) -> OrderLine:
    line = builders.make_line(**fields)
    by_hand(line, to_status="in_billing")
    return line


def batch() -> TransferBatch:
    return TransferBatch.objects.create(
        platform=builders.make_platform(), by=builders.make_user(), at=NOON
    )


def ready_line() -> OrderLine:
    line = builders.make_line()
    move(line)
    return line


def convert(*, at: dt.datetime | None) -> None:
    line = builders.make_line()
    change(line, asset=new_asset(line), converted_at=at)


def other_contract(*, of_customer: bool) -> None:
    order = builders.make_order()
    customer = order.customer if of_customer else builders.make_customer()
    change(order, contract=builders.make_contract(customer))


def two_lines(second: int) -> None:
    order = builders.make_order()
    builders.make_line(order, position=1)
    builders.make_line(order, position=second)


def package(*, of_itself: bool) -> None:
    order = builders.make_order()
    line, other = builders.make_line(order), builders.make_line(order)
    change(line, package=line if of_itself else other)


def export_file(**fields) -> None:
    ExportFile.objects.create(
        platform=builders.make_platform(),
        kind="product",
        by=builders.make_user(),
        at=NOON,
        **fields,
    )


CASES = cases(
    Case(
        "order_contract_is_the_customers",
        lambda: other_contract(of_customer=True),
        lambda: other_contract(of_customer=False),
    ),
    Case("line_position_once", lambda: two_lines(2), lambda: two_lines(1)),
    Case(
        "line_amounts_in_range",
        lambda: builders.make_line(quantity=Decimal("0.000001"), upfront_price=0),
        lambda: builders.make_line(quantity=0),
    ),
    Case("line_asset_iff_converted", lambda: convert(at=NOON), lambda: convert(at=None)),
    Case(
        "line_do_not_bill_has_reason",
        lambda: builders.make_line(upfront_do_not_bill=True, do_not_bill_reason="Free"),
        lambda: builders.make_line(upfront_do_not_bill=True),
    ),
    Case(
        "line_is_not_its_own_package",
        lambda: package(of_itself=False),
        lambda: package(of_itself=True),
    ),
    Case(
        "line_status_by_event",
        lambda: move(),
        lambda: change(builders.make_line(), upfront_status="ready"),
    ),
    Case(
        "line_in_billing_is_fixed",
        lambda: change(billed_line(), recurring_price=1),
        lambda: change(billed_line(), upfront_price=1),
    ),
    Case(
        "event_moves_the_status",
        lambda: move(ready_line(), from_status="ready", to_status="not_billed"),
        lambda: move(builders.make_line(), from_status="ready", to_status="not_billed"),
    ),
    Case("event_is_final", lambda: move(), lambda: change(move(), reason="another")),
    Case("event_stays", lambda: move(), lambda: move().delete()),
    Case("event_moves", lambda: move(), lambda: move(to_status="not_billed")),
    Case(
        "event_by_hand_has_reason",
        lambda: by_hand(builders.make_line()),
        lambda: by_hand(builders.make_line(), reason=""),
    ),
    Case(
        "event_leaves_billing_by_hand",
        lambda: by_hand(billed_line(), from_status="in_billing"),
        lambda: move(billed_line(), from_status="in_billing"),
    ),
    Case(
        "event_reaches_billing",
        lambda: move(ready_line(), from_status="ready", to_status="in_billing", trigger="invoice"),
        lambda: move(ready_line(), from_status="ready", to_status="in_billing"),
    ),
    Case(
        "event_batch_iff_transfer",
        lambda: move(
            ready_line(),
            from_status="ready",
            to_status="in_billing",
            trigger="transfer",
            batch=batch(),
        ),
        lambda: move(ready_line(), from_status="ready", to_status="in_billing", trigger="transfer"),
    ),
    Case("transfer_is_final", batch, lambda: change(batch(), at=NOON + dt.timedelta(1))),
    Case("transfer_stays", batch, lambda: batch().delete()),
    Case(
        "export_file_iff_finished",
        lambda: export_file(finished_at=NOON, rows=0, file="exports/x.csv"),
        lambda: export_file(finished_at=NOON, rows=0),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case):
    check(case)


@pytest.mark.constraint("line_status_by_event")
def test_a_line_is_not_made_in_billing():
    from tests.constraints import refused

    with refused("line_status_by_event"):
        builders.make_line(upfront_status="ready")


def test_an_order_number_comes_from_the_database():
    order = builders.make_order()
    assert order.number == f"SO-{order.pk}"
    assert SalesOrder.objects.get(number=order.number) == order
