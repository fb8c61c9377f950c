import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing_site.kernel.money import ACTIVE_CURRENCIES
from billing_site.web.spreadsheets.cells import (
    parse_choice,
    parse_currency,
    parse_date,
    parse_datetime,
    parse_decimal,
    parse_text,
)
from billing_site.web.spreadsheets.errors import CellError

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-12.50", "-12.50"),
        ("+3", "3"),
        (" 7.1 ", "7.1"),
        ("1234567890123.123456789", "1234567890123.123456789"),
        ("000000000000000001.5", "1.5"),
        ("0.00000080000000000", "0.0000008"),  # zeros at the end are no decimals to keep
        ("2.00000000000", "2"),
    ],
)
def test_plain_decimals_are_taken_exactly(text, value):
    assert parse_decimal(text, 13, 9) == Decimal(value)


@pytest.mark.requirement("R11", "R14")
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("1,50", "after a point"),
        (",5", "after a point"),
        ("1.", "digits on both sides"),
        (".5", "write 0.5"),
        ("1.000,50", "thousands"),
        ("1,000.50", "thousands"),
        ("1 000", "thousands"),
        ("1\u00a0000", "thousands"),
        ("1'000.5", "thousands"),
        ("1e5", "scientific"),
        ("1E+9999999", "scientific"),
        ("1e400", "scientific"),
        ("(5)", "minus sign"),
        ("5%", "percent"),
        ("１２", "plain digits"),
        ("١٢٣", "plain digits"),
        ("1_0", "not a number"),
        ("--5", "not a number"),
        ("-", "not a number"),
        ("nan", "not a number"),
        ("sNaN", "not a number"),
        ("Infinity", "not a number"),
        ("-Infinity", "not a number"),
        ("0x10", "not a number"),
        ("None", "not a number"),
        ("=1+1", "formula"),
        ("'5", "text or formula"),
        ("1\n2", "not a number"),
        ("\u22121", "not in plain digits"),
        ("9" * 14, "at most 13 digits"),
        ("0.0000000001", "10 decimals, at most 9"),
    ],
)
def test_other_numbers_are_refused_with_a_remedy(text, remedy):
    with pytest.raises(CellError, match=remedy):
        parse_decimal(text, 13, 9)


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(CellError) as caught:
        parse_decimal("9" * 500, 13, 9)
    assert len(str(caught.value)) < 140


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-31", " 2026-01-31 ", "2026-01-31 00:00:00", "2026-01-31T00:00"),
        *("31.01.2026", "31.1.2026", "31.01.2026 00:00"),
    ],
)
def test_iso_days_and_days_with_dots_are_dates(text):
    assert parse_date(text) == dt.date(2026, 1, 31)


def test_a_day_with_dots_begins_with_the_day():
    assert parse_date("05.11.2026") == dt.date(2026, 11, 5)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "blank"),
        ("31.02.2026", "31.02.2026. does not exist"),
        ("05.13.2026", "05.13.2026. does not exist"),
        ("31.01.2026 10:30", "time of day"),
        ("31.01.2026, Saturday", "more than a day"),
        ("05.11.26", "more than one way"),
        ("01/02/2026", "more than one way"),
        ("31/02/2026", "does not exist"),
        ("13/13/2026", "does not exist"),
        ("31/01/2026", "more than one way"),
        ("2026-1-5", "more than one way"),
        ("20260131", "bare number"),
        ("44927", "bare number"),
        ("2026-02-30", "does not exist"),
        ("0000-01-01", "does not exist"),
        ("10000-01-01", "write it as"),
        ("1969-12-31", "1970 to 2100"),
        ("2101-01-01", "1970 to 2100"),
        ("9999-12-31", "1970 to 2100"),
        ("today", "not a date"),
        ("２０２６-01-01", "not a date"),
        ("2026-01-31 10:00:00", "time of day"),
        ("2026-01-31T00:00:00Z", "time of day"),
        ("2026-01-31x", "more than one way"),
    ],
)
def test_other_days_are_refused_with_a_remedy(text, remedy):
    with pytest.raises(CellError, match=remedy):
        parse_date(text)


@pytest.mark.parametrize("text", ["1970-01-01", "2100-12-31"])
def test_the_first_and_last_year_hold(text):
    assert parse_date(text).isoformat() == text


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", "2026-01-30T23:00:00+00:00"),
        ("2026-01-31 10:30", "2026-01-31T09:30:00+00:00"),
        ("2026-07-31 10:30:05", "2026-07-31T08:30:05+00:00"),
        ("2026-01-31T10:30:00Z", "2026-01-31T10:30:00+00:00"),
        ("31.01.2026", "2026-01-30T23:00:00+00:00"),
        ("31.01.2026 10:30", "2026-01-31T09:30:00+00:00"),
        ("31.01.2026 10:30:05", "2026-01-31T09:30:05+00:00"),
        ("2026-01-31T10:30:00+0530", "2026-01-31T05:00:00+00:00"),
        ("2026-01-31T10:30:00.25-05:00", "2026-01-31T15:30:00.250000+00:00"),
        ("2026-01-31T10:30:00.123456000Z", "2026-01-31T10:30:00.123456+00:00"),
        ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00+00:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00+00:00"),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59+00:00"),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00+00:00"),
    ],
)
def test_iso_moments_are_read_in_the_given_zone(text, utc):
    moment = parse_datetime(text, BERLIN)
    assert moment.tzinfo is not None
    assert moment.astimezone(dt.UTC).isoformat() == utc


@pytest.mark.requirement("R11", "R15")
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026-03-29T02:30:00", "does not exist in Europe/Berlin"),
        ("2026-10-25T02:30:00", "occurs twice"),
        ("2026-01-31T25:00:00", "valid time"),
        ("2026-01-31T10:30:00+99:00", "valid time"),
        ("2026-01-31T10:30:00+05:75", "valid time"),
        ("2026-01-31T10:30:00.1234567", "microsecond"),
        ("31.02.2026 10:30", "31.02.2026 10:30. does not exist"),
        ("31.01.2026 25:00", "valid time"),
        ("31.01.2026, 10:30", "more than a day"),
        ("01/02/2026 10:30", "more than one way"),
        ("Thu Sep 09 18:43:44 +0100 2010", "not a date"),
        ("", "blank"),
    ],
)
def test_other_moments_are_refused_with_a_remedy(text, remedy):
    with pytest.raises(CellError, match=remedy):
        parse_datetime(text, BERLIN)


def test_text_is_kept_as_it_is_unless_asked():
    assert parse_text(" a b ", 10) == " a b "
    assert parse_text(" a b ", 10, strip=True) == "a b"
    assert parse_text("two\nlines\t", 20) == "two\nlines\t"
    assert parse_text("x" * 10, 10) == "x" * 10
    assert parse_text("ẞ 😀", 10) == "ẞ 😀"


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "blank"),
        ("x" * 11, "11 characters, at most 10"),
        ("a\0b", "U\\+0000"),
        ("a\x1bb", "U\\+001B"),
        ("a\ud800", "U\\+D800"),
        ("\u202eevil", "U\\+202E"),
        ("a\u2066b", "U\\+2066"),
    ],
)
def test_text_that_cannot_be_kept_is_refused(text, remedy):
    with pytest.raises(CellError, match=remedy):
        parse_text(text, 10)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\u2028b"])
def test_single_lines_hold_no_break(text):
    with pytest.raises(CellError, match="one line"):
        parse_text(text, 10, single_line=True)


def test_a_blank_text_is_refused_after_stripping():
    with pytest.raises(CellError, match="blank"):
        parse_text("  ", 10, strip=True)


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("cell", "text"),
    [("'=1", "=1"), ("''=1", "'=1"), ("'a", "'a"), ("=1", "=1"), ("'\t=1", "\t=1")],
)
def test_our_mark_is_taken_away_and_other_apostrophes_stay(cell, text):
    assert parse_text(cell, 10) == text


def test_choices_ignore_case_and_blanks_and_refusals_list_them():
    choices = {"Periodical": 1, "Ad hoc": 2}
    assert parse_choice(" AD HOC ", choices) == 2
    with pytest.raises(CellError, match="Periodical, Ad hoc"):
        parse_choice("weekly", choices)


def test_currencies_are_known_codes():
    assert parse_currency(" eur ", {"EUR", "USD"}) == "EUR"
    with pytest.raises(CellError) as caught:
        parse_currency("EUX", ACTIVE_CURRENCIES)
    assert str(caught.value) == (
        "The currency EUX is not known: did you mean EUR or UGX? "
        "Write a code of ISO 4217, like EUR."
    )
    with pytest.raises(CellError, match="did you mean GBP,"):
        parse_currency("GPB", ACTIVE_CURRENCIES)
    with pytest.raises(CellError, match="GBP is not known: write a code of ISO 4217, like EUR"):
        parse_currency("GBP", {"EUR", "USD"})
    for text in ("€", "EURO", "", "ＥＵＲ", "E1R"):
        with pytest.raises(CellError, match="three-letter"):
            parse_currency(text, {"EUR"})
