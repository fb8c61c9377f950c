"""The stacks of order lines that somebody has to work on (L-13, D-14)."""

import datetime as dt

import pytest

from orders.enums import TRIGGER_DATES
from orders.models import OrderLine
from orders.services.conversion import convert_lines
from orders.services.orders import update_line
from tests import builders

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
TOMORROW = TODAY + dt.timedelta(days=1)
CLI = "+441632960123"
STACKS = ("conversion", "cli", "date", "future", "hand")


@pytest.fixture
def affinity():
    return builders.make_platform("Affinity")


def stacks_of(line: OrderLine) -> list[str]:
    """The waiting stacks that the line is on."""
    return [
        stack
        for stack in STACKS
        if getattr(OrderLine.objects.all(), f"waiting_for_{stack}")(
            *([TODAY] if stack == "future" else [])
        )
        .filter(pk=line.pk)
        .exists()
    ]


def a_line(platform, *, converted: bool = True, **fields) -> OrderLine:
    line = builders.make_line(upfront_route=platform, **fields)
    if converted:
        convert_lines(line_ids=[line.pk], by=None, at=NOON)
    return line


@pytest.mark.requirement("L-13", "D-14", "H-L16")
@pytest.mark.parametrize(
    ("fields", "stack"),
    [
        ({"converted": False}, ["conversion"]),
        ({"converted": False, "cli": CLI, "connection_date": TODAY}, ["conversion"]),
        ({}, ["cli"]),
        ({"connection_date": TODAY}, ["cli"]),
        ({"cli": CLI}, ["date"]),
        ({"cli": CLI, "connection_date": TOMORROW}, ["future"]),
        ({"cli": CLI, "connection_date": TODAY}, []),
        ({"item_type": "hardware"}, ["date"]),
        ({"item_type": "hardware", "connection_date": TODAY}, ["date"]),
        ({"item_type": "hardware", "delivery_date": TOMORROW}, ["future"]),
        ({"item_type": "hardware", "delivery_date": TODAY}, []),
        ({"item_type": "service"}, ["date"]),
        ({"item_type": "one_off", "completion_date": TOMORROW}, ["future"]),
        ({"item_type": "lease"}, ["hand"]),
        ({"item_type": "usage"}, ["hand"]),
        ({"upfront_price": 0}, []),
        ({"upfront_do_not_bill": True, "do_not_bill_reason": "Free"}, []),
    ],
)
def test_a_waiting_line_is_on_the_stack_of_what_it_waits_for(affinity, fields, stack):
    assert stacks_of(a_line(affinity, **fields)) == stack


@pytest.mark.requirement("L-13", "D-11")
def test_a_line_without_route_waits_for_nothing():
    assert stacks_of(a_line(None, converted=False)) == []


@pytest.mark.requirement("L-13", "D-14")
@pytest.mark.parametrize("item_type", TRIGGER_DATES)
def test_each_date_has_a_stack_of_its_own(affinity, item_type):
    line = a_line(affinity, item_type=item_type, cli=CLI)
    found = [d for d in TRIGGER_DATES.values() if OrderLine.objects.waiting_for_date(d).exists()]
    assert found == [TRIGGER_DATES[item_type]]
    assert OrderLine.objects.waiting_for_date().get() == line


@pytest.mark.requirement("L-13", "D-14")
def test_a_ready_line_ages(affinity):
    line = a_line(affinity, item_type="hardware", delivery_date=TODAY)
    week_later = NOON + dt.timedelta(days=7)
    second = dt.timedelta(seconds=1)
    lines = OrderLine.objects.all()
    assert not lines.aged(week_later, days=7).exists()
    assert lines.aged(week_later + second, days=7).get() == line
    # taken back and ready again: it is young again
    update_line(line_id=line.pk, fields={"delivery_date": None}, by=None, at=week_later)
    assert not lines.aged(week_later + second, days=7).exists()
    update_line(line_id=line.pk, fields={"delivery_date": TODAY}, by=None, at=week_later)
    assert not lines.aged(week_later + second, days=7).exists()
    assert lines.aged(week_later + dt.timedelta(days=7) + second, days=7).exists()
