"""K-4..K-7, H-CB6, X-9: inclusive periods, anchors, alignment, and today in a time zone."""

import datetime as dt
import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_site.kernel import periods
from billing_site.kernel.periods import PaymentTerms, Period, PeriodRefused, period_containing

DAY = dt.timedelta(days=1)
DAYS = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2090, 12, 31))
FREQUENCIES = st.one_of(
    st.tuples(st.integers(1, 400), st.just("day")),
    st.tuples(st.integers(1, 40), st.just("month")),
    st.tuples(st.integers(1, 5), st.just("year")),
)
ZONES = [
    "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Asia/Beirut", "America/Havana", "UTC",
]  # fmt: skip


def on(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def span(text: str) -> Period:
    from_, to = text.split("..")
    return Period(on(from_), on(to))


@pytest.mark.requirement("K-4", "K-9")
def test_a_period_has_both_its_ends():
    may = Period.month(2026, 5)

    assert may == span("2026-05-01..2026-05-31")
    assert may.days == 31
    assert on("2026-05-31") in may
    assert on("2026-06-01") not in may
    assert on("2026-04-30") not in may
    assert span("2026-05-20..2026-05-20").days == 1


@pytest.mark.requirement("K-4")
def test_a_period_does_not_end_before_it_begins():
    with pytest.raises(PeriodRefused, match="choose an end on or after the beginning"):
        span("2026-05-02..2026-05-01")


@pytest.mark.parametrize(
    ("other", "common"),
    [
        ("2026-05-31..2026-06-30", "2026-05-31..2026-05-31"),
        ("2026-06-01..2026-06-30", None),
        ("2026-05-10..2026-05-12", "2026-05-10..2026-05-12"),
        ("2026-01-01..2026-12-31", "2026-05-01..2026-05-31"),
    ],
)
def test_the_overlap_of_two_periods_is_their_common_days(other, common):
    expected = span(common) if common else None

    assert Period.month(2026, 5).overlap(span(other)) == expected
    assert span(other).overlap(Period.month(2026, 5)) == expected


@pytest.mark.requirement("K-6", "K-7")
def test_anchor_day_31_clamps_and_comes_back():
    anchor = on("2011-01-31")

    assert period_containing(on("2011-02-14"), anchor, 1, "month", False) == span(
        "2011-01-31..2011-02-27"
    )
    assert period_containing(on("2011-02-28"), anchor, 1, "month", False) == span(
        "2011-02-28..2011-03-30"
    )
    assert period_containing(on("2011-03-31"), anchor, 1, "month", False) == span(
        "2011-03-31..2011-04-29"
    )


@pytest.mark.requirement("K-5", "K-6")
def test_the_leading_part_is_prorated_by_the_days_of_its_own_period():
    first = span("2011-01-31..2011-02-27")

    assert periods.proration_factor(span("2011-02-14..2011-02-27"), first) == Fraction(14, 28)
    assert periods.proration_factor(first, first) == 1
    assert periods.proration_factor(span("2010-01-01..2012-01-01"), first) == 1
    assert periods.proration_factor(span("2011-02-28..2011-03-30"), first) == 0


@pytest.mark.requirement("K-9")
def test_the_last_day_counts():
    may = Period.month(2026, 5)

    assert periods.proration_factor(span("2026-05-01..2026-05-20"), may) == Fraction(20, 31)
    assert periods.proration_factor(span("2026-05-20..2026-05-20"), may) == Fraction(1, 31)


@pytest.mark.requirement("CB-5", "H-CB6")
@pytest.mark.parametrize(
    ("day", "bill_from", "count", "unit", "aligned", "expected"),
    [
        # months
        ("2026-05-14", "2026-05-14", 1, "month", True, "2026-05-01..2026-05-31"),
        ("2026-05-14", "2026-05-14", 1, "month", False, "2026-05-14..2026-06-13"),
        ("2026-06-13", "2026-05-14", 1, "month", False, "2026-05-14..2026-06-13"),
        ("2026-06-14", "2026-05-14", 1, "month", False, "2026-06-14..2026-07-13"),
        ("2026-05-14", "2026-05-14", 3, "month", True, "2026-04-01..2026-06-30"),
        ("2026-07-01", "2026-05-14", 3, "month", True, "2026-07-01..2026-09-30"),
        ("2026-05-14", "2026-05-14", 3, "month", False, "2026-05-14..2026-08-13"),
        ("2026-05-14", "2026-05-14", 6, "month", True, "2026-01-01..2026-06-30"),
        ("2026-05-14", "2026-05-14", 5, "month", True, "2026-05-01..2026-09-30"),
        ("2026-10-01", "2026-05-14", 5, "month", True, "2026-10-01..2027-02-28"),
        ("2027-05-14", "2026-05-14", 24, "month", True, "2026-01-01..2027-12-31"),
        ("2026-05-13", "2026-05-14", 1, "month", False, "2026-04-14..2026-05-13"),
        # years
        ("2026-05-14", "2026-05-14", 1, "year", True, "2026-01-01..2026-12-31"),
        ("2027-05-13", "2026-05-14", 1, "year", False, "2026-05-14..2027-05-13"),
        ("2025-02-28", "2024-02-29", 1, "year", False, "2025-02-28..2026-02-27"),
        ("2028-02-28", "2024-02-29", 1, "year", False, "2027-02-28..2028-02-28"),
        ("2028-02-29", "2024-02-29", 1, "year", False, "2028-02-29..2029-02-27"),
        ("2027-12-31", "2026-05-14", 2, "year", True, "2026-01-01..2027-12-31"),
        # days: 14 May 2026 is a Thursday
        ("2026-05-14", "2026-05-14", 1, "day", True, "2026-05-14..2026-05-14"),
        ("2026-05-14", "2026-05-14", 7, "day", True, "2026-05-11..2026-05-17"),
        ("2026-05-18", "2026-05-14", 7, "day", True, "2026-05-18..2026-05-24"),
        ("2026-05-24", "2026-05-14", 14, "day", True, "2026-05-11..2026-05-24"),
        ("2026-05-18", "2026-05-14", 7, "day", False, "2026-05-14..2026-05-20"),
        ("2026-05-24", "2026-05-14", 10, "day", True, "2026-05-24..2026-06-02"),
        ("2026-05-13", "2026-05-14", 30, "day", False, "2026-04-14..2026-05-13"),
    ],
)
def test_the_period_that_holds_a_day(day, bill_from, count, unit, aligned, expected):
    found = period_containing(on(day), on(bill_from), count, unit, aligned)

    assert found == span(expected)


@pytest.mark.requirement("K-4", "K-6", "K-7", "H-CB6")
@given(DAYS, DAYS, FREQUENCIES, st.booleans())
def test_every_day_is_in_exactly_one_period(day, bill_from, frequency, aligned):
    count, unit = frequency
    period = period_containing(day, bill_from, count, unit, aligned)
    following = period_containing(period.to + DAY, bill_from, count, unit, aligned)

    assert day in period
    assert following.from_ == period.to + DAY
    for inside in (period.from_, period.to):
        assert period_containing(inside, bill_from, count, unit, aligned) == period
    assert period_containing(period.from_ - DAY, bill_from, count, unit, aligned).to < period.from_


@pytest.mark.requirement("K-7")
@given(DAYS, DAYS, st.integers(1, 40))
def test_unaligned_months_begin_on_the_anchor_day_or_the_end_of_a_shorter_month(
    day, bill_from, count
):
    begin = period_containing(day, bill_from, count, "month", False).from_

    assert begin.day == bill_from.day or (
        begin.day < bill_from.day and (begin + DAY).month != begin.month
    )


@pytest.mark.requirement("CB-17", "CB-19")
def test_invoices_run_from_the_month_of_bill_from_to_the_one_of_today():
    found = periods.periods_between(on("2026-02-14"), on("2026-05-01"), 1, "month", True)

    assert found == [Period.month(2026, month) for month in (2, 3, 4, 5)]


@pytest.mark.requirement("CB-19")
@pytest.mark.parametrize(
    ("until", "count"), [("2026-01-31", 0), ("2026-02-01", 1), ("2026-02-28", 1), ("2026-03-01", 2)]
)
def test_the_last_period_is_the_one_that_holds_until(until, count):
    assert len(periods.periods_between(on("2026-02-14"), on(until), 1, "month", True)) == count


@given(DAYS, st.integers(0, 1000), FREQUENCIES, st.booleans())
def test_the_periods_of_a_customer_leave_no_gap(bill_from, days, frequency, aligned):
    until = bill_from + dt.timedelta(days=days)
    found = periods.periods_between(bill_from, until, *frequency, aligned)

    assert bill_from in found[0]
    assert until in found[-1]
    assert all(b.from_ == a.to + DAY for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("count", "unit", "message"),
    [(0, "month", "1 or more"), (-1, "day", "1 or more"), (1, "week", "day, month or year")],
)
def test_a_frequency_that_makes_no_period_is_refused(count, unit, message):
    with pytest.raises(PeriodRefused, match=message):
        period_containing(on("2026-05-14"), on("2026-05-14"), count, unit, False)


@pytest.mark.parametrize("unit", ["day", "month", "year"])
@pytest.mark.parametrize("day", [dt.date.min, dt.date.max])
def test_a_period_outside_the_calendar_is_refused_and_does_not_crash(day, unit):
    with pytest.raises(PeriodRefused, match="outside the calendar"):
        period_containing(day, on("2026-05-14"), 400, unit, False)


@pytest.mark.requirement("X-9", "CB-66")
@pytest.mark.parametrize(
    ("today", "past"), [("2026-05-30", False), ("2026-05-31", False), ("2026-06-01", True)]
)
def test_a_period_is_past_when_its_last_day_lies_before_today(today, past):
    assert periods.is_past(on("2026-05-31"), on(today)) is past


@pytest.mark.requirement("X-9")
def test_today_is_the_date_in_the_customer_time_zone():
    moment = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)

    assert periods.local_date(moment, "UTC") == on("2026-05-31")
    assert periods.local_date(moment, "Europe/Berlin") == on("2026-06-01")
    assert periods.local_date(moment, "America/New_York") == on("2026-05-31")


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../etc/passwd", "Europe", "\0", None])
def test_an_unknown_time_zone_is_refused_with_a_remedy(name):
    with pytest.raises(periods.UnknownTimeZone, match="use a name such as Europe/Berlin"):
        periods.local_date(dt.datetime(2026, 5, 31, tzinfo=dt.UTC), name)


def test_a_moment_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="naive"):
        periods.local_date(dt.datetime(2026, 5, 31), "UTC")


@pytest.mark.requirement("X-9", "K-4")
@given(
    st.datetimes(dt.datetime(2012, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC)),
    st.sampled_from(ZONES),
)
def test_every_moment_is_in_exactly_one_local_day(moment, zone):
    day = periods.local_date(moment, zone)

    assert periods.local_day_start(day, zone) <= moment < periods.local_day_start(day + DAY, zone)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Europe/Berlin", "2026-05-01", 24),
        ("Africa/Cairo", "2026-04-24", 23),  # midnight itself does not exist
        ("America/Havana", "2026-11-01", 25),  # midnight happens twice
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Pacific/Apia", "2011-12-30", 0),  # the day does not exist
    ],
)
def test_a_local_day_is_as_long_as_the_clocks_make_it(zone, day, hours):
    start, end = (periods.local_day_start(d, zone) for d in (on(day), on(day) + DAY))

    assert (end - start) == dt.timedelta(hours=hours)
    if hours:
        assert periods.local_date(start, zone) == on(day)
        assert periods.local_date(start - dt.timedelta(seconds=1), zone) == on(day) - DAY


@pytest.mark.requirement("D-28")
@pytest.mark.parametrize(
    ("invoice_date", "terms", "due"),
    [
        ("2026-01-31", PaymentTerms.net(0), "2026-01-31"),
        ("2026-01-31", PaymentTerms.net(30), "2026-03-02"),
        ("2026-01-10", PaymentTerms.on_day(15, months=1), "2026-02-15"),
        ("2026-01-10", PaymentTerms.on_day(31, months=1), "2026-02-28"),
        ("2028-01-31", PaymentTerms.on_day(31, months=1), "2028-02-29"),
        ("2026-12-10", PaymentTerms.on_day(15, months=1), "2027-01-15"),
        ("2026-01-15", PaymentTerms.on_day(15, months=0), "2026-01-15"),
        ("2026-01-16", PaymentTerms.on_day(15, months=0), "2026-02-15"),
        ("2026-02-28", PaymentTerms.on_day(31, months=0), "2026-02-28"),
    ],
)
def test_the_due_date_follows_the_payment_terms(invoice_date, terms, due):
    assert periods.due_date(on(invoice_date), terms) == on(due)


def test_a_due_date_outside_the_calendar_is_refused():
    for terms in (PaymentTerms.net(30), PaymentTerms.on_day(1, months=1)):
        with pytest.raises(PeriodRefused, match="outside the calendar"):
            periods.due_date(dt.date(9999, 12, 15), terms)


@given(DAYS, st.integers(1, 31), st.integers(0, 24))
def test_an_invoice_is_never_due_before_its_date(invoice_date, day, months):
    assert periods.due_date(invoice_date, PaymentTerms.on_day(day, months=months)) >= invoice_date


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"net_days": 30, "day": 15, "months": 1},
        {"net_days": 30, "day": 15},
        {"day": 15},
        {"months": 1},
        {"net_days": -1},
        {"net_days": 3651},
        {"day": 0, "months": 1},
        {"day": 32, "months": 1},
        {"day": 15, "months": -1},
        {"day": 15, "months": 121},
    ],
)
def test_terms_that_give_no_due_date_are_refused(values):
    with pytest.raises(PeriodRefused):
        PaymentTerms(**values)
