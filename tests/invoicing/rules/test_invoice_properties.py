"""What holds for every invoice, whatever the usage and the rules."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_site.kernel.money import quantum, round_money
from invoicing.rules.invoice import UsageLine, calculate_invoice
from invoicing.rules.price import Tier
from invoicing.rules.selection import PricingRuleSpec, RuleIndex

CHANGE = dt.date(2026, 5, 15)
CATEGORIES = [("all",), ("all", "voice"), ("all", "voice", "mobile"), ("all", "data")]
PRICES = st.decimals(min_value=0, max_value=100, places=6)


def spec(number, operator, **fields):
    return PricingRuleSpec(id=number, name=f"rule {number}", operator=operator, **fields)


RULES = [
    spec(1, "price", fee=Decimal("0.07")),
    spec(2, "price", category_path=("all", "data"), value=Decimal("0.0123"), valid_to=CHANGE),
    spec(3, "price_ladder", category_path=("all", "voice", "mobile"),
         tiers=(Tier(Decimal(100), Decimal("0.333"), Decimal(1)), Tier(None, Decimal("0.1")))),
    spec(4, "price_ladder", category_path=("all", "voice"), ladder_mode="volume",
         tiers=(Tier(Decimal(50), Decimal("0.5")), Tier(None, Decimal("0.25")))),
    spec(5, "adjust_percentage", percentage=Decimal("-4")),
    spec(6, "adjust_percentage", percentage=Decimal("2.5"), category_path=("all", "voice"), order=1),
    spec(7, "vat", percentage=Decimal(19)),
    spec(8, "vat", percentage=Decimal("7.7"), category_path=("all", "data")),
    spec(9, "vat", percentage=Decimal(16), category_path=("all", "voice"), valid_from=CHANGE),
]  # fmt: skip
INDEX = RuleIndex(RULES)


@st.composite
def usage_lines(draw):
    product = draw(st.integers(0, 7))
    late = draw(st.booleans())
    day = CHANGE + dt.timedelta(days=draw(st.integers(1, 10)) * (1 if late else -1))
    kind = draw(st.sampled_from(["rated", "rated", "rated", "stated", "override"]))
    quantity = draw(st.decimals(min_value=-50, max_value=500, places=4))
    return UsageLine(
        product_id=product,
        product_code=f"P{product}",
        label=f"Product {product}",
        category_path=CATEGORIES[product % 4],
        unit="",
        quantity=quantity,
        purchase_count=draw(st.integers(1, 5)),
        from_on=day,
        to_on=day,
        catalogue_price=Decimal(product) / 8,
        catalogue_cost=Decimal(product) / 16,
        stated_total=draw(PRICES) if kind == "stated" else None,
        unit_price_override=draw(st.sampled_from([Decimal("0.1"), Decimal("7")]))
        if kind == "override"
        else None,
    )


USAGE = st.lists(usage_lines(), max_size=25)
CURRENCIES = st.sampled_from(["EUR", "JPY", "BHD"])


def calculated(usage, currency):
    return calculate_invoice(usage, cluster_path=("world",), currency=currency, index=INDEX)


@pytest.mark.requirement("K-1", "K-2")
@settings(deadline=None)
@given(USAGE, CURRENCIES)
def test_totals_are_the_sums_of_rounded_items(usage, currency):
    result = calculated(usage, currency)
    net = [item for item in result.items if item.kind != "vat"]
    tax = [item for item in result.items if item.kind == "vat"]

    assert result.net_total == sum(item.amount for item in net)
    assert result.vat_total == sum(item.amount for item in tax)
    assert result.gross_total == result.net_total + result.vat_total
    assert result.cost_total == sum(item.cost for item in net)
    for item in result.items:
        assert item.amount == round_money(item.exact_amount, currency)
        assert item.amount.as_tuple().exponent == quantum(currency).as_tuple().exponent


@pytest.mark.requirement("K-2")
@settings(deadline=None)
@given(USAGE, CURRENCIES)
def test_every_percentage_can_be_checked_from_the_lines_it_names(usage, currency):
    result = calculated(usage, currency)
    taxed = []
    for item in result.items:
        base = [result.items[position - 1] for position in item.base_positions]
        if item.kind == "price":
            assert base == []
            continue
        assert all(other.position < item.position for other in base)
        expected = sum(other.amount for other in base) * item.percentage / 100
        assert item.amount == round_money(expected, currency)
        assert {other.vat_percentage for other in base} == {item.vat_percentage}
        if item.kind == "vat":
            taxed += item.base_positions

    assert sorted(taxed) == [item.position for item in result.items if item.kind != "vat"]
    rates = [item.vat_percentage for item in result.items if item.kind == "vat"]
    assert len(rates) == len(set(rates))


@settings(deadline=None)
@given(USAGE, CURRENCIES, st.randoms(use_true_random=False))
def test_the_order_of_the_usage_does_not_matter(usage, currency, random):
    shuffled = list(usage)
    random.shuffle(shuffled)

    assert calculated(shuffled, currency) == calculated(usage, currency)


@pytest.mark.requirement("K-1")
@settings(deadline=None)
@given(USAGE)
def test_no_usage_is_lost_and_linear_prices_are_exact(usage):
    result = calculated(usage, "EUR")
    quantities = defaultdict(Decimal)
    for line in usage:
        quantities[line.product_id] += line.quantity
    for item in result.items:
        if item.kind == "price":
            quantities[item.product_id] -= item.quantity

    assert set(quantities.values()) <= {0}
    stated = sum(Fraction(line.stated_total) for line in usage if line.stated_total is not None)
    found = sum(
        Fraction(item.exact_amount)
        for item in result.items
        if item.kind == "price" and item.rule_id is None and item.unit_price is None
    )
    assert found == stated


@pytest.mark.requirement("K-1")
@settings(deadline=None)
@given(USAGE)
def test_purchases_summed_beforehand_give_the_same_invoice(usage):
    """SQL may hand over one line per group or one per purchase."""
    groups = defaultdict(list)
    for line in usage:
        stated = line.stated_total is not None
        epoch = INDEX.epoch(line.from_on)
        groups[line.product_id, stated, line.unit_price_override, epoch].append(line)
    summed = [
        lines[0]._replace(
            quantity=sum(line.quantity for line in lines),
            purchase_count=sum(line.purchase_count for line in lines),
            from_on=min(line.from_on for line in lines),
            to_on=max(line.to_on for line in lines),
            stated_total=sum(line.stated_total for line in lines)
            if lines[0].stated_total is not None
            else None,
        )
        for lines in groups.values()
    ]

    one, other = calculated(usage, "EUR"), calculated(summed, "EUR")
    assert [item._replace(spans=()) for item in one.items] == [
        item._replace(spans=()) for item in other.items
    ]
    assert one.gross_total == other.gross_total
