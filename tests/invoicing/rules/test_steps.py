"""The steps of a price add up to what the price functions say (K-10)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.rules.price import Tier, graduated_price, volume_price
from invoicing.rules.steps import ladder_steps, unit_price_steps

D = Decimal
TIERS = (Tier(D(100), D(2), D(10)), Tier(D(200), D("1.5")), Tier(None, D(1), D(3)))
AMOUNTS = st.decimals(min_value=0, max_value=1000, places=4)


@pytest.mark.requirement("K-10")
@pytest.mark.parametrize(
    ("mode", "quantity", "steps", "total"),
    [
        ("graduated", "100", [("Tier 1", "100", "210")], "210"),
        ("graduated", "100.5", [("Tier 1", "100", "210"), ("Tier 2", "0.5", "0.75")], "210.75"),
        ("graduated", "0", [], "0"),
        ("graduated", "-3", [("A correction, at the first tier", "-3", "-6")], "-6"),
        ("volume", "100", [("Tier 1 is reached", "100", "210")], "210"),
        ("volume", "100.5", [("Tier 2 is reached", "100.5", "150.75")], "150.75"),
        ("volume", "201", [("Tier 3 is reached", "201", "204")], "204"),
        ("volume", "0", [], "0"),
    ],
)
def test_a_ladder_shows_the_slices_it_charges(mode, quantity, steps, total):
    found = ladder_steps(D(quantity), TIERS, mode)

    assert [(step.label, str(step.quantity), str(step.amount)) for step in found.steps] == steps
    assert found.total == D(total)


@pytest.mark.requirement("K-10")
@given(
    quantity=st.decimals(min_value=-10_000, max_value=10_000, places=6),
    bounds=st.lists(st.integers(1, 5000), unique=True, max_size=5).map(sorted),
    prices=st.lists(AMOUNTS, min_size=12, max_size=12),
    fee=AMOUNTS,
    purchases=st.integers(0, 1000),
)
def test_the_steps_add_up_to_the_price(quantity, bounds, prices, fee, purchases):
    ends = [*map(D, bounds), None]
    tiers = [Tier(end, prices[n], prices[n + 6]) for n, end in enumerate(ends)]
    for mode, price in (("graduated", graduated_price), ("volume", volume_price)):
        found = ladder_steps(quantity, tiers, mode, fee=fee, purchases=purchases)
        assert sum(step.amount for step in found.steps) == found.total
        assert found.total == price(quantity, tiers) + fee * purchases


def test_a_price_per_unit_shows_its_fees_apart():
    found = unit_price_steps(D(10), D("0.25"), fee=D("0.05"), purchases=4)

    assert [step.amount for step in found.steps] == [D("2.50"), D("0.20")]
    assert found.total == D("2.70")
    assert len(unit_price_steps(D(10), D("0.25"), fee=D("0.05")).steps) == 1
