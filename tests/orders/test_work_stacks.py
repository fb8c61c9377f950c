"""The stacks of order lines that somebody has to work on (L-13, D-14)."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import BillingPlatform
from orders.enums import TRIGGER_DATES
from orders.models import OrderLine
from orders.selectors.home import work_stacks
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


@pytest.mark.requirement("L-13", "D-14", "H-L16")
def test_ready_lines_are_counted_by_platform_each_line_once(affinity):
    house = BillingPlatform.objects.get(is_in_house=True)
    live = {"item_type": "hardware", "delivery_date": TODAY}
    a_line(affinity, recurring_route=affinity, **live)
    a_line(affinity, recurring_route=house, **live)
    stacks = work_stacks(at=NOON, today=TODAY)
    assert dict(stacks.ready) == {affinity: 2, house: 1}
    for platform, count in stacks.ready:
        assert OrderLine.objects.ready_for(platform.pk).count() == count


@pytest.fixture
def shop(affinity):
    """A line on every stack."""
    a_line(affinity, converted=False)
    a_line(affinity)
    for item_type in TRIGGER_DATES:
        a_line(affinity, item_type=item_type, cli=CLI)
    a_line(affinity, cli=CLI, connection_date=dt.date(2126, 1, 1))
    a_line(affinity, item_type="lease")
    a_line(affinity, upfront_do_not_bill=True, do_not_bill_reason="Free")
    a_line(affinity, item_type="hardware", delivery_date=TODAY)


@pytest.mark.requirement("L-13", "D-14")
def test_the_card_leads_to_the_lists_it_counts(client_for, shop, affinity):
    client = client_for("Auditor")
    card = client.get(reverse("web:home")).content.decode().partition('id="card-work-stacks"')[2]
    card = card.partition("</section>")[0]
    url = reverse("orders:line-list")
    quick = ["aged", "waiting_conversion", "waiting_cli", "waiting_future", "waiting_hand"]
    wanted = [f"{url}?ready_on={affinity.pk}", *(f"{url}?quick={q}" for q in quick)]
    wanted += [f"{url}?quick=waiting_date&item_type={t}" for t in TRIGGER_DATES]
    wanted.append(f"{url}?quick=do_not_bill")
    for address in wanted:
        assert f'href="{address.replace("&", "&amp;")}"' in card
        assert len(client.get(address).context["page"].rows) == 1, address
    for words in ("Ready to Bill on Affinity", "Without delivery date", "Do Not Bill"):
        assert words in card


@pytest.mark.requirement("L-13")
def test_the_card_needs_the_permission_and_a_constant_number_of_queries(client_for, affinity):
    stranger, auditor = client_for(), client_for("Auditor")
    home = reverse("web:home")
    assert "card-work-stacks" not in stranger.get(home).content.decode()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            auditor.get(home)
        return len(captured)

    a_line(affinity, item_type="hardware", delivery_date=TODAY)
    queries()
    few = queries()
    for platform in (affinity, builders.make_platform(), builders.make_platform()):
        for count in range(3):
            a_line(platform, item_type="hardware", delivery_date=TODAY if count else None)
    assert queries() == few


@pytest.mark.requirement("L-13")
def test_partial_indexes_answer_the_stacks(affinity):
    """Without sequential scans, for that is what a small test table would get."""
    lines = OrderLine.objects.order_by()
    for rows, index in (
        (lines.waiting_for_conversion(), "line_unconverted"),
        (lines.converted().with_waiting_track(), "line_waiting"),
        (lines.do_not_bill(), "line_do_not_bill"),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            sql, parameters = rows.values("pk").query.sql_with_params()
            cursor.execute(f"EXPLAIN {sql}", parameters)
            plan = "\n".join(row for (row,) in cursor.fetchall())
        assert index in plan, plan
