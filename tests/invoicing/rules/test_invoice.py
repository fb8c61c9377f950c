"""K-1..K-3, CB-2: from usage to items, adjustments, VAT and totals."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from billing_site.kernel.money import UnknownCurrency
from invoicing.rules.errors import CalculationError
from invoicing.rules.invoice import ItemKind, UsageLine, calculate_invoice
from invoicing.rules.price import Tier
from invoicing.rules.selection import PricingRuleSpec, RuleIndex

MAY_1, MAY_14, MAY_15, MAY_31 = (dt.date(2026, 5, day) for day in (1, 14, 15, 31))
ALL = ("all",)
VOICE = ("all", "voice")
DATA = ("all", "data")
CUSTOMER = ("world", "retail")
PRODUCTS = {"A": 1, "B": 2, "C": 3, "D": 4}


def usage(code="A", quantity="1", *, count=1, on=(MAY_1, MAY_31), category=VOICE, **fields):
    decimals = {
        name: None if value is None else Decimal(value)
        for name, value in fields.items()
        if name != "separate_key"
    }
    return UsageLine(
        product_id=PRODUCTS[code],
        product_code=code,
        label=f"Product {code}",
        category_path=category,
        unit="min",
        quantity=Decimal(quantity),
        purchase_count=count,
        from_on=on[0],
        to_on=on[1],
        separate_key=fields.get("separate_key", ""),
        **decimals,
    )


def rule(number, operator="price", **fields):
    for name in ("value", "cost", "fee", "percentage"):
        if fields.get(name) is not None:
            fields[name] = Decimal(fields[name])
    fields.setdefault("name", f"rule {number}")
    return PricingRuleSpec(id=number, operator=operator, **fields)


def vat(percentage="19", number=90, **fields):
    return rule(number, "vat", percentage=percentage, **fields)


def adjust(percentage, number=50, **fields):
    return rule(number, "adjust_percentage", percentage=percentage, **fields)


def invoice(lines, *rules, currency="EUR", cluster=CUSTOMER):
    return calculate_invoice(lines, cluster_path=cluster, currency=currency, index=RuleIndex(rules))


def amounts(result, kind=None):
    return [str(item.amount) for item in result.items if kind in (None, item.kind)]


def totals(result):
    return [str(total) for total in (result.net_total, result.vat_total, result.gross_total)]


@pytest.mark.requirement("K-1", "K-2")
def test_golden_example_10_of_rounding():
    result = invoice([usage(quantity="16")], rule(1, value="348.35"), adjust("-4"), vat("22"))

    assert amounts(result) == ["5573.60", "-222.94", "1177.15"]
    assert totals(result) == ["5350.66", "1177.15", "6527.81"]


@pytest.mark.requirement("CB-2", "CB-4", "CB-7")
def test_an_item_says_where_it_comes_from():
    result = invoice(
        [usage(quantity="2.5", count=3, catalogue_price="4", catalogue_cost="1.5")],
        rule(1, name="Standard", fee="0.10"),
        adjust("-10", name="Loyal", label="10 % off"),
        vat("19", label="VAT 19 %"),
    )

    price, off, tax = result.items
    assert price == (
        1, ItemKind.PRICE, 1, 1, "Product A", Decimal("2.5"), "min", Decimal("4"),
        Decimal("10.30"), Decimal("10.30"), Decimal("3.75"), Decimal("19"), (),
        ((MAY_1, MAY_31),), None, 3, False,
    )  # fmt: skip
    assert (off.position, off.kind, off.rule_id, off.label) == (2, "adjustment", 50, "10 % off")
    assert (off.amount, off.base_positions, off.percentage) == (Decimal("-1.03"), (1,), -10)
    assert (tax.position, tax.kind, tax.rule_id, tax.label) == (3, "vat", 90, "VAT 19 %")
    assert (tax.exact_amount, tax.amount) == (Decimal("1.7613"), Decimal("1.76"))
    assert (tax.base_positions, tax.vat_percentage) == ((1, 2), 19)
    assert result.cost_total == Decimal("3.75")


@pytest.mark.requirement("CB-4")
def test_the_label_of_the_rule_is_the_text_on_the_invoice():
    lines = [usage("A"), usage("B", category=DATA), usage("C", stated_total="1")]
    named = rule(2, value="1", category_path=DATA, label="Data traffic")

    result = invoice(lines, rule(1, value="1"), named, vat("0", name="No VAT"))

    assert [item.label for item in result.items] == [
        "Data traffic", "Product A", "Product C", "No VAT",
    ]  # fmt: skip


@pytest.mark.requirement("K-1")
def test_quantities_are_added_up_before_they_are_priced_and_rounded():
    lines = [usage(quantity="0.5", on=(day, day)) for day in (MAY_1, MAY_14, MAY_15)]

    result = invoice(lines, rule(1, value="0.01"), vat("0"))

    assert amounts(result, "price") == ["0.02"]  # 1.5 cents; 3 x 0.5 cents would give 0.03
    assert result.items[0].quantity == Decimal("1.5")
    assert result.items[0].spans == ((MAY_1, MAY_1), (MAY_14, MAY_15))


@pytest.mark.requirement("K-1")
def test_a_rule_can_ask_for_separate_lines():
    lines = [usage(quantity="0.5", separate_key=key) for key in ("p1", "p2", "p1")]

    assert amounts(invoice(lines, rule(1, value="0.01"), vat("0")), "price") == ["0.01", "0.01"]


@pytest.mark.requirement("K-1")
@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("EUR", ["2.68", "0.51", "3.19"]),
        ("JPY", ["3", "1", "4"]),
        ("BHD", ["2.675", "0.508", "3.183"]),
    ],
)
def test_every_currency_is_rounded_to_its_own_minor_units(currency, expected):
    result = invoice([usage()], rule(1, value="2.675"), vat("19"), currency=currency)

    assert totals(result) == expected


@pytest.mark.requirement("K-2")
def test_vat_is_taken_once_per_rate_and_never_per_line():
    lines = [usage(code) for code in "ABC"]

    result = invoice(lines, rule(1, value="0.03"), vat("19"))

    assert totals(result) == ["0.09", "0.02", "0.11"]  # per line: 3 x 0.0057 would be 0.03
    assert amounts(result, "vat") == ["0.02"]


@pytest.mark.requirement("K-2")
def test_each_rate_has_one_vat_item_on_the_sum_of_its_items():
    lines = [usage("A", "10"), usage("B", "10", category=DATA), usage("C", "10", category=ALL)]
    result = invoice(
        lines,
        rule(1, value="1.05"),
        vat("19", number=90, name="standard"),
        vat("19.00", number=91, name="standard voice", category_path=VOICE),
        vat("7", number=92, name="reduced", category_path=DATA),
    )

    found = [(i.vat_percentage, i.rule_id, i.amount, i.base_positions) for i in result.items[3:]]
    assert found == [
        (7, 92, Decimal("0.74"), (2,)),
        (19, 90, Decimal("3.99"), (1, 3)),
    ]


@pytest.mark.requirement("K-2")
def test_a_rule_of_zero_percent_is_a_rule_and_keeps_its_reason():
    lines = [usage("A"), usage("B", category=DATA)]
    result = invoice(
        lines,
        rule(1, value="5"),
        vat("0", number=90, label="Reverse charge", category_path=VOICE),
        vat("0", number=91, label="Exempt", category_path=DATA),
    )

    assert [(i.label, str(i.amount)) for i in result.items[2:]] == [
        ("Reverse charge", "0.00"), ("Exempt", "0.00"),
    ]  # fmt: skip


@pytest.mark.requirement("K-3")
def test_a_stated_total_stays_and_is_an_item_of_its_own():
    lines = [
        usage(quantity="3", catalogue_cost="1"),
        usage(quantity="2", stated_total="0.0049", stated_cost="0.10", catalogue_cost="1"),
        usage(quantity="1", stated_total="9.9901"),
    ]

    result = invoice(lines, rule(1, value="5", cost="2"), vat("0"))

    stated, rated = result.items[:2]
    assert (rated.rule_id, rated.quantity, rated.amount, rated.cost) == (1, 3, 15, 6)
    assert (stated.rule_id, stated.quantity, stated.unit_price) == (None, 3, None)
    assert (stated.stated, stated.purchase_count, rated.stated) == (True, 2, False)
    assert (stated.exact_amount, stated.amount) == (Decimal("9.995"), Decimal("10.00"))
    assert stated.cost == Decimal("2.10")  # brought 0.10, and one unit at the rule's cost


@pytest.mark.requirement("K-3")
def test_a_stated_total_needs_no_price_rule():
    result = invoice([usage(stated_total="12.345")], vat("0"))

    assert amounts(result) == ["12.35", "0.00"]


@pytest.mark.requirement("H-CB4")
def test_a_purchase_with_its_own_unit_price_beats_the_rule():
    lines = [
        usage(quantity="1"),
        usage(quantity="2", unit_price_override="7"),
        usage(quantity="4", unit_price_override="7.00"),
        usage(quantity="1", unit_price_override="0"),
    ]

    result = invoice(lines, rule(1, value="5", fee="1"), vat("0"))

    found = [(i.rule_id, i.unit_price, i.quantity, i.amount) for i in result.items[:-1]]
    assert found == [(None, 0, 1, 0), (None, 7, 6, 42), (1, 5, 1, 6)]


@pytest.mark.requirement("CB-18")
def test_a_rule_without_value_takes_the_catalogue_price():
    lines = [usage("A", catalogue_price="3"), usage("B", catalogue_price="4")]

    assert amounts(invoice(lines, rule(1), vat("0")), "price") == ["3.00", "4.00"]


@pytest.mark.requirement("K-10")
@pytest.mark.parametrize(("mode", "amount"), [("graduated", "115.10"), ("volume", "55.10")])
def test_a_ladder_prices_the_whole_quantity_of_the_invoice(mode, amount):
    ladder = rule(
        1,
        "price_ladder",
        ladder_mode=mode,
        fee="0.05",
        tiers=(Tier(Decimal(100), Decimal(1)), Tier(None, Decimal("0.5"))),
    )
    quantities = {"graduated": ("80", "50"), "volume": ("60", "50")}[mode]
    lines = [usage(quantity=q, on=(d, d)) for q, d in zip(quantities, (MAY_1, MAY_31), strict=True)]

    result = invoice(lines, ladder, vat("0"))

    assert amounts(result, "price") == [amount]
    assert result.items[0].unit_price is None


@pytest.mark.requirement("K-12")
def test_negative_quantities_give_negative_items():
    lines = [usage("A", "-3"), usage("B", "-3", category=DATA)]
    ladder = rule(
        2,
        "price_ladder",
        category_path=DATA,
        tiers=(Tier(Decimal(100), Decimal("1.115"), Decimal(9)), Tier(None, Decimal(1))),
    )

    result = invoice(lines, rule(1, value="0.335"), ladder, vat("19"))

    assert amounts(result, "price") == ["-3.35", "-1.01"]
    assert totals(result) == ["-4.36", "-0.83", "-5.19"]


def test_adjustments_compound_in_their_order():
    result = invoice(
        [usage(quantity="100")],
        rule(1, value="1"),
        adjust("-4", number=51, name="a", order=2),
        adjust("-10", number=52, name="b", order=1),
        vat("0"),
    )

    found = [(i.rule_id, str(i.amount), i.base_positions) for i in result.items[1:3]]
    assert found == [(52, "-10.00", (1,)), (51, "-3.60", (1, 2))]
    assert str(result.net_total) == "86.40"


def test_an_adjustment_is_taken_only_from_the_items_in_its_scope():
    lines = [usage("A", "100"), usage("B", "50", category=DATA)]
    result = invoice(
        lines,
        rule(1, value="1"),
        adjust("-10", number=51, order=1, category_path=VOICE),
        adjust("20", number=52, order=2),
        vat("0"),
    )

    found = [(i.rule_id, str(i.amount), i.base_positions) for i in result.items[2:5]]
    # Data comes first: its category sorts first. Voice gets 10 % off, then 20 % on the rest.
    assert found == [(52, "10.00", (1,)), (51, "-10.00", (2,)), (52, "18.00", (2, 4))]


@pytest.mark.requirement("K-2")
def test_an_adjustment_is_divided_by_vat_rate_so_that_the_vat_is_right():
    lines = [usage("A", "100"), usage("B", "50", category=DATA)]
    result = invoice(
        lines,
        rule(1, value="1"),
        adjust("-10"),
        vat("19", number=90, category_path=VOICE),
        vat("7", number=91, category_path=DATA),
    )

    assert [(i.vat_percentage, str(i.amount)) for i in result.items[2:]] == [
        (7, "-5.00"), (19, "-10.00"), (7, "3.15"), (19, "17.10"),
    ]  # fmt: skip


def test_an_adjustment_applies_to_stated_totals_too_without_changing_them():
    result = invoice([usage(stated_total="20")], adjust("5"), vat("0"))

    assert amounts(result) == ["20.00", "1.00", "0.00"]


def test_a_price_change_within_the_period_makes_two_items():
    old, new = rule(1, value="1", valid_to=MAY_14), rule(2, value="2", valid_from=MAY_15)
    lines = [usage(on=(MAY_1, MAY_14)), usage(on=(MAY_15, MAY_31))]

    result = invoice(lines, old, new, vat("0"))

    assert [(i.rule_id, i.amount, i.spans) for i in result.items[:2]] == [
        (1, 1, ((MAY_1, MAY_14),)),
        (2, 2, ((MAY_15, MAY_31),)),
    ]


def test_a_boundary_of_another_rule_does_not_divide_an_item():
    lines = [usage(quantity="0.5", on=(MAY_1, MAY_14)), usage(quantity="1", on=(MAY_15, MAY_31))]
    other = rule(2, value="9", category_path=DATA, valid_from=MAY_15)

    result = invoice(lines, rule(1, value="0.01"), other, vat("0"))

    assert amounts(result, "price") == ["0.02"]
    assert result.items[0].spans == ((MAY_1, MAY_31),)


@pytest.mark.requirement("K-2", "K-10")
def test_a_new_vat_rate_divides_the_items_but_not_the_ladder():
    ladder = rule(
        1,
        "price_ladder",
        fee="0.10",
        tiers=(Tier(Decimal(100), Decimal(2)), Tier(None, Decimal("0.5"))),
    )
    lines = [
        usage(quantity="150", count=2, on=(MAY_1, MAY_14)),
        usage(quantity="50", count=1, on=(MAY_15, MAY_31)),
    ]

    result = invoice(
        lines, ladder, vat("19", valid_to=MAY_14), vat("16", number=91, valid_from=MAY_15)
    )

    # 200 units cost 250.00 together, three quarters of it before the change
    assert [(i.vat_percentage, str(i.amount)) for i in result.items] == [
        (19, "187.70"), (16, "62.60"), (16, "10.02"), (19, "35.66"),
    ]  # fmt: skip
    assert totals(result) == ["250.30", "45.68", "295.98"]


def test_a_divided_ladder_with_nothing_left_over_costs_nothing():
    ladder = rule(1, "price_ladder", tiers=(Tier(None, Decimal(2)),))
    lines = [usage(quantity="5", on=(MAY_1, MAY_14)), usage(quantity="-5", on=(MAY_15, MAY_31))]

    result = invoice(
        lines, ladder, vat("19", valid_to=MAY_14), vat("16", number=91, valid_from=MAY_15)
    )

    assert totals(result) == ["0.00", "0.00", "0.00"]


@pytest.mark.requirement("K-14")
def test_an_invoice_without_usage_is_empty():
    result = invoice([], rule(1), vat("19"))

    assert result.items == ()
    assert totals(result) == ["0.00", "0.00", "0.00"]


def test_items_come_by_category_product_and_rule():
    lines = [
        usage("D", category=ALL),
        usage("C", category=VOICE),
        usage("B", category=VOICE),
        usage("A", category=DATA),
    ]
    random.Random(7).shuffle(lines)

    result = invoice(lines, rule(1, value="1"), vat("0"))

    assert [item.label[-1] for item in result.items[:4]] == ["D", "A", "B", "C"]
    assert [item.position for item in result.items] == [1, 2, 3, 4, 5]


@pytest.mark.requirement("CB-14")
@pytest.mark.parametrize(
    ("lines", "rules", "message"),
    [
        (
            [usage(count=12)],
            [vat()],
            r"No pricing rule covers product A Product A \(12 purchases, 2026-05-01 to 2026-05-31\); "
            "add a Price",
        ),
        (
            [usage(on=(MAY_1, MAY_1))],
            [vat(), rule(1, value="1", category_path=DATA)],
            r"No pricing rule covers product A Product A \(1 purchase, on 2026-05-01\)",
        ),
        ([usage()], [vat(), rule(1, name="Std")], "the pricing rule Std takes the catalogue price"),
        ([usage()], [rule(1, value="1")], r"No VAT rule covers product A .* \(0 % where no VAT"),
        ([usage(stated_total="1")], [], "No VAT rule covers product A"),
        ([usage(code) for code in "DCBA"], [vat()], "product A.*product B.*product C.*And 1 more"),
    ],
)
def test_usage_that_cannot_be_priced_is_refused_with_the_remedy(lines, rules, message):
    with pytest.raises(CalculationError, match=message):
        invoice(lines, *rules)


def test_usage_that_straddles_a_boundary_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="straddles"):
        invoice([usage(on=(MAY_14, MAY_15))], rule(1, value="1", valid_from=MAY_15), vat())


def test_an_unknown_currency_is_refused():
    with pytest.raises(UnknownCurrency):
        invoice([usage()], rule(1, value="1"), vat(), currency="EURO")
