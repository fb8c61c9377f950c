"""What a rule does, in words."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicing.rules.price import Tier
from invoicing.rules.wording import effect_in_words, scope_in_words, validity_in_words

D = Decimal
MAY_1 = dt.date(2026, 5, 1)


@pytest.mark.requirement("H-CB2")
@pytest.mark.parametrize(
    ("category", "cluster", "currency", "words"),
    [
        (None, None, "", "All products, for all customers"),
        ("Cloud", None, "", "All products below Cloud, for all customers"),
        (
            "Cloud",
            "Big",
            "USD",
            "All products below Cloud, for customers below Big, invoiced in USD",
        ),
    ],
)
def test_the_scope(category, cluster, currency, words):
    assert scope_in_words(category, cluster, currency) == words


@pytest.mark.parametrize(
    ("operator", "fields", "words"),
    [
        ("adjust_percentage", {"percentage": D("-6.0000")}, "-6 %"),
        ("adjust_percentage", {"percentage": D("2.5")}, "+2.5 %"),
        ("adjust_percentage", {}, "… %"),
        ("vat", {"percentage": D("19")}, "19 % VAT"),
        ("price", {}, "the catalogue price"),
        ("price", {"value": D("0.5000000000"), "currency": "EUR"}, "0.5 EUR per unit"),
        ("price", {"fee": D("0.05")}, "the catalogue price, plus 0.05 per purchase"),
        ("price_ladder", {}, "a ladder of …"),
        (
            "price_ladder",
            {"tiers": (Tier(D(10), D(2), D(1)), Tier(None, D(1))), "ladder_mode": "volume"},
            "2 per unit plus 1 flat up to 10; 1 per unit above (all at the tier reached)",
        ),
        (
            "price_ladder",
            {"tiers": (Tier(None, D(1)),), "ladder_mode": "graduated"},
            "1 per unit for every quantity (each slice in its tier)",
        ),
    ],
)
def test_the_effect(operator, fields, words):
    assert effect_in_words(operator, **fields) == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (MAY_1, None, "from 1 May 2026 on"),
        (MAY_1, MAY_1, "on 1 May 2026 only"),
        (MAY_1, dt.date(2026, 5, 31), "from 1 May 2026 to 31 May 2026"),
        (None, None, "from … on"),
    ],
)
def test_the_validity(first, last, words):
    assert validity_in_words(first, last) == words
