"""Days and moments in the words of the product: 05 Mar 2026, 14:12."""

import datetime as dt

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_in_words(day: dt.date) -> str:
    """Return a day as text.

    >>> day_in_words(dt.date(2026, 3, 5))
    '05 Mar 2026'
    """
    return f"{day.day:02} {MONTHS[day.month - 1]} {day.year}"


def moment_in_words(local: dt.datetime) -> str:
    """Return a moment to the minute; it is in the time zone of the firm already.

    >>> moment_in_words(dt.datetime(2026, 3, 5, 14, 2, 59, 999))
    '05 Mar 2026, 14:02'
    """
    return f"{day_in_words(local)}, {local.hour:02}:{local.minute:02}"
