"""Bill statuses on a real database: events, the daily run, conversion, by hand, transfer."""

import datetime as dt
from decimal import Decimal

import pytest

from inventory.models import Asset
from orders.enums import BillStatus, StatusTrigger, Track
from orders.errors import StatusRefused, TransferRefused
from orders.models import BillStatusEvent, OrderLine
from orders.services.conversion import convert_lines, unconvert_lines
from orders.services.orders import add_line, delete_line, update_line
from orders.services.statuses import change_billing, fire_due_dates, mark_in_billing
from orders.services.transfers import begin_transfer, transfer_lines
from tests import builders

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
TOMORROW = TODAY + dt.timedelta(days=1)
NB, READY, IN = BillStatus.NOT_BILLED, BillStatus.READY, BillStatus.IN_BILLING


@pytest.fixture
def clerk():
    return builders.make_user()


@pytest.fixture
def affinity():
    return builders.make_platform("Affinity")


def routed(platform, **fields) -> OrderLine:
    """A mobile line with both routes to ``platform``."""
    return builders.make_line(upfront_route=platform, recurring_route=platform, **fields)


def statuses(line: OrderLine) -> tuple[str, str]:
    line = OrderLine.objects.get(pk=line.pk)
    return line.upfront_status, line.recurring_status


def live(platform, **fields) -> OrderLine:
    """Converted, with its number and date: both tracks Ready to Bill."""
    line = routed(platform, cli="+441632960123", connection_date=TODAY, **fields)
    convert_lines(line_ids=[line.pk], by=None, at=NOON)
    return OrderLine.objects.get(pk=line.pk)


@pytest.mark.requirement("L-1", "L-16", "L-17", "L-18", "L-19", "L-20", "L-23", "L-41", "D-01")
def test_the_way_of_a_mobile_line(affinity, clerk):
    """Golden example 6."""
    line = routed(affinity)
    assert statuses(line) == (NB, NB)
    convert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    assert statuses(line) == (NB, NB)
    fields = {"cli": "+441632960123", "connection_date": TOMORROW}
    update_line(line_id=line.pk, fields=fields, by=clerk, at=NOON)
    assert statuses(line) == (NB, NB)
    assert OrderLine.objects.get(pk=line.pk).bill_start_computed == TOMORROW

    assert fire_due_dates(at=NOON, today=TODAY) == 0
    next_day = NOON + dt.timedelta(days=1)
    assert fire_due_dates(at=next_day, today=TOMORROW) == 2
    assert fire_due_dates(at=next_day, today=TOMORROW) == 0
    assert statuses(line) == (READY, READY)

    batch = begin_transfer(platform_id=affinity.pk, by=clerk, at=next_day)
    (outcome,) = transfer_lines(batch=batch, line_ids=[line.pk], at=next_day)
    assert outcome.tracks == (Track.UPFRONT, Track.RECURRING)
    assert statuses(line) == (IN, IN)
    story = BillStatusEvent.objects.filter(line=line, track=Track.UPFRONT).order_by("pk")
    assert list(story.values_list("trigger", "to_status", "actor")) == [
        ("date", READY, None),
        ("transfer", IN, clerk.pk),
    ]


@pytest.mark.requirement("H-L7")
def test_routes_and_prices_travel_as_defaults(affinity, clerk):
    item = builders.make_item(
        upfront_price=Decimal(5), recurring_price=Decimal(9), recurring_route=affinity
    )
    order = builders.make_order()
    line = add_line(order_id=order.pk, item=item, fields={"quantity": Decimal(2)}, at=NOON)
    assert (line.upfront_price, line.recurring_price) == (5, 9)
    assert (line.upfront_route, line.recurring_route) == (None, affinity)
    other = builders.make_platform("Other")
    item.recurring_route = other
    item.save()
    line.refresh_from_db()
    assert line.recurring_route == affinity
    update_line(line_id=line.pk, fields={"upfront_route": other}, by=clerk, at=NOON)
    convert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    asset = Asset.objects.get(order_line=line)
    assert (asset.upfront_route, asset.recurring_route) == (other, affinity)
    update_line(line_id=line.pk, fields={"cli": "+4420"}, by=clerk, at=NOON)
    asset.refresh_from_db()
    assert asset.cli == "+4420"


@pytest.mark.requirement("D-01")
def test_taking_the_date_back_takes_ready_back(affinity, clerk):
    line = live(affinity)
    assert statuses(line) == (READY, READY)
    update_line(line_id=line.pk, fields={"connection_date": None}, by=clerk, at=NOON)
    assert statuses(line) == (NB, NB)
    event = BillStatusEvent.objects.filter(line=line).first()
    assert (event.trigger, event.actor) == (StatusTrigger.DATA, clerk)


@pytest.mark.requirement("D-01")
def test_taking_the_date_back_never_leaves_in_billing(affinity, clerk):
    line = live(affinity)
    batch = begin_transfer(platform_id=affinity.pk, by=clerk, at=NOON)
    transfer_lines(batch=batch, line_ids=[line.pk], at=NOON)
    update_line(line_id=line.pk, fields={"connection_date": None}, by=clerk, at=NOON)
    assert statuses(line) == (IN, IN)


@pytest.mark.requirement("D-13", "H-L15")
def test_do_not_bill_takes_a_track_out(affinity, clerk):
    line = live(affinity)
    fields = {"upfront_do_not_bill": True, "do_not_bill_reason": "Free of charge"}
    update_line(line_id=line.pk, fields=fields, by=clerk, at=NOON)
    assert statuses(line) == (NB, READY)
    update_line(line_id=line.pk, fields={"upfront_do_not_bill": False}, by=clerk, at=NOON)
    assert statuses(line) == (READY, READY)


@pytest.mark.requirement("D-11", "H-L13")
def test_a_line_without_routes_does_not_move(clerk):
    line = live(None)
    assert statuses(line) == (NB, NB)
    assert not BillStatusEvent.objects.filter(line=line).exists()


@pytest.mark.requirement("D-09", "H-L10")
def test_a_conversion_is_undone_while_nothing_is_in_billing(affinity, clerk):
    line = live(affinity)
    assert [o.refusal for o in convert_lines(line_ids=[line.pk], by=clerk, at=NOON)] == [
        "It is converted to an asset already."
    ]
    assert [o.refusal for o in unconvert_lines(line_ids=[line.pk], by=clerk, at=NOON)] == [""]
    assert statuses(line) == (NB, NB)
    assert not Asset.objects.exists()
    assert [o.refusal for o in unconvert_lines(line_ids=[line.pk], by=clerk, at=NOON)] == [
        "It is not converted."
    ]
    convert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    batch = begin_transfer(platform_id=affinity.pk, by=clerk, at=NOON)
    transfer_lines(batch=batch, line_ids=[line.pk], at=NOON)
    (outcome,) = unconvert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    assert "up-front and recurring charge is In Billing" in outcome.refusal
    assert Asset.objects.count() == 1


@pytest.mark.requirement("D-01", "D-02")
def test_a_package_converts_with_its_parts_and_begins_with_the_earliest(affinity, clerk):
    order = builders.make_order()
    package = builders.make_line(order, item_type="package")
    parts = [
        builders.make_line(
            order,
            package=package,
            item_type="hardware",
            delivery_date=TODAY - dt.timedelta(days=days),
            upfront_route=affinity,
        )
        for days in (1, 5)
    ]
    convert_lines(line_ids=[package.pk], by=clerk, at=NOON)
    assert [statuses(part) for part in parts] == [(READY, NB)] * 2
    package.refresh_from_db()
    assert package.bill_start_computed == TODAY - dt.timedelta(days=5)
    assert Asset.objects.count() == 3


def by_hand(line, clerk, *, reason="Agreed with the customer", **fields):
    fields.setdefault("statuses", {})
    fields.setdefault("bill_start_override", None)
    return change_billing(line_id=line.pk, reason=reason, by=clerk, at=NOON, **fields)


@pytest.mark.requirement("L-29", "D-03", "H-L3")
def test_a_change_by_hand_has_a_reason_and_leaves_an_event(affinity, clerk):
    line = routed(affinity)
    with pytest.raises(Exception, match="Say why"):
        by_hand(line, clerk, reason="  ", statuses={Track.UPFRONT: IN})
    by_hand(line, clerk, statuses={Track.UPFRONT: IN}, bill_start_override=TOMORROW)
    assert statuses(line) == (IN, NB)
    line.refresh_from_db()
    assert line.bill_start_override == TOMORROW
    by_hand(line, clerk, statuses={Track.UPFRONT: NB}, bill_start_override=TOMORROW)
    assert statuses(line) == (NB, NB)
    events = BillStatusEvent.objects.filter(line=line)
    assert {(e.trigger, e.actor, e.reason) for e in events} == {
        ("manual", clerk, "Agreed with the customer")
    }
    with pytest.raises(StatusRefused, match="meanwhile"):
        by_hand(line, clerk, statuses={Track.UPFRONT: READY}, seen={Track.UPFRONT: READY})


@pytest.mark.requirement("L-41", "X-10", "X-11")
def test_a_transfer_moves_the_tracks_of_its_platform_only(affinity, clerk):
    other = builders.make_platform("Other")
    line = builders.make_line(
        upfront_route=affinity,
        recurring_route=other,
        cli="+441632960123",
        connection_date=TODAY,
    )
    waiting = routed(affinity)
    foreign = live(other)
    convert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    batch = begin_transfer(platform_id=affinity.pk, by=clerk, at=NOON)
    ids = [line.pk, waiting.pk, foreign.pk]
    outcomes = transfer_lines(batch=batch, line_ids=ids, at=NOON)
    assert [outcome.tracks for outcome in outcomes] == [(Track.UPFRONT,), (), ()]
    assert statuses(line) == (IN, READY)
    assert "Up-front is Not Billed" in outcomes[1].refusal
    assert "None of its charges has the route Affinity" in outcomes[2].refusal
    again = transfer_lines(batch=batch, line_ids=ids, at=NOON)
    assert [outcome.tracks for outcome in again] == [(), (), ()]
    assert batch.events.count() == 1


@pytest.mark.requirement("L-41", "D-10")
def test_nothing_is_transferred_to_ourselves(clerk):
    from inventory.models import BillingPlatform

    with pytest.raises(TransferRefused, match="picked up by invoicing"):
        begin_transfer(
            platform_id=BillingPlatform.objects.get(is_in_house=True).pk, by=clerk, at=NOON
        )


@pytest.mark.requirement("D-10", "H-L12")
def test_an_invoiced_charge_is_in_billing(clerk):
    from inventory.models import BillingPlatform

    line = live(BillingPlatform.objects.get(is_in_house=True))
    facts = {"track": Track.UPFRONT, "trigger": StatusTrigger.INVOICE, "by": clerk, "at": NOON}
    assert mark_in_billing(line_ids=[line.pk], **facts) == 1
    assert mark_in_billing(line_ids=[line.pk], **facts) == 0
    assert mark_in_billing(line_ids=[], **facts) == 0
    assert statuses(line) == (IN, READY)


def test_a_line_with_a_history_stays(affinity, clerk):
    line = live(affinity)
    unconvert_lines(line_ids=[line.pk], by=clerk, at=NOON)
    with pytest.raises(Exception, match="it stays"):
        delete_line(line_id=line.pk)
    fresh = routed(affinity)
    delete_line(line_id=fresh.pk)
    assert not OrderLine.objects.filter(pk=fresh.pk).exists()


def test_ten_lines_cost_as_many_queries_as_one(affinity, clerk):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries(count: int) -> int:
        lines = [
            routed(affinity, cli="+44", connection_date=TODAY - dt.timedelta(days=n))
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            convert_lines(line_ids=[line.pk for line in lines], by=clerk, at=NOON)
            batch = begin_transfer(platform_id=affinity.pk, by=clerk, at=NOON)
            transfer_lines(batch=batch, line_ids=[line.pk for line in lines], at=NOON)
        return len(captured)

    assert queries(10) == queries(1)
