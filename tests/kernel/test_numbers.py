"""H-CB11: number formats that never repeat a number."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_site.kernel.numbers import NumberFormat, NumberFormatRefused, Reset

MAY_2018 = dt.date(2018, 5, 31)


@pytest.mark.requirement("H-CB11", "B-25")
@pytest.mark.parametrize(
    ("text", "reset", "sequence", "number"),
    [
        ("R{yyyy}-{####}", "yearly", 22, "R2018-0022"),
        ("R{yyyy}-{####}", "yearly", 9999, "R2018-9999"),
        ("R{yyyy}-{####}", "yearly", 10000, "R2018-10000"),
        ("{yy}{MM}/{###}", "monthly", 1, "1805/001"),
        ("{#}", "never", 1234567, "1234567"),
        ("INV {MM}.{yyyy}_{##}", "monthly", 7, "INV 05.2018_07"),
    ],
)
def test_a_number_is_rendered_from_its_format(text, reset, sequence, number):
    assert NumberFormat.parse(text, reset).render(sequence, MAY_2018) == number


@pytest.mark.requirement("H-CB11")
@pytest.mark.parametrize(
    ("reset", "key"), [("never", ""), ("yearly", "2018"), ("monthly", "2018-05")]
)
def test_the_counter_starts_again_as_the_scheme_says(reset, key):
    assert NumberFormat.parse("{yyyy}{MM}-{##}", reset).counter_key(MAY_2018) == key


@pytest.mark.requirement("H-CB11")
@pytest.mark.parametrize(
    ("text", "reset", "message"),
    [
        ("", "never", "0 sequences; it needs exactly one"),
        ("R{yyyy}", "yearly", "0 sequences"),
        ("{##}-{##}", "never", "2 sequences"),
        ("{##}", "yearly", r"does not show the year.*add \{yyyy\}"),
        ("{MM}-{##}", "yearly", "does not show the year"),
        ("{MM}-{##}", "monthly", "does not show the year"),
        ("{yyyy}-{##}", "monthly", r"does not show the month.*add \{MM\}"),
        ("{yyyy}-{##}", "weekly", "never, yearly or monthly"),
        ("{mm}-{##}", "never", r"placeholder \{mm\} is not known"),
        ("{}-{##}", "never", "is not known"),
        ("{#a}", "never", "is not known"),
        ("{##", "never", "close every placeholder"),
        ("{{##}}", "never", "close every placeholder"),
        ("##}", "never", "The format holds '#'"),
        ("R\n{##}", "never", "use letters"),
        ("R\u0662{##}", "never", "use letters"),
        ("<b>{##}", "never", "use letters"),
        ("x" * 37 + "{##}", "never", "shorten it to 40"),
    ],
)
def test_a_format_that_could_not_number_is_refused_with_a_remedy(text, reset, message):
    with pytest.raises(NumberFormatRefused, match=message):
        NumberFormat.parse(text, reset)


def test_the_longest_format_is_accepted():
    assert NumberFormat.parse("x" * 36 + "{##}").render(1, None) == "x" * 36 + "01"


def test_a_format_with_a_date_needs_one():
    dated = NumberFormat.parse("R{yyyy}-{####}", "yearly")

    assert dated.needs_date
    for call in (lambda: dated.render(1, None), lambda: dated.counter_key(None)):
        with pytest.raises(NumberFormatRefused, match="needs a date"):
            call()
    assert not NumberFormat.parse("R{####}").needs_date
    assert NumberFormat.parse("R{####}").counter_key(None) == ""


@pytest.mark.parametrize("sequence", [0, -1])
def test_a_sequence_begins_at_one(sequence):
    with pytest.raises(ValueError, match="begins at 1"):
        NumberFormat.parse("{##}").render(sequence, MAY_2018)


FORMATS = st.sampled_from(
    [("{#}{yyyy}{MM}", Reset.MONTHLY), ("{yyyy}{###}", Reset.YEARLY), ("{##}{yyyy}", Reset.YEARLY),
     ("{MM}{#}{yyyy}", Reset.MONTHLY), ("7{####}7", Reset.NEVER), ("{yyyy}{#}", Reset.NEVER)]
)  # fmt: skip
ISSUES = st.tuples(st.integers(1, 200_000), st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))


@pytest.mark.requirement("H-CB11")
@given(FORMATS, ISSUES, ISSUES)
def test_two_documents_never_get_the_same_number(scheme, one, other):
    number_format = NumberFormat.parse(*scheme)
    places = [(number_format.counter_key(day), sequence) for sequence, day in (one, other)]
    numbers = [number_format.render(sequence, day) for sequence, day in (one, other)]

    assert (numbers[0] == numbers[1]) <= (places[0] == places[1])
