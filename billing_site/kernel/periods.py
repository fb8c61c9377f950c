"""Periods, the dates between which they run, and dates in a time zone.

A period is an inclusive pair of dates (From, To), as the user sees it (K-4): May is
1 May to 31 May. Nothing here knows the time of day or reads a clock: today is an argument.
"""

import calendar
import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from billing_site.kernel.errors import DomainError

ONE_DAY = dt.timedelta(days=1)


class PeriodRefused(DomainError):
    """Dates or a frequency from which no period can be made."""


class UnknownTimeZone(DomainError):
    """A time zone that is not in the IANA data base."""


class Unit(StrEnum):
    """What a frequency counts: every n days, months or years (H-CB6)."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from ``from_`` to ``to``, both included (K-4, K-9).

    >>> Period(dt.date(2026, 5, 1), dt.date(2026, 5, 31)).days
    31
    """

    from_: dt.date
    to: dt.date

    def __post_init__(self) -> None:
        if self.to < self.from_:
            raise PeriodRefused(
                f"The period ends ({self.to}) before it begins ({self.from_}); "
                "choose an end on or after the beginning."
            )

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        """Return a whole calendar month."""
        return cls(dt.date(year, month, 1), dt.date(year, month, _days_in(year, month)))

    @property
    def days(self) -> int:
        """Number of days, at least 1."""
        return (self.to - self.from_).days + 1

    def __contains__(self, day: dt.date) -> bool:
        return self.from_ <= day <= self.to

    def overlap(self, other: "Period") -> "Period | None":
        """Return the days that both have, None if there are none."""
        from_, to = max(self.from_, other.from_), min(self.to, other.to)
        return Period(from_, to) if from_ <= to else None

    def __str__(self) -> str:
        return f"{self.from_} to {self.to}"


def add_months(day: dt.date, months: int, *, anchor_day: int | None = None) -> dt.date:
    """Return the date ``months`` later (or earlier), clamped to the end of the month (K-7).

    :param anchor_day: day of month wanted, 1..31; default the one of ``day``. Counting from
        28 February with anchor day 31 gives 31 March.
    :raises PeriodRefused: the result is outside the calendar (years 1 to 9999).
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise PeriodRefused(f"{months} months from {day} is outside the calendar (year {year}).")
    return dt.date(year, month, min(anchor_day or day.day, _days_in(year, month)))


def period_containing(
    day: dt.date, bill_from: dt.date, count: int, unit: str, aligned: bool
) -> Period:
    """Return the one period that ``day`` falls into.

    Not aligned: periods begin on ``bill_from`` and every ``count`` units after (and before) it.
    A day 29 to 31 clamps to the end of shorter months and comes back (K-7): 31 January,
    28 February, 31 March.

    Aligned with the calendar (H-CB6): periods begin where the calendar has a beginning.

    - months: on a first of the month. A count that divides 12 (1, 2, 3, 4, 6, 12) counts from
      January (quarters are January-March, ...); a multiple of 12 counts from January of the year
      of ``bill_from``; any other count from the month of ``bill_from``.
    - years: on 1 January, counted from the year of ``bill_from``.
    - days: a multiple of 7 begins on the Monday on or before ``bill_from``; other counts have no
      calendar to align with and begin on ``bill_from``.

    So with a count of 1 month the first period is the whole month that holds ``bill_from``
    (CB-17). The periods cover every day exactly once, also those before ``bill_from``; whether
    such a day is billed is the caller's business.

    :param bill_from: the customer's Bill From, or a subscription's anchor date (K-6).
    :param count: how many units a period has, 1 or more.
    :param unit: ``day``, ``month`` or ``year``.
    :raises PeriodRefused: a count below 1, an unknown unit, or a period that leaves the calendar.
    """
    kind = _checked_unit(count, unit)
    if kind is Unit.DAY:
        return _days_period(day, bill_from, count, aligned)
    anchor = _month_anchor(bill_from, count, kind) if aligned else bill_from
    months = count * 12 if kind is Unit.YEAR else count
    apart = (day.year - anchor.year) * 12 + day.month - anchor.month
    step = apart // months
    begin = add_months(anchor, step * months)
    if begin > day:  # the day lies before the anchor day of its month
        step -= 1
        begin = add_months(anchor, step * months)
    return Period(begin, add_months(anchor, (step + 1) * months) - ONE_DAY)


def periods_between(
    bill_from: dt.date, until: dt.date, count: int, unit: str, aligned: bool
) -> list[Period]:
    """Return the periods from the one that holds ``bill_from`` to the one that holds ``until``.

    In order, without gap or overlap; empty when ``until`` lies before the first period. These
    are the invoices a customer has (CB-17, CB-19), ``until`` being today in its time zone.

    :raises PeriodRefused: see ``period_containing``.
    """
    period = period_containing(bill_from, bill_from, count, unit, aligned)
    periods = []
    while period.from_ <= until:
        periods.append(period)
        period = period_containing(period.to + ONE_DAY, bill_from, count, unit, aligned)
    return periods


def is_past(to: dt.date, today: dt.date) -> bool:
    """Return whether a period's end is in the past: To < today (CB-66, X-9).

    :param to: last day of the period.
    :param today: today in the customer's time zone (``local_date``).
    """
    return to < today


def proration_factor(part: Period, full: Period) -> Fraction:
    """Return the share of ``full`` that ``part`` covers: active days / days of the full period.

    Both ends count (K-9). From 0 (no common day) to 1 (all of it), exact (K-5). Multiply with
    ``money.prorate``.

    >>> proration_factor(Period(dt.date(2011, 2, 14), dt.date(2011, 2, 27)),
    ...                  Period(dt.date(2011, 1, 31), dt.date(2011, 2, 27)))
    Fraction(1, 2)
    """
    common = full.overlap(part)
    return Fraction(common.days, full.days) if common else Fraction(0)


def local_date(moment: dt.datetime, time_zone: str) -> dt.date:
    """Return the date that the calendar on the wall of ``time_zone`` shows at ``moment``.

    :param moment: an aware datetime.
    :param time_zone: IANA name, e.g. ``Europe/Berlin``.
    :raises UnknownTimeZone: no such zone.
    :raises ValueError: ``moment`` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone, got the naive {moment}")
    return moment.astimezone(_zone(time_zone)).date()


def local_day_start(day: dt.date, time_zone: str) -> dt.datetime:
    """Return the moment (UTC) at which ``day`` begins in ``time_zone``.

    The day lasts until ``local_day_start`` of the next one: 23, 24 or 25 hours. Where the clocks
    skip midnight it begins at the first existing moment; a day that a zone skipped (Samoa,
    30 December 2011) lasts no time.

    :raises UnknownTimeZone: no such zone.
    """
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=_zone(time_zone))
    return midnight.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """When an invoice must be paid (D-28): net n days, or day x after y months.

    Make one with ``PaymentTerms.net(days=30)`` or ``PaymentTerms.on_day(15, months=1)``.
    """

    net_days: int | None = None
    day: int | None = None
    months: int | None = None

    def __post_init__(self) -> None:
        by_day = self.day is not None and self.months is not None
        if by_day == (self.net_days is not None) or (self.day is None) != (self.months is None):
            raise PeriodRefused(
                "Payment terms are either a number of days, or a day of the month and a number "
                "of months; give one of the two."
            )
        if self.net_days is not None and not 0 <= self.net_days <= 3650:
            raise PeriodRefused(f"Net days must be from 0 to 3650, not {self.net_days}.")
        if self.day is not None and not 1 <= self.day <= 31:
            raise PeriodRefused(f"The day of the month must be from 1 to 31, not {self.day}.")
        if self.months is not None and not 0 <= self.months <= 120:
            raise PeriodRefused(f"Months must be from 0 to 120, not {self.months}.")

    @classmethod
    def net(cls, days: int) -> "PaymentTerms":
        """Return "net ``days`` days": due that many days after the invoice date."""
        return cls(net_days=days)

    @classmethod
    def on_day(cls, day: int, *, months: int) -> "PaymentTerms":
        """Return "the ``day``th, ``months`` months later"; 31 is the end of every month."""
        return cls(day=day, months=months)

    def __str__(self) -> str:
        if self.net_days is not None:
            return f"net {self.net_days} days"
        return f"day {self.day}, {self.months} months later"


def due_date(invoice_date: dt.date, terms: PaymentTerms) -> dt.date:
    """Return the day by which an invoice of ``invoice_date`` must be paid (D-28).

    Never before the invoice date: "the 15th of the same month" for an invoice of the 20th is the
    15th of the next one.

    >>> due_date(dt.date(2026, 1, 10), PaymentTerms.on_day(31, months=1))
    datetime.date(2026, 2, 28)
    """
    if terms.net_days is not None:
        try:
            return invoice_date + dt.timedelta(days=terms.net_days)
        except OverflowError:
            raise PeriodRefused(f"{terms} from {invoice_date} is outside the calendar.") from None
    assert terms.day is not None  # the terms are checked when they are made
    assert terms.months is not None
    due = add_months(invoice_date, terms.months, anchor_day=terms.day)
    if due < invoice_date:
        due = add_months(invoice_date, terms.months + 1, anchor_day=terms.day)
    return due


def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _checked_unit(count: int, unit: str) -> Unit:
    if count < 1:
        raise PeriodRefused(f"A frequency counts 1 or more, not {count}.")
    try:
        return Unit(unit)
    except ValueError:
        raise PeriodRefused(f"A frequency is in day, month or year, not {unit!r}.") from None


def _month_anchor(bill_from: dt.date, count: int, unit: Unit) -> dt.date:
    from_january = unit is Unit.YEAR or 12 % count == 0 or count % 12 == 0
    return dt.date(bill_from.year, 1 if from_january else bill_from.month, 1)


def _days_period(day: dt.date, bill_from: dt.date, count: int, aligned: bool) -> Period:
    anchor = bill_from.toordinal()
    if aligned and count % 7 == 0:
        anchor -= bill_from.weekday()
    begin = anchor + (day.toordinal() - anchor) // count * count
    try:
        return Period(dt.date.fromordinal(begin), dt.date.fromordinal(begin + count - 1))
    except (ValueError, OverflowError):
        raise PeriodRefused(
            f"The period of {count} days around {day} is outside the calendar."
        ) from None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise UnknownTimeZone(
            f"{name!r} is no time zone; use a name such as Europe/Berlin or UTC."
        ) from None
