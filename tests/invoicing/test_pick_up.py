"""Charges of order lines come onto invoices and subscriptions, and leave them again."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Asset, BillingPlatform
from invoicing.enums import InvoiceStatus
from invoicing.models import (
    Invoice,
    LineCheck,
    Purchase,
    Subscription,
    SubscriptionItem,
)
from invoicing.services.approval import (
    close_invoices,
    finalise_invoices,
    lock_invoices,
    reopen_invoices,
)
from invoicing.services.calculation import calculate_invoices
from invoicing.services.line_charges import PickUp, pick_up_ready_lines
from ledger.models import Contract
from orders import rules
from orders.enums import BillStatus, StatusTrigger, Track
from orders.models import BillStatusEvent, OrderLine
from orders.services.conversion import convert_lines, unconvert_lines
from orders.services.orders import update_line
from orders.services.statuses import change_billing, fire_due_dates
from tests import builders

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
JUNE = dt.datetime(2026, 6, 2, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
TOMORROW = TODAY + dt.timedelta(days=1)
CLI = "+441632960123"
NB, READY, IN = BillStatus.NOT_BILLED, BillStatus.READY, BillStatus.IN_BILLING


@pytest.fixture
def house():
    return BillingPlatform.objects.get(is_in_house=True)


@pytest.fixture
def affinity():
    return builders.make_platform("Affinity")


@pytest.fixture
def clerk():
    return builders.make_user()


@pytest.fixture
def customer():
    builders.make_firm()
    builders.make_vat("19")
    return builders.make_customer()


@pytest.fixture
def may(customer):
    return invoice_of(customer)


def invoice_of(customer, **fields) -> Invoice:
    period = {"period_from": dt.date(2026, 5, 1), "period_to": dt.date(2026, 5, 31)}
    return builders.make_invoice(customer, **period | fields)


def a_line(customer, *, up=None, re=None, convert=True, **fields) -> OrderLine:
    """A mobile line that is live since the 18th."""
    fields.setdefault("cli", CLI)
    fields.setdefault("connection_date", dt.date(2026, 5, 18))
    order = fields.pop("order", None) or builders.make_order(customer)
    line = builders.make_line(order, upfront_route=up, recurring_route=re, **fields)
    if convert:
        convert_lines(line_ids=[line.pk], by=None, at=NOON)
    return again(line)


def again(row):
    return type(row)._base_manager.get(pk=row.pk)


def pick_up(at=NOON) -> PickUp:
    return pick_up_ready_lines(at=at, today=at.date())


def statuses(line) -> tuple[str, str]:
    line = again(line)
    return line.upfront_status, line.recurring_status


def charge_of(line) -> Purchase:
    return Purchase.objects.get(order_line=line)


def change(line, **fields) -> None:
    update_line(line_id=line.pk, fields=fields, by=None, at=NOON)


def open_invoice(invoice) -> None:
    calculate_invoices(invoice_ids=[invoice.pk], at=JUNE)
    assert again(invoice).status == InvoiceStatus.OPEN, again(invoice).error


def lock(invoice, at=JUNE) -> str:
    (outcome,) = lock_invoices(invoice_ids=[invoice.pk], at=at)
    return outcome.refusal


def finalise(invoice, clerk, at=JUNE) -> str:
    (outcome,) = finalise_invoices(invoice_ids=[invoice.pk], by=clerk, at=at)
    return outcome.refusal


@pytest.mark.requirement("D-10", "H-L11", "H-L12", "X-2")
def test_from_the_line_to_the_invoice(customer, may, house, clerk):
    """Line, conversion, date, pick-up, calculation, approval: the track is In Billing."""
    line = a_line(customer, up=house, re=house, connection_date=TOMORROW, quantity=Decimal("2.5"))
    assert pick_up() == PickUp(lines=1)
    assert LineCheck.objects.get(line=line).look_on == TOMORROW
    next_day = NOON + dt.timedelta(days=1)
    assert fire_due_dates(at=next_day, today=TOMORROW) == 2
    assert statuses(line) == (READY, READY)

    assert pick_up(next_day) == PickUp(lines=1, charges=1, items=1)
    charge = charge_of(line)
    assert charge.reference == f"{line.order.number}-{line.position}-upfront"
    assert (charge.invoice, charge.track, charge.purchased_on) == (may, "upfront", TOMORROW)
    assert (charge.quantity, charge.unit_price_override) == (Decimal("2.5"), 10)
    assert statuses(line) == (READY, IN)
    item = SubscriptionItem.objects.get(order_line=line)
    assert (item.quantity, item.unit_price, item.starts_on) == (Decimal("2.5"), 20, TOMORROW)
    assert item.subscription.contract == line.order.contract
    assert item.asset == again(line).asset

    open_invoice(may)
    assert again(may).net_total == 25
    assert lock(may) == ""
    assert statuses(line) == (READY, IN)
    assert finalise(may, clerk) == ""
    assert statuses(line) == (IN, IN)
    events = BillStatusEvent.objects.filter(line=line, to_status=IN).order_by("track")
    assert [(e.track, e.trigger, e.actor) for e in events] == [
        ("recurring", StatusTrigger.SUBSCRIPTION, None),
        ("upfront", StatusTrigger.INVOICE, clerk),
    ]
    assert pick_up(JUNE).charges == pick_up(JUNE).items == 0
    assert Purchase.objects.count() == SubscriptionItem.objects.count() == 1


@pytest.mark.requirement("L-11", "X-2", "D-12", "D-11")
def test_an_empty_up_front_route_and_a_recurring_one_elsewhere(customer, may, affinity):
    """Golden: the up-front charge is invoiceable, the recurring one not; the circle sees one."""
    line = a_line(customer, up=None, re=affinity)
    assert statuses(line) == (NB, READY)
    assert pick_up() == PickUp(lines=1, charges=1)
    assert charge_of(line).invoice == may
    assert not SubscriptionItem.objects.exists()
    assert statuses(line) == (NB, READY)
    line = again(line)
    tracks = [(line.track_facts(track), line.status_of(track)) for track in Track]
    assert rules.circle_of(tracks) == rules.Circle.ORANGE
    assert rules.circle_of([(tracks[0]), (tracks[1][0], IN)]) == rules.Circle.GREEN


@pytest.mark.requirement("D-11", "L-11")
def test_without_routes_everything_is_picked_up_and_no_status_moves(customer, may, clerk):
    line = a_line(customer)
    assert pick_up() == PickUp(lines=1, charges=1, items=1)
    open_invoice(may)
    lock(may)
    assert finalise(may, clerk) == ""
    assert statuses(line) == (NB, NB)
    assert not BillStatusEvent.objects.exists()


@pytest.mark.requirement("D-11", "D-01")
def test_a_line_without_route_waits_for_both_triggers(customer, may):
    line = a_line(customer, connection_date=TOMORROW)
    assert pick_up() == PickUp(lines=1)
    assert LineCheck.objects.get().look_on == TOMORROW
    assert pick_up() == PickUp()
    assert pick_up(NOON + dt.timedelta(days=1)) == PickUp(lines=1, charges=1, items=1)
    assert charge_of(line).purchased_on == TOMORROW
    assert a_line(customer, convert=False).pk
    assert a_line(customer, connection_date=None).pk
    assert pick_up() == PickUp(lines=1)


@pytest.mark.requirement("L-10", "L-11", "X-2")
@pytest.mark.parametrize(
    "fields",
    [
        {"upfront_price": 0, "recurring_price": 0},
        {
            "upfront_do_not_bill": True,
            "recurring_do_not_bill": True,
            "do_not_bill_reason": "Free of charge",
        },
        {"external": True},
    ],
)
def test_what_is_not_to_be_billed_here_is_not_picked_up(customer, may, affinity, fields):
    route = affinity if fields.pop("external", False) else None
    a_line(customer, up=route, re=route, **fields)
    pick_up()
    assert not Purchase.objects.exists()
    assert not SubscriptionItem.objects.exists()


@pytest.mark.requirement("H-L2")
def test_the_override_is_the_day_of_the_charge_where_the_customer_is(may, house, customer):
    customer.time_zone = "Pacific/Auckland"
    customer.save()
    line = a_line(customer, up=house, bill_start_override=dt.date(2026, 5, 7))
    pick_up()
    charge = charge_of(line)
    assert charge.purchased_on == dt.date(2026, 5, 7)
    assert charge.purchased_at == dt.datetime(2026, 5, 7, 0, tzinfo=dt.UTC)
    assert charge.invoice == may


def test_what_was_ordered_under_a_contract_is_billed_under_it(customer, may):
    other = builders.make_contract(customer)
    invoice = invoice_of(customer, contract=other)
    line = a_line(customer, order=builders.make_order(customer, contract=other))
    pick_up()
    assert charge_of(line).invoice == invoice
    assert Subscription.objects.get().contract == other


@pytest.mark.requirement("D-46")
def test_a_late_charge_waits_with_its_reason(customer, may, house):
    Invoice.objects.update(status=InvoiceStatus.OPEN, calculated_at=NOON)
    close_invoices(invoice_ids=[may.pk], at=JUNE)
    line = a_line(customer, up=house)
    pick_up(JUNE)
    assert charge_of(line).unmapped_reason == "period_finished"
    assert statuses(line) == (READY, NB)


def test_what_was_ordered_is_charged_as_ordered_whatever_the_metering(customer, may):
    item = builders.make_item(
        item_type="service_with_cli", metering_minimum=Decimal(30), metering_increment=Decimal(60)
    )
    line = a_line(customer, item=item, quantity=Decimal("2.5"))
    pick_up()
    assert charge_of(line).metered_quantity == Decimal("2.5")


@pytest.mark.requirement("D-09", "D-10")
def test_an_undone_conversion_takes_the_charges_along(customer, may, house):
    line = a_line(customer, up=house)
    pick_up()
    open_invoice(may)
    assert [o.refusal for o in unconvert_lines(line_ids=[line.pk], by=None, at=NOON)] == [""]
    assert not SubscriptionItem.objects.exists()
    assert "changed after" in lock(may)
    assert pick_up() == PickUp(lines=1, withdrawn=1)
    assert not Purchase.objects.exists()
    assert again(may).status == InvoiceStatus.PENDING
    assert not Asset.objects.exists()


@pytest.mark.requirement("D-10", "D-01")
def test_a_date_that_is_taken_back_takes_the_charges_along(customer, may, house):
    routed, plain = a_line(customer, up=house), a_line(customer)
    pick_up()
    for line in (routed, plain):
        change(line, connection_date=None)
    assert pick_up() == PickUp(lines=2, withdrawn=4)
    for line in (routed, plain):
        change(line, connection_date=TODAY)
    assert pick_up() == PickUp(lines=2, charges=2, items=2)
    assert {p.invoice for p in Purchase.objects.all()} == {may}


def test_a_changed_line_changes_its_charges(customer, may):
    line = a_line(customer)
    pick_up()
    change(line, quantity=Decimal(3), upfront_price=Decimal(7), recurring_price=Decimal(8))
    assert pick_up() == PickUp(lines=1, charges=1, items=1, withdrawn=2)
    assert (charge_of(line).quantity, charge_of(line).unit_price_override) == (3, 7)
    assert SubscriptionItem.objects.get().unit_price == 8
    change(line, notes="Nothing that is billed.")
    assert pick_up() == PickUp()


@pytest.mark.requirement("D-10")
def test_a_charge_taken_back_during_approval_is_never_approved(customer, may, house, clerk):
    line = a_line(customer, up=house)
    pick_up()
    open_invoice(may)
    assert lock(may) == ""
    unconvert_lines(line_ids=[line.pk], by=None, at=NOON)
    assert pick_up() == PickUp(lines=1)
    assert "reject the invoice" in finalise(may, clerk)
    assert again(may).status == InvoiceStatus.APPROVING
    reopen_invoices(invoice_ids=[may.pk], at=JUNE)
    assert pick_up() == PickUp(lines=1, withdrawn=1)
    assert not Purchase.objects.exists()


@pytest.mark.requirement("D-03", "D-10")
def test_a_status_set_back_by_hand_takes_the_item_off_the_subscription(customer, house, clerk):
    line = a_line(customer, re=house)
    pick_up()
    facts = {"bill_start_override": None, "reason": "Wrong price", "by": clerk, "at": NOON}
    change_billing(line_id=line.pk, statuses={Track.RECURRING: NB}, **facts)
    pick_up()
    assert not SubscriptionItem.objects.exists()
    change(line, recurring_price=Decimal(5))
    pick_up()
    assert SubscriptionItem.objects.get().unit_price == 5
    assert statuses(line) == (NB, IN)


@pytest.mark.requirement("D-10")
def test_a_charge_that_is_approved_already_is_in_billing(customer, may, house, clerk):
    line = a_line(customer, up=house)
    pick_up()
    open_invoice(may)
    lock(may)
    finalise(may, clerk)
    facts = {"bill_start_override": None, "reason": "By mistake", "by": clerk, "at": NOON}
    change_billing(line_id=line.pk, statuses={Track.UPFRONT: READY}, **facts)
    pick_up()
    assert statuses(line) == (IN, NB)
    assert Purchase.objects.count() == 1


def test_a_reference_that_is_taken_does_not_stop_the_pick_up(customer, may):
    line = a_line(customer)
    builders.make_purchase(may, reference=f"{line.order.number}-{line.position}-upfront")
    pick_up()
    assert charge_of(line).reference.endswith(f"-upfront-{line.pk}")


def test_a_status_set_by_hand_without_any_date_is_billed_from_that_day(customer, may, house, clerk):
    line = a_line(customer, up=house, item_type="lease")
    facts = {"bill_start_override": None, "reason": "Agreed", "by": clerk, "at": NOON}
    change_billing(line_id=line.pk, statuses={Track.UPFRONT: READY}, **facts)
    pick_up()
    assert charge_of(line).purchased_on == TODAY


@pytest.mark.constraint("line_to_check", "line_to_check_insert")
def test_the_work_list_holds_what_may_concern_us(customer, affinity):
    external = a_line(customer, up=affinity, re=affinity)
    free = a_line(customer, upfront_price=0, recurring_price=0)
    ours = a_line(customer, up=affinity)
    assert set(LineCheck.objects.values_list("line", flat=True)) == {ours.pk}
    pick_up()
    change(ours, recurring_route=affinity)  # was ours until now
    change(free, upfront_price=Decimal(1))
    change(external, label="Another")
    assert set(LineCheck.objects.values_list("line", flat=True)) == {ours.pk, free.pk}
    asset = Asset.objects.create(
        customer=customer, contract=Contract.objects.get(), item=ours.item, label="x"
    )
    made = builders.make_line(ours.order, asset=asset, converted_at=NOON)
    assert LineCheck.objects.filter(line=made).exists()


def test_ten_lines_cost_as_many_queries_as_one(customer, may, house):
    def queries(count: int) -> int:
        for _ in range(count):
            a_line(customer, up=house, re=house)
            a_line(customer, connection_date=TOMORROW)
        with CaptureQueriesContext(connection) as captured:
            pick_up()
        return len(captured)

    assert queries(1) == queries(10)


def test_a_batch_is_followed_by_the_next(customer, may, monkeypatch):
    monkeypatch.setattr("invoicing.services.line_charges.BATCH_SIZE", 2)
    for _ in range(5):
        a_line(customer)
    assert pick_up() == PickUp(lines=5, charges=5, items=5)
