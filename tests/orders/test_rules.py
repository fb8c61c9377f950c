"""The tables of D-01, D-02 and D-12, row by row."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.enums import ItemType
from orders import rules
from orders.enums import TRIGGER_DATES, BillStatus
from orders.rules import Circle, LineFacts, Missing, TrackFacts

TODAY = dt.date(2026, 5, 20)
TOMORROW = TODAY + dt.timedelta(days=1)
YESTERDAY = TODAY - dt.timedelta(days=1)
CHARGED = TrackFacts(has_route=True, charge=Decimal(10))
NB, READY, IN = BillStatus.NOT_BILLED, BillStatus.READY, BillStatus.IN_BILLING


def line(item_type: str, *, is_converted: bool = True, **dates) -> LineFacts:
    return LineFacts(item_type=item_type, is_converted=is_converted, **dates)


# item type, what is known, what is missing, computed bill start
ROWS = {
    "mobile: nothing yet": ("service_with_cli", {"is_converted": False}, Missing.CONVERSION, None),
    "mobile: converted": ("service_with_cli", {}, Missing.CLI, None),
    "mobile: number, no date": ("service_with_cli", {"cli": "+441"}, Missing.CONNECTION, None),
    "mobile: date, no number": (
        "service_with_cli",
        {"connection_date": TODAY},
        Missing.CLI,
        TODAY,
    ),
    "mobile: goes live tomorrow": (
        "service_with_cli",
        {"cli": "+441", "connection_date": TOMORROW},
        Missing.FUTURE,
        TOMORROW,
    ),
    "mobile: goes live today": (
        "service_with_cli",
        {"cli": "+441", "connection_date": TODAY},
        None,
        TODAY,
    ),
    "mobile: live, not converted": (
        "service_with_cli",
        {"cli": "+441", "connection_date": YESTERDAY, "is_converted": False},
        Missing.CONVERSION,
        YESTERDAY,
    ),
    "service: not activated": (
        "service",
        {"contract_start": YESTERDAY},
        Missing.ACTIVATION,
        YESTERDAY,
    ),
    "service: activated today": (
        "service",
        {"activation_date": TODAY, "contract_start": YESTERDAY},
        None,
        TODAY,
    ),
    "service: activated tomorrow": (
        "service",
        {"activation_date": TOMORROW},
        Missing.FUTURE,
        TOMORROW,
    ),
    "hardware: not delivered": ("hardware", {}, Missing.DELIVERY, None),
    "hardware: delivered": ("hardware", {"delivery_date": YESTERDAY}, None, YESTERDAY),
    "hardware: another date does not count": (
        "hardware",
        {"connection_date": YESTERDAY},
        Missing.DELIVERY,
        None,
    ),
    "labour: not done": ("one_off", {}, Missing.COMPLETION, None),
    "labour: done": ("one_off", {"completion_date": TODAY}, None, TODAY),
    "lease: by hand": ("lease", {"activation_date": TODAY}, Missing.BY_HAND, None),
    "package: by its parts": ("package", {"activation_date": TODAY}, Missing.BY_HAND, None),
    "usage: by purchases": ("usage", {}, Missing.BY_HAND, None),
}


@pytest.mark.requirement("D-01", "D-02", "L-20", "L-21", "L-22", "L-30", "L-31", "H-L1", "H-L2")
@pytest.mark.parametrize("row", ROWS)
def test_both_triggers_make_a_charge_ready(row):
    item_type, known, missing, start = ROWS[row]
    facts = line(item_type, **known)
    assert rules.missing_for_line(facts, today=TODAY) == missing
    due = rules.due_status(NB, CHARGED, facts, today=TODAY)
    assert due == (NB if missing else READY)
    assert rules.computed_bill_start(facts) == start


def test_every_item_type_has_its_row():
    assert {row[0] for row in ROWS.values()} == set(ItemType.values)
    assert TRIGGER_DATES.keys() | set(rules.WITHOUT_TRIGGER) == set(ItemType.values)


LIVE = line("hardware", delivery_date=TODAY)


@pytest.mark.requirement("D-01", "D-11", "D-13", "H-L13", "H-L15")
@pytest.mark.parametrize(
    ("track", "missing"),
    [
        (TrackFacts(False, Decimal(10)), Missing.NO_ROUTE),
        (TrackFacts(True, Decimal(0)), Missing.NO_CHARGE),
        (TrackFacts(True, Decimal(10), do_not_bill=True), Missing.DO_NOT_BILL),
        (TrackFacts(True, Decimal("0.000001")), None),
    ],
)
def test_a_track_needs_a_route_and_a_charge(track, missing):
    assert rules.missing_for_track(track, LIVE, today=TODAY) == missing
    assert rules.due_status(NB, track, LIVE, today=TODAY) == (NB if missing else READY)
    assert rules.due_status(READY, track, LIVE, today=TODAY) == (NB if missing else READY)


@pytest.mark.requirement("D-01")
@given(
    st.sampled_from(ItemType.values),
    st.booleans(),
    st.sampled_from(["", "+4416"]),
    st.lists(
        st.none() | st.dates(dt.date(2026, 5, 1), dt.date(2026, 6, 9)), min_size=4, max_size=4
    ),
    st.booleans(),
    st.decimals(0, 10, places=2),
    st.booleans(),
)
def test_in_billing_is_never_left_by_itself(kind, converted, cli, dates, routed, charge, dnb):
    facts = LineFacts(kind, converted, cli, *dates)
    track = TrackFacts(routed, charge, dnb)
    assert rules.due_status(IN, track, facts, today=TODAY) == IN
    # and the other two follow the facts alone, wherever they come from
    assert rules.due_status(NB, track, facts, today=TODAY) == rules.due_status(
        READY, track, facts, today=TODAY
    )


@pytest.mark.requirement("L-31", "H-L2")
@pytest.mark.parametrize(
    ("computed", "override", "effective"),
    [(None, None, None), (TODAY, None, TODAY), (TODAY, TOMORROW, TOMORROW), (None, TODAY, TODAY)],
)
def test_an_override_beats_the_computed_start(computed, override, effective):
    assert rules.effective_bill_start(computed, override) == effective


UNROUTED = TrackFacts(False, Decimal(10))
FREE = TrackFacts(True, Decimal(0))


@pytest.mark.requirement("L-25", "L-26", "L-27", "D-11", "D-12", "H-L14")
@pytest.mark.parametrize(
    ("tracks", "circle"),
    [
        ([(CHARGED, NB), (CHARGED, NB)], Circle.ORANGE),
        ([(CHARGED, READY), (CHARGED, NB)], Circle.ORANGE),
        ([(CHARGED, READY), (CHARGED, READY)], Circle.ORANGE),
        ([(CHARGED, IN), (CHARGED, READY)], Circle.ORANGE),
        ([(CHARGED, IN), (CHARGED, IN)], Circle.GREEN),
        ([(CHARGED, IN), (UNROUTED, NB)], Circle.GREEN),
        ([(UNROUTED, NB), (CHARGED, READY)], Circle.ORANGE),
        ([(FREE, NB), (CHARGED, IN)], Circle.GREEN),
        ([(UNROUTED, NB), (FREE, NB)], Circle.NONE),
        ([], Circle.NONE),
    ],
)
def test_the_circle_looks_at_what_is_applicable(tracks, circle):
    assert rules.circle_of(tracks) == circle
