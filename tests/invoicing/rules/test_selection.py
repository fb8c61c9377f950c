"""H-CB2 and D-41: which pricing rule applies."""

import datetime as dt
import itertools
from decimal import Decimal

import pytest

from invoicing.rules import selection
from invoicing.rules.errors import PricingRuleRefused, TierRefused
from invoicing.rules.price import Tier
from invoicing.rules.selection import PricingRuleSpec, RuleIndex, overlaps

MAY_1, MAY_14, MAY_15, MAY_31 = (dt.date(2026, 5, day) for day in (1, 14, 15, 31))
VOICE = ("all", "voice")
MOBILE = ("all", "voice", "mobile")
RETAIL = ("world", "retail")
BERLIN = ("world", "retail", "berlin")
NUMBERS = itertools.count(1)


def rule(name="rule", operator="price", **fields):
    if operator in ("vat", "adjust_percentage"):
        fields.setdefault("percentage", Decimal(10))
    return PricingRuleSpec(id=next(NUMBERS), name=name, operator=operator, **fields)


def chosen(*specs, category=MOBILE, cluster=BERLIN, on=MAY_15, currency=None):
    found = selection.select_price_rule(specs, category, cluster, on, currency)
    return found and found.name


@pytest.mark.requirement("H-CB2")
@pytest.mark.parametrize(
    ("category_path", "cluster_path", "covered"),
    [
        (None, None, True),
        (MOBILE, BERLIN, True),
        (VOICE, None, True),
        (None, RETAIL, True),
        ((), (), True),
        ((*MOBILE, "prepaid"), None, False),
        (("all", "data"), None, False),
        (("voice",), None, False),
        (None, ("world", "wholesale"), False),
        (None, (*BERLIN, "mitte"), False),
    ],
)
def test_a_rule_covers_the_subtrees_under_its_category_and_cluster(
    category_path, cluster_path, covered
):
    spec = rule(category_path=category_path, cluster_path=cluster_path)

    assert (chosen(spec) is not None) is covered


@pytest.mark.requirement("H-CB2")
@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        # deepest cluster first, whatever category and order say
        ({"cluster_path": BERLIN, "order": 9}, {"cluster_path": RETAIL, "category_path": MOBILE}),
        ({"cluster_path": RETAIL}, {"category_path": MOBILE}),
        ({"cluster_path": ("world",)}, {}),
        # then deepest category, whatever the order says
        ({"category_path": MOBILE, "order": 9}, {"category_path": VOICE}),
        ({"category_path": VOICE, "order": 9}, {}),
        # then a price in the invoice's own currency, whatever the order says
        ({"currency": "EUR", "order": 9}, {}),
        ({"category_path": VOICE}, {"currency": "EUR"}),
        ({"cluster_path": RETAIL}, {"currency": "EUR"}),
        # then the lowest order
        ({"order": 1}, {"order": 2}),
        ({"order": -1}, {"order": 0}),
    ],
)
def test_the_most_specific_rule_wins(winner, loser):
    specs = [rule("winner", **winner), rule("loser", **loser)]

    assert chosen(*specs, currency="EUR") == "winner"
    assert chosen(*reversed(specs), currency="EUR") == "winner"


@pytest.mark.requirement("H-CB2")
@pytest.mark.parametrize(
    ("on", "name"),
    [(dt.date(2026, 4, 30), None), (MAY_1, "old"), (MAY_14, "old"), (MAY_15, "new")],
)
def test_a_price_changes_with_a_contiguous_new_rule(on, name):
    old = rule("old", valid_from=MAY_1, valid_to=MAY_14)
    new = rule("new", valid_from=MAY_15)

    assert chosen(old, new, on=on) == name
    assert not overlaps(old, new)


@pytest.mark.requirement("K-15")
def test_a_rule_in_another_currency_does_not_apply():
    assert chosen(rule(currency="USD"), currency="EUR") is None
    assert chosen(rule(currency="EUR"), currency="EUR") == "rule"
    assert chosen(rule(), currency="EUR") == "rule"


def test_price_vat_and_adjustments_do_not_compete():
    specs = [
        rule("price"),
        rule("ladder", "price_ladder", tiers=(Tier(None, Decimal(1)),), category_path=VOICE),
        rule("vat", "vat", cluster_path=BERLIN),
        rule("second", "adjust_percentage", order=2, cluster_path=BERLIN),
        rule("first b", "adjust_percentage", order=1),
        rule("first a", "adjust_percentage", order=1),
        rule("elsewhere", "adjust_percentage", category_path=("all", "data")),
        rule("over", "adjust_percentage", valid_to=MAY_14),
    ]
    place = (specs, MOBILE, BERLIN, MAY_15)

    assert selection.select_price_rule(*place).name == "ladder"
    assert selection.select_vat_rule(*place).name == "vat"
    assert [spec.name for spec in selection.matching_adjustments(*place)] == [
        "first a", "first b", "second",
    ]  # fmt: skip


@pytest.mark.requirement("D-41")
@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, True),
        ({"valid_from": MAY_15}, True),
        ({"valid_from": MAY_31}, True),  # the other one's last day
        ({"valid_from": dt.date(2026, 6, 1)}, False),
        ({"valid_to": MAY_1}, True),
        ({"valid_to": dt.date(2026, 4, 30)}, False),
        ({"order": 1}, False),
        ({"category_path": MOBILE}, False),
        ({"cluster_path": BERLIN}, False),
        ({"operator": "price_ladder", "tiers": (Tier(None, Decimal(1)),)}, True),
        ({"operator": "vat", "percentage": Decimal(1)}, False),
        ({"operator": "adjust_percentage", "percentage": Decimal(1)}, False),
        ({"currency": "EUR"}, False),  # more specific than a price for every currency
    ],
)
def test_two_price_rules_that_would_bill_twice_are_recognised(changes, refused):
    scope = {"category_path": VOICE, "cluster_path": RETAIL}
    one = rule(**scope, valid_from=MAY_1, valid_to=MAY_31)
    other = rule(**{**scope, **changes})

    assert overlaps(one, other) is overlaps(other, one) is refused


@pytest.mark.requirement("D-41")
def test_rules_of_two_currencies_and_parallel_adjustments_do_not_overlap():
    spec = rule()

    assert not overlaps(rule(currency="EUR"), rule(currency="USD"))
    assert overlaps(rule(currency="EUR"), rule(currency="EUR"))
    assert not overlaps(rule("a", "adjust_percentage"), rule("b", "adjust_percentage"))
    assert overlaps(rule("a", "vat"), rule("b", "vat"))
    assert not overlaps(spec, spec)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"operator": "bundle"}, "unknown operator 'bundle'"),
        ({"operator": "price", "valid_from": MAY_15, "valid_to": MAY_14}, "choose a later end"),
        ({"operator": "vat"}, "has no percentage"),
        ({"operator": "vat", "percentage": Decimal("-0.01")}, "must be 0 or more"),
        ({"operator": "adjust_percentage"}, "has no percentage"),
        ({"operator": "adjust_percentage", "percentage": Decimal("-100.01")}, "-100 or more"),
        ({"operator": "price_ladder", "ladder_mode": "steps"}, "unknown ladder mode 'steps'"),
        ({"operator": "price_ladder"}, "at least one tier"),
    ],
)
def test_a_rule_that_could_price_nothing_is_refused(fields, message):
    with pytest.raises(PricingRuleRefused, match=message):
        PricingRuleSpec(id=1, name="r", **fields)


def test_the_nearest_rules_are_accepted():
    PricingRuleSpec(id=1, name="r", operator="price", valid_from=MAY_15, valid_to=MAY_15)
    PricingRuleSpec(id=1, name="r", operator="vat", percentage=Decimal(0))
    PricingRuleSpec(id=1, name="r", operator="adjust_percentage", percentage=Decimal(-100))
    assert issubclass(TierRefused, PricingRuleRefused)


def test_the_boundaries_are_the_days_on_which_a_rule_begins_or_has_ended():
    index = RuleIndex(
        [
            rule(valid_from=MAY_1, valid_to=MAY_14),
            rule(valid_from=MAY_15),
            rule("vat", "vat", valid_to=MAY_31),
            rule("ever", "adjust_percentage", valid_to=dt.date.max),
        ]
    )

    assert index.boundaries == [MAY_1, MAY_15, dt.date(2026, 6, 1)]
    assert [index.epoch(day) for day in (dt.date(2026, 4, 30), MAY_1, MAY_14, MAY_15)] == [
        0,
        1,
        1,
        2,
    ]


@pytest.mark.requirement("H-CB2", "D-41")
def test_rules_that_may_stand_side_by_side_are_never_tied():
    """Whatever D-41 lets in, of any two rules for one purchase one is the more specific."""
    scopes = itertools.product((None, VOICE, MOBILE), (None, RETAIL, BERLIN), (None, "EUR"), (1, 2))
    specs = [
        rule("x", category_path=category, cluster_path=cluster, currency=currency, order=order)
        for category, cluster, currency, order in scopes
    ]
    for one, other in itertools.combinations(specs, 2):
        assert not overlaps(one, other)
        # all but name and id, which would decide between equals
        assert selection._specificity(one)[:-2] != selection._specificity(other)[:-2]


@pytest.mark.requirement("H-CB2")
def test_within_an_epoch_the_index_answers_as_the_search_does():
    specs = [
        rule(
            f"{operator} {number}",
            operator,
            category_path=[None, ("all",), VOICE, MOBILE][number % 4],
            cluster_path=[None, RETAIL, BERLIN][number % 3],
            currency=[None, "EUR", "USD"][number % 5 % 3] if operator == "price" else None,
            order=number % 2,
            valid_from=dt.date(2026, 4, 20) + dt.timedelta(days=number * 3),
            valid_to=dt.date(2026, 5, 10) + dt.timedelta(days=number * 4),
        )
        for number in range(12)
        for operator in ("price", "vat", "adjust_percentage")
    ]
    index = RuleIndex(specs)
    asked = 0
    for category, cluster, day in itertools.product(
        (MOBILE, VOICE, ("all", "data")), (BERLIN, RETAIL, ("world",)), range(60)
    ):
        on = dt.date(2026, 4, 25) + dt.timedelta(days=day)
        plan = index.plans(cluster, "EUR").find(category, index.epoch(on), on)
        place = (specs, category, cluster, on, "EUR")
        assert plan.price == selection.select_price_rule(*place)
        assert plan.vat == selection.select_vat_rule(*place)
        assert plan.adjustments == selection.matching_adjustments(*place)
        asked += plan.price is not None
    assert asked > 200
