"""K-1: one rounding, half-up, to the currency's minor units."""

import doctest
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_site.kernel import money, numbers, periods
from billing_site.kernel.errors import DomainError

EXACT_AMOUNTS = st.decimals(
    min_value=Decimal("-1e14"), max_value=Decimal("1e14"), places=10, allow_nan=False
)


@pytest.mark.parametrize("module", [money, numbers, periods], ids=lambda m: m.__name__)
def test_the_examples_in_the_docstrings_run(module):
    result = doctest.testmod(module)

    assert result.attempted >= 1
    assert result.failed == 0


@pytest.mark.requirement("K-1")
@pytest.mark.parametrize(
    ("currency", "places"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("BHD", 3), ("KWD", 3),
     ("CLF", 4), ("HUF", 2), ("MGA", 2), ("XCG", 2), ("ZWG", 2)],
)  # fmt: skip
def test_minor_units_are_those_of_iso_4217(currency, places):
    assert money.minor_units(currency) == places
    assert money.quantum(currency) == Decimal(10) ** -places


def test_the_table_is_complete_and_its_lists_do_not_overlap():
    listed = " ".join(
        [money._TWO_PLACES, money._NO_PLACES, money._THREE_PLACES, money._FOUR_PLACES,
         money._WITHDRAWN]
    ).split()  # fmt: skip

    assert len(listed) == len(set(listed)) == len(money.MINOR_UNITS)
    assert len(money.ACTIVE_CURRENCIES) == 165
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in listed)


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "XAU", "ABC", None])
def test_a_code_that_is_no_money_is_refused_with_a_remedy(code):
    with pytest.raises(
        money.UnknownCurrency, match="use a three-letter code in capitals"
    ) as refusal:
        money.minor_units(code)

    assert isinstance(refusal.value, DomainError)


def test_a_code_in_small_letters_is_answered_with_the_right_one():
    with pytest.raises(money.UnknownCurrency, match="Did you mean EUR"):
        money.round_money(Decimal(1), "eur")


@pytest.mark.requirement("K-1")
@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("5350.656", "EUR", "5350.66"),
        ("0.005", "EUR", "0.01"),
        ("0.0049999999999999999999999999999999", "EUR", "0.00"),
        ("-0.005", "EUR", "-0.01"),
        ("-0.0049", "EUR", "0.00"),
        ("2.675", "EUR", "2.68"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("1.0005", "BHD", "1.001"),
        ("1.00005", "CLF", "1.0001"),
        ("7", "EUR", "7.00"),
        ("123456789012345678901234567890.125", "EUR", "123456789012345678901234567890.13"),
    ],
)
def test_money_is_rounded_half_up_to_the_minor_units(amount, currency, rounded):
    assert str(money.round_money(Decimal(amount), currency)) == rounded
    assert str(money.rounder(currency)(Decimal(amount))) == rounded


@pytest.mark.parametrize("amount", [1.5, 2, "2.50", None])
def test_only_a_decimal_is_money(amount):
    with pytest.raises(TypeError, match="money is Decimal"):
        money.round_money(amount, "EUR")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_an_amount_is_a_finite_number(amount):
    with pytest.raises(ValueError, match="finite"):
        money.round_money(Decimal(amount), "EUR")


@given(EXACT_AMOUNTS, st.sampled_from(["EUR", "JPY", "BHD", "CLF"]))
def test_rounding_is_nearest_idempotent_and_symmetric(amount, currency):
    rounded = money.round_money(amount, currency)

    assert abs(rounded - amount) * 2 <= money.quantum(currency)
    assert money.round_money(rounded, currency) == rounded
    assert money.round_money(-amount, currency) == -rounded
    assert not (rounded.is_signed() and rounded.is_zero())


@pytest.mark.requirement("K-1")
def test_arithmetic_before_the_rounding_keeps_every_digit():
    quantity, price = Decimal("123456789012.123457"), Decimal("9876543210.0123456789")

    with money.exact():
        product = quantity * price
    assert Fraction(product) == Fraction(quantity) * Fraction(price)
    assert Fraction(quantity * price) != Fraction(product)  # what Python's default would lose


@pytest.mark.requirement("K-5")
@pytest.mark.parametrize(
    ("amount", "factor", "cents"),
    [
        ("2000", Fraction(26, 29), "1793.10"),
        ("50000.00", Fraction(17, 31), "27419.35"),
        ("0.03", Fraction(1, 2), "0.02"),
        ("0.01", Fraction(1, 2), "0.01"),
        ("0.03", Fraction(1, 6), "0.01"),  # exactly half a cent
        ("9.99", Fraction(1), "9.99"),
        ("9.99", Fraction(0), "0.00"),
    ],
)
def test_a_prorated_amount_is_exact_until_it_is_rounded(amount, factor, cents):
    assert str(money.round_money(money.prorate(Decimal(amount), factor), "EUR")) == cents


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "EUR", "1,234.50"),
        ("-1234567.891", "EUR", "-1,234,567.89"),
        ("-0.001", "EUR", "0.00"),
        ("1234567", "JPY", "1,234,567"),
        ("0.5", "BHD", "0.500"),
        ("1E+6", "EUR", "1,000,000.00"),
    ],
)
def test_money_is_shown_with_groups_and_the_currency_decimals(amount, currency, text):
    assert money.format_money(Decimal(amount), currency) == text
    assert money.format_money_with_currency(Decimal(amount), currency) == f"{text} {currency}"


def test_a_unit_price_is_never_cut_and_has_at_least_the_currency_decimals():
    assert money.format_unit_price(Decimal("0.0002000000"), "EUR") == "0.0002"
    assert money.format_unit_price(Decimal("1234.5"), "EUR") == "1,234.50"
    assert money.format_unit_price(Decimal("7"), "JPY") == "7"
    assert money.format_unit_price(Decimal("7.125"), "JPY") == "7.125"


def test_a_quantity_has_no_trailing_zeros():
    assert money.format_quantity(Decimal("1250.000000")) == "1,250"
    assert money.format_quantity(Decimal("0.500000")) == "0.5"
    assert money.format_quantity(Decimal("1E+3")) == "1,000"
    assert money.format_quantity(Decimal("-0.25")) == "-0.25"
