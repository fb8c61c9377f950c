"""K-10: tiers with inclusive upper bounds, graduated and volume."""

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_site.kernel.errors import DomainError
from invoicing.rules import price
from invoicing.rules.errors import TierRefused
from invoicing.rules.price import Tier, graduated_price, validated_tiers, volume_price


def tiers(*rows: tuple[str | None, str, str]) -> tuple[Tier, ...]:
    return tuple(
        Tier(None if up_to is None else Decimal(up_to), Decimal(unit_price), Decimal(flat_fee))
        for up_to, unit_price, flat_fee in rows
    )


LADDER = tiers(("100", "2", "10"), ("200", "1", "5"), (None, "0.5", "50"))


@pytest.mark.requirement("K-10")
@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        ("0", "0", "0"),
        ("0.000001", "10.000002", "10.000002"),
        ("100", "210", "210"),
        ("100.5", "215.5", "105.5"),  # between two bounds: the next tier
        ("101", "216", "106"),
        ("200", "315", "205"),
        ("200.000001", "365.0000005", "150.0000005"),
        ("300", "415", "200"),
        ("-3", "-6", "-6"),  # a net correction: first tier's unit price, no flat fee
        ("-300", "-600", "-600"),
    ],
)
def test_a_quantity_is_priced_in_its_tiers(quantity, graduated, volume):
    assert graduated_price(Decimal(quantity), LADDER) == Decimal(graduated)
    assert volume_price(Decimal(quantity), LADDER) == Decimal(volume)


@pytest.mark.requirement("K-10")
def test_the_first_flat_fee_is_charged_at_zero_only_if_the_rule_says_so():
    for function in (graduated_price, volume_price):
        assert function(Decimal(0), LADDER) == 0
        assert function(Decimal(0), LADDER, fee_at_zero=True) == 10
        assert function(Decimal(-1), LADDER, fee_at_zero=True) == -2


def test_another_quantity_can_choose_the_volume_tier():
    assert volume_price(Decimal("198.6"), LADDER, tier_quantity=Decimal(300)) == Decimal("149.3")


def test_flat_prices_and_fees_are_exact():
    quantity, unit_price = Decimal("123456789012.123457"), Decimal("9876543210.0123456789")

    assert Fraction(price.flat_price(quantity, unit_price)) == (
        Fraction(quantity) * Fraction(unit_price)
    )
    assert price.flat_price(Decimal("-2"), Decimal("1.05")) == Decimal("-2.10")
    assert price.purchase_fees(Decimal("0.05"), 7) == Decimal("0.35")


@pytest.mark.requirement("K-10")
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "needs at least one tier"),
        ([("10", "1", "0")], "Tier 1 is the last one and ends at 10"),
        ([("10", "1", "0"), ("20", "1", "0")], "Tier 2 is the last one and ends at 20"),
        ([(None, "1", "0"), (None, "1", "0")], "Tier 1 has no upper bound, but tier 2 follows"),
        ([("10", "1", "0"), ("10", "1", "0"), (None, "1", "0")], "Tier 2 ends at 10.*tier 1"),
        ([("10", "1", "0"), ("9.99", "1", "0"), (None, "1", "0")], "Tier 2 ends at 9.99"),
        ([("0", "1", "0"), (None, "1", "0")], "Tier 1 ends at 0.*above zero"),
        ([("-1", "1", "0"), (None, "1", "0")], "Tier 1 ends at -1"),
    ],
)
def test_tiers_that_leave_a_quantity_unpriced_are_refused_by_name(rows, message):
    with pytest.raises(TierRefused, match=message) as refusal:
        validated_tiers(tiers(*rows))

    assert isinstance(refusal.value, DomainError)


def test_one_open_tier_is_a_ladder():
    assert validated_tiers(tiers((None, "1", "0"))) == tiers((None, "1", "0"))


NUMBERS = st.decimals(min_value=0, max_value=1000, places=4)
LADDERS = st.builds(
    lambda bounds, prices, fees: tuple(
        Tier(bound, unit_price, fee)
        for bound, unit_price, fee in zip([*sorted(bounds), None], prices, fees, strict=False)
    ),
    st.sets(st.decimals(min_value=1, max_value=500, places=2), min_size=3, max_size=3),
    st.lists(NUMBERS, min_size=4, max_size=4),
    st.lists(NUMBERS, min_size=4, max_size=4),
)


@pytest.mark.requirement("K-10")
@given(LADDERS, NUMBERS, NUMBERS)
def test_a_graduated_price_never_falls_when_more_is_used(ladder, one, other):
    less, more = sorted((one, other))

    assert graduated_price(less, ladder) <= graduated_price(more, ladder)


@pytest.mark.requirement("K-10")
@given(LADDERS)
def test_a_graduated_price_without_flat_fees_has_no_jump_at_a_bound(ladder):
    ladder = tuple(tier._replace(flat_fee=Decimal(0)) for tier in ladder)
    step = Decimal("0.000001")
    for tier, following in itertools.pairwise(ladder):
        at = graduated_price(tier.up_to, ladder)
        assert graduated_price(tier.up_to + step, ladder) - at == step * following.unit_price
        assert at - graduated_price(tier.up_to - step, ladder) == step * tier.unit_price


@pytest.mark.requirement("K-10")
@given(LADDERS, NUMBERS)
def test_a_volume_price_is_the_flat_price_of_the_tier_reached(ladder, quantity):
    if not quantity:
        return
    reached = next(t for t in ladder if t.up_to is None or quantity <= t.up_to)

    assert volume_price(quantity, ladder) == quantity * reached.unit_price + reached.flat_fee


@given(st.decimals(min_value=-1000, max_value=1000, places=6), NUMBERS)
def test_with_one_tier_all_models_agree(quantity, unit_price):
    ladder = (Tier(None, unit_price),)
    expected = price.flat_price(quantity, unit_price)

    assert graduated_price(quantity, ladder) == volume_price(quantity, ladder) == expected
