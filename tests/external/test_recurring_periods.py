"""Published cases of other billing systems for periods, proration and dates (K-4..K-9)."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest

from billing_site.kernel import money
from billing_site.kernel.periods import (
    ONE_DAY,
    Period,
    add_months,
    local_date,
    local_day_start,
    period_containing,
    proration_factor,
)
from tests.external.shared_data import shared_json

on = dt.date.fromisoformat
MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "BIANNUAL": 6, "ANNUAL": 12}
DAYS = {"THIRTY_DAYS": 30, "WEEKLY": 7}
FREQUENCIES = {
    "weekly": (7, "day"),
    "monthly": (1, "month"),
    "quarterly": (3, "month"),
    "semiannual": (6, "month"),
    "yearly": (1, "year"),
}
NEVER = dt.date(2100, 1, 1)


def moment(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def anchor_of(start, cycle_day, months):
    """Return a date on ``cycle_day`` from which the periods around ``start`` are counted (K-6)."""
    anchor = add_months(start, 0, anchor_day=cycle_day)
    if anchor < start:
        anchor = add_months(anchor, months, anchor_day=cycle_day)
    while anchor.day != cycle_day:  # clamped: the same chain has a longer month further back
        anchor = add_months(anchor, -months, anchor_day=cycle_day)
    return anchor


def periods_from(day, anchor, months, until):
    period = period_containing(day, anchor, months, "month", False)
    while period.from_ <= until:
        yield period
        period = period_containing(period.to + ONE_DAY, anchor, months, "month", False)


def active_days(given):
    end = on(given["end"]) - ONE_DAY if given["end"] else NEVER
    return Period(on(given["start"]), end) if end >= on(given["start"]) else None


@pytest.mark.requirement("K-5", "K-6", "K-7", "K-9")
def test_numbers_of_billing_cycles_agree():
    ran, differing = Counter(), []
    for case in shared_json("recurring/billing_cycles.json")["cases"]:
        given, expected = case["input"], case["expected"]
        active = None if "error" in expected else active_days(given)
        if active is None:
            continue
        months = MONTHS[given["billing_period"]]
        anchor = anchor_of(active.from_, given["billing_cycle_day"], months)
        cycles = sum(
            (
                proration_factor(active, period)
                for period in periods_from(
                    active.from_, anchor, months, until=on(given["target_date"])
                )
            ),
            Fraction(0),
        )
        # where the source deviates from its own alignment, the case states the aligned value
        wanted = Fraction(case.get("aligned_value") or expected["number_of_billing_cycles"])
        ran[given["billing_period"]] += 1
        if abs(cycles - wanted) > Fraction(1, 10**9):
            differing.append((case["id"], cycles, wanted))

    assert differing == []
    assert min(ran[name] for name in ("MONTHLY", "QUARTERLY", "ANNUAL")) >= 10


@pytest.mark.requirement("K-8", "K-6")
def test_service_periods_of_recurring_items_agree():
    ran, differing = 0, []
    for case in shared_json("recurring/recurring_items.json")["cases"]:
        given = case["input"]
        wanted = [
            (on(item["from_"]), on(item["to_exclusive"]) - ONE_DAY)
            for item in case["expected"].get("items", [])
        ]
        active = active_days(given)
        if given["billing_period"] not in MONTHS or "items" not in case["expected"]:
            continue
        found = []
        target = on(given["target_date"])
        months = MONTHS[given["billing_period"]]
        if active is not None:
            anchor = anchor_of(active.from_, given["billing_cycle_day"], months)
            for period in periods_from(active.from_, anchor, months, until=target):
                part = period.overlap(active)
                in_arrears = given["billing_mode"] == "IN_ARREAR"
                if part and not (in_arrears and part.to + ONE_DAY > target):
                    found.append((part.from_, part.to))
        ran += 1
        if found != wanted:
            differing.append((case["id"], found, wanted))

    assert differing == []
    assert ran >= 8


@pytest.mark.requirement("K-4", "H-CB6", "X-9")
def test_period_boundaries_agree_in_every_time_zone():
    ran, differing = Counter(), []
    for case in shared_json("recurring/period_boundaries.json")["cases"]:
        given, query = case["input"], case["query"]
        variants = ("terminated_at", "current_usage", "bill_charges_monthly")
        if (
            any(given.get(name) for name in (*variants, "bill_fixed_charges_monthly"))
            or not given["started_at"]
        ):
            continue  # other features than where a period begins and ends
        found = _boundary(given, query)
        wanted = case["expected"]
        if isinstance(wanted, str):
            wanted = moment(wanted)
        ran[given["billing_time"], given["interval"]] += 1
        if found != wanted:
            differing.append((case["id"], query, found, wanted))

    assert differing == []
    assert sum(ran.values()) >= 40
    assert len(ran) == 10  # both alignments of all five intervals


def _boundary(given, query):
    zone = given["timezone"]
    today, anchor, started = (
        local_date(moment(given[name]), zone)
        for name in ("billing_at", "subscription_at", "started_at")
    )
    frequency = (*FREQUENCIES[given["interval"]], given["billing_time"] == "calendar")
    current = period_containing(today, anchor, *frequency)
    previous = period_containing(current.from_ - ONE_DAY, anchor, *frequency)
    usage = previous
    billed = current if given["pay_in_advance"] else previous
    if query.startswith("charges"):
        billed = usage
    if query == "next_end_of_period":
        billed = current
    if query.endswith("duration_in_days"):
        return billed.days
    if query.endswith("from_datetime"):
        return local_day_start(max(billed.from_, started), zone)
    return local_day_start(billed.to + ONE_DAY, zone) - dt.timedelta(seconds=1)


@pytest.mark.requirement("K-5", "K-7")
def test_date_arithmetic_agrees():
    ran, differing = Counter(), []
    for case in shared_json("recurring/date_math.json")["cases"]:
        given, expected = case["input"], case["expected"]
        if given.get("fixed_days_in_month") is not None:
            continue  # 28/30-day months: K-5 is actual/actual
        found = _date_math(given)
        if found is None:
            continue
        (wanted,) = expected.values()
        ran[given["function"]] += 1
        if isinstance(found, Fraction):
            agrees = abs(found - Fraction(wanted)) <= Fraction(1, 10**9)
        else:
            agrees = str(found) == str(wanted)
        if not agrees:
            differing.append((case["id"], found, wanted))

    assert differing == []
    assert sum(ran.values()) >= 25


def _date_math(given):
    function, name = given["function"], given["billing_period"]
    months, days = MONTHS.get(name), DAYS.get(name)
    if function in ("advance", "recede"):
        steps = given["n"] * (1 if function == "advance" else -1)
        if months:
            return add_months(on(given["date"]), steps * months)
        return on(given["date"]) + dt.timedelta(days=steps * days)
    if function == "whole_periods_between":
        start, end = on(given["start"]), on(given["end"])
        frequency = (months, "month") if months else (days, "day")
        whole, period = 0, period_containing(start, start, *frequency, False)
        while period.to < end:
            whole, period = (
                whole + 1,
                period_containing(period.to + ONE_DAY, start, *frequency, False),
            )
        return whole
    if function == "trailing_proration":
        start, last = on(given["period_start"]), on(given["end"]) - ONE_DAY
        period = period_containing(start, start, months, "month", False)
        if last not in period:
            return None  # several periods divided by the days of the first: K-5 takes each alone
        return proration_factor(Period(start, last), period)
    start, first = on(given["start"]), on(given["first_cycle_date"])
    period = period_containing(first - ONE_DAY, first, months, "month", False)
    return proration_factor(Period(start, first - ONE_DAY), period)


@pytest.mark.requirement("K-1", "K-5")
def test_prorated_amounts_agree_to_the_cent():
    ran, differing = 0, []
    for case in shared_json("recurring/amounts.json")["cases"]:
        given, expected = case["input"], case["expected"]
        single = {"plan_amount_cents", "period_from", "period_to_inclusive"} <= set(given)
        if not single or given.get("next_subscription") or case.get("use_for_acceptance") is False:
            continue
        from_, to = on(given["period_from"]), on(given["period_to_inclusive"])
        from_ += dt.timedelta(days=given.get("trial_days", 0))
        full = period_containing(to, to, *FREQUENCIES[given["interval"]], True)
        factor = proration_factor(Period(from_, to), full) if from_ <= to else Fraction(0)
        amount = money.prorate(Decimal(given["plan_amount_cents"]).scaleb(-2), factor)
        cents = money.round_money(amount, "EUR").scaleb(2)
        ran += 1
        if cents != expected["amount_cents"]:
            differing.append((case["id"], cents, expected["amount_cents"]))

    assert differing == []
    assert ran >= 5
