"""Metering: minimum and started increments, per purchase."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.rules.metering import metered_quantity

QUANTITIES = st.decimals(min_value=-100_000, max_value=100_000, places=6)


@pytest.mark.requirement("H-CB4")
@pytest.mark.parametrize(
    ("quantity", "minimum", "increment", "charged"),
    [
        # 30 seconds at least, then started 6 seconds
        ("0", "30", "6", "0"),
        ("0.000001", "30", "6", "30"),
        ("30", "30", "6", "30"),
        ("30.000001", "30", "6", "36"),
        ("36", "30", "6", "36"),
        ("37", "30", "6", "42"),
        ("-31", "30", "6", "-36"),
        ("-1", "30", "6", "-30"),
        # started minutes
        ("1", "0", "60", "60"),
        ("60", "0", "60", "60"),
        ("61", "0", "60", "120"),
        # steps begin after the minimum, not at zero
        ("21", "20", "6", "26"),
        # only a minimum, or nothing at all
        ("12.5", "30", "0", "30"),
        ("31.5", "30", "0", "31.5"),
        ("31.5", "0", "0", "31.5"),
        ("1.01", "0", "0.25", "1.25"),
    ],
)
def test_a_use_is_charged_by_minimum_and_started_increments(quantity, minimum, increment, charged):
    found = metered_quantity(Decimal(quantity), Decimal(minimum), Decimal(increment))

    assert found == Decimal(charged)


@pytest.mark.parametrize(("minimum", "increment"), [("-1", "6"), ("30", "-6")])
def test_a_negative_minimum_or_increment_is_a_bug(minimum, increment):
    with pytest.raises(ValueError, match="zero or more"):
        metered_quantity(Decimal(1), Decimal(minimum), Decimal(increment))


@given(QUANTITIES, st.integers(0, 100), st.integers(1, 100))
def test_metering_never_charges_less_nor_a_whole_increment_more(quantity, minimum, increment):
    charged = metered_quantity(quantity, Decimal(minimum), Decimal(increment))

    assert abs(charged) >= abs(quantity)
    assert abs(charged) < abs(quantity) + max(increment, minimum) or charged == quantity
    assert metered_quantity(-quantity, Decimal(minimum), Decimal(increment)) == -charged
    assert metered_quantity(charged, Decimal(minimum), Decimal(increment)) == charged
