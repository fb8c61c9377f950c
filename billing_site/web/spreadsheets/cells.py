"""Turns raw cells into values, or refuses them with a sentence that shows the value and a remedy.

Nothing is rounded and nothing is guessed. The caller adds row and column to the sentence. Blank
cells are the caller's business (only it knows whether the field is required): every function here
refuses the empty text.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

from billing_site.web.spreadsheets.errors import CellError
from billing_site.web.spreadsheets.marks import without_mark
from billing_site.web.spreadsheets.tables import shown

Choice = TypeVar("Choice")

FIRST_YEAR, LAST_YEAR = 1970, 2100  # devices that lost their clock report from 1970 or 1980
_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)\s?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)
# Day, month, year with dots is one order everywhere (DIN 1355, Austria and Switzerland alike).
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(.*)", re.ASCII | re.DOTALL)
_OTHER_DATE = re.compile(
    r"([0-9]{1,4})[./-]([0-9]{1,2})[./-]([0-9]{1,4})(?![0-9]).*", re.ASCII | re.DOTALL
)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_LINE_BREAK = re.compile("[\t\r\n\u2028\u2029]")


def parse_decimal(text: str, max_integer_digits: int, max_scale: int) -> Decimal:
    """A plain decimal number: ASCII digits, one optional sign, one optional decimal point.

    :param max_integer_digits: most digits before the point, leading zeros not counted.
    :param max_scale: most decimals, trailing zeros not counted; more are refused, never rounded.
    :raises CellError: anything else.
    """
    text = text.strip()
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise CellError(_why_no_number(text))
    integer, fraction = match[2], match[3] or ""
    if len(integer) > max_integer_digits and len(integer.lstrip("0")) > max_integer_digits:
        raise CellError(
            f"{shown(text)} is too large: at most {max_integer_digits} digits before the "
            "decimal point."
        )
    if len(fraction) > max_scale:
        fraction = fraction.rstrip("0")
        if len(fraction) > max_scale:
            raise CellError(
                f"{shown(text)} has {len(fraction)} decimals, at most {max_scale} are kept: "
                "round it in the file, nothing is rounded on import."
            )
        text = f"{match[1]}{integer}.{fraction or '0'}"
    return Decimal(text)


def parse_date(text: str) -> dt.date:
    """A day as 2026-01-31 or 31.01.2026 (a time of 00:00:00 after it is allowed).

    :raises CellError: any other form, no such day, or a year outside 1970 to 2100.
    """
    text = text.strip()
    iso = _iso(text)
    if not _DATE.fullmatch(iso):
        match = _DATETIME.fullmatch(iso)
        if not match:
            raise CellError(_why_no_date(text, "2026-01-31"))
        if match[3] or set(match[2]) - set("0:."):
            raise CellError(f"{shown(text)} has a time of day: write the day alone, as 2026-01-31.")
        iso = match[1]
    return _day(iso, text)


def parse_datetime(text: str, time_zone: dt.tzinfo) -> dt.datetime:
    """A moment in ISO 8601: 2026-01-31T10:30:00+01:00, 2026-01-31 10:30:00, or a day (midnight).

    The day may be written with dots, as 31.01.2026 10:30.

    :param time_zone: the zone of a time that states no offset. A local time that does not exist
        or occurs twice when the clocks change is refused, because it would have to be guessed.
    :returns: an aware datetime.
    :raises CellError: any other form, no such moment, or a year outside 1970 to 2100.
    """
    text = text.strip()
    match = _DATETIME.fullmatch(_iso(text))
    if not match:
        raise CellError(_why_no_date(text, "2026-01-31T10:30:00"))
    day = _day(match[1], text)
    if match[2] is None:
        return _in_zone(dt.datetime.combine(day, dt.time()), time_zone, text)
    clock, _, decimals = match[2].partition(".")
    if decimals[6:].strip("0"):
        raise CellError(f"{shown(text)} is finer than a microsecond: shorten the seconds.")
    try:
        time = dt.time.fromisoformat(f"{clock}.{decimals[:6]:0<6}" if decimals else clock)
        moment = dt.datetime.combine(day, time)
        if match[3]:
            return moment.replace(tzinfo=_offset(match[3]))
    except ValueError:
        raise CellError(
            f"{shown(text)} has no valid time of day: write 2026-01-31T10:30:00."
        ) from None
    return _in_zone(moment, time_zone, text)


def parse_text(
    text: str, max_length: int, *, single_line: bool = False, strip: bool = False
) -> str:
    """A text; our formula mark is taken away (:mod:`~billing_site.web.spreadsheets.marks`).

    :param max_length: most characters.
    :param single_line: refuse tabs and line breaks.
    :param strip: drop blanks around the text first (codes and names).
    :raises CellError: empty, too long, control characters, or signs that turn the reading
        direction around (they make a text look like another).
    """
    if text.isascii() and text.isalnum() and 0 < len(text) <= max_length:
        return text  # nearly every code
    text = without_mark(text)
    if strip:
        text = text.strip()
    if not text:
        raise CellError("The cell is blank: fill it in.")
    if len(text) > max_length:
        raise CellError(
            f"{shown(text)} has {len(text):,} characters, at most {max_length:,} are kept: shorten it."
        )
    if text.isprintable():
        return text
    if found := _CONTROL.search(text):
        raise CellError(
            f"{shown(text)} holds the control character U+{ord(found[0]):04X}: remove it."
        )
    if found := _BIDI.search(text):
        raise CellError(
            f"{shown(text)} holds the invisible direction sign U+{ord(found[0]):04X}, which makes "
            "a text look like another: type it again."
        )
    if single_line and _LINE_BREAK.search(text):
        raise CellError(f"{shown(text)} holds a tab or line break: write it on one line.")
    return text


def parse_choice(text: str, choices: Mapping[str, Choice]) -> Choice:
    """The value of one of the given words; case and blanks around do not matter.

    :raises CellError: another word; the sentence lists the first choices.
    """
    words = {word.casefold(): value for word, value in choices.items()}
    try:
        return words[without_mark(text).strip().casefold()]
    except KeyError:
        listed = ", ".join(list(choices)[:8]) + (", …" if len(choices) > 8 else "")
        raise CellError(f"{shown(text)} is not known here: write one of {listed}.") from None


def parse_currency(text: str, allowed: Collection[str]) -> str:
    """An ISO 4217 code out of ``allowed``, in capitals.

    :raises CellError: no code, or a currency that is not used here.
    """
    code = text.strip()
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise CellError(f"{shown(text)} is not a currency: write its three-letter code, as EUR.")
    code = code.upper()
    if code not in allowed:
        near = _near(code, tuple(sorted(allowed)))
        hint = f"did you mean {near}? Write" if near else "write"
        raise CellError(f"The currency {code} is not known: {hint} a code of ISO 4217, like EUR.")
    return code


@lru_cache(maxsize=20_000)  # more than there are codes of three letters
def _near(code: str, allowed: tuple[str, ...]) -> str:
    """``GBP, GIP or PAB``: the codes most like ``code``; empty if none is like it.

    Of codes that are equally like it, those of the same letters and the same beginning come first.
    """
    alike = get_close_matches(code, allowed, n=len(allowed))
    alike.sort(key=lambda other: (sorted(other) != sorted(code), other[0] != code[0]))
    *others, last = alike[:3] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def _why_no_number(text: str) -> str:
    if not text:
        return "The cell is blank: write a number."
    value = shown(text)
    plain = text.replace("\u00a0", " ").replace("\u202f", " ")
    if re.fullmatch(r"[+-]?[0-9]*[.,][0-9]*", plain) and re.search(r"[0-9]", plain):
        if "," in plain:
            return f"{value} has a comma: write the decimals after a point, as 1234.50."
        return f"{value} has a point without digits on both sides: write 0.5 or 5."
    if re.fullmatch(r"[+-]?[0-9][0-9 ,.']*", plain):
        return f"{value} has thousands separators: write it without them, as 1234.50."
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", text):
        return f"{value} is in scientific notation: write it out, as 1234.50."
    if text.startswith("(") and text.endswith(")"):
        return f"{value} is in brackets: write a negative number with a minus sign, as -5.00."
    if text.endswith("%"):
        return f"{value} has a percent sign: write the number alone."
    if not text.isascii() and any(unicodedata.category(c) == "Nd" for c in text):
        return f"{value} is not in plain digits: write it with the digits 0 to 9, as 1234.50."
    if text[0] in "'=@":
        return f"{value} is a text or formula, not a number: write the value, as 1234.50."
    return f"{value} is not a number: write it in plain digits, as 1234.50."


def _why_no_date(text: str, example: str) -> str:
    if not text:
        return f"The cell is blank: write a date, as {example}."
    value = shown(text)
    if text.isascii() and text.isdigit():
        return f"{value} is a bare number: format the cell as a date, or write {example}."
    if _DOTTED.fullmatch(text):
        return f"{value} has more than a day and a time: write it as {example}."
    if match := _OTHER_DATE.fullmatch(text):
        if not _is_some_day(*match.groups()):
            return f"{value} does not exist in the calendar: correct it, as {example}."
        return f"{value} can be read in more than one way: write year, month, day, as {example}."
    return f"{value} is not a date: write it as {example}."


def _iso(text: str) -> str:
    """A day written with dots in the order of ISO 8601; any other text as it is."""
    match = _DOTTED.fullmatch(text)
    return f"{match[3]}-{match[2]:0>2}-{match[1]:0>2}{match[4]}" if match else text


def _is_some_day(first: str, second: str, third: str) -> bool:
    """Whether three numbers are a day in any order that has the year first or last."""
    one, two, three = int(first), int(second), int(third)
    orders = ((one, two, three), (one, three, two), (three, two, one), (three, one, two))
    for year, month, day in orders:
        try:
            dt.date(year + 2000 if year < 100 else year, month, day)
        except ValueError:
            continue
        return True
    return False


@lru_cache(maxsize=4096)
def _day(iso: str, text: str) -> dt.date:
    """The day of ``iso``; ``text`` is how the cell has it."""
    try:
        day = dt.date.fromisoformat(iso)
    except ValueError:
        raise CellError(f"{shown(text)} does not exist in the calendar: correct it.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError(
            f"{shown(text)} is outside the years {FIRST_YEAR} to {LAST_YEAR}: correct it."
        )
    return day


@lru_cache(maxsize=256)
def _offset(text: str) -> dt.timezone:
    if text == "Z":
        return dt.UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes > 59 or hours > 14:
        raise ValueError(text)
    delta = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-delta if text[0] == "-" else delta)


def _in_zone(moment: dt.datetime, zone: dt.tzinfo, text: str) -> dt.datetime:
    first, second = moment.replace(tzinfo=zone), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise CellError(
            f"{shown(text)} does not exist in {zone}, the clocks were put forward: write the time "
            "with its offset, as 2026-03-29T03:30:00+02:00."
        )
    raise CellError(
        f"{shown(text)} occurs twice in {zone}, the clocks were put back: write the time with its "
        "offset, as 2026-10-25T02:30:00+01:00."
    )
