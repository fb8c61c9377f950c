"""Trying a rule out on its page."""

from decimal import Decimal

import pytest

from tests import builders

D = Decimal


def calculated(client, rule, **typed):
    response = client.get(rule.get_absolute_url(), typed)
    assert response.status_code == 200
    return response


@pytest.mark.requirement("K-10", "K-1")
def test_a_ladder_shows_every_step_and_rounds_once(finance):
    builders.make_customer(currency="EUR")
    rule = builders.make_rule(
        "price_ladder",
        ladder_mode="graduated",
        tiers=[(D(100), D("0.0333")), (None, D("0.01"), D(2))],
    )
    context = calculated(finance, rule, quantity="100.5", currency="EUR").context
    steps = [(step.label, step.quantity, step.amount) for step in context["calculation"].steps]
    assert steps == [("Tier 1", D(100), D("3.33")), ("Tier 2", D("0.5"), D("2.005"))]
    assert context["calculation"].total == D("5.335")
    assert context["rounded"] == D("5.34")  # half-up, and once


@pytest.mark.parametrize(
    ("currency", "rounded"), [("EUR", "12.35"), ("JPY", "12"), ("BHD", "12.345")]
)
@pytest.mark.requirement("K-1")
def test_the_result_is_rounded_to_the_currency(finance, currency, rounded):
    builders.make_customer(currency=currency)
    rule = builders.make_rule(value=D("12.345"))
    text = calculated(finance, rule, quantity="1", currency=currency).content.decode()
    assert f'{rounded} <span class="currency">{currency}</span>' in text


def test_each_operator_asks_for_what_it_needs(finance):
    builders.make_customer(currency="EUR")
    fee = builders.make_rule(value=D(1), fee=D("0.1"), order=1)
    catalogue = builders.make_rule(order=2)
    percentage = builders.make_rule("adjust_percentage", percentage=D(-6))
    vat = builders.make_vat("19")
    asked = {
        rule: set(finance.get(rule.get_absolute_url()).context["calculator"].fields)
        for rule in (fee, catalogue, percentage, vat)
    }
    assert asked[fee] == {"quantity", "purchases", "currency"}
    assert asked[catalogue] == {"quantity", "catalogue_price", "currency"}
    assert asked[percentage] == asked[vat] == {"amount", "currency"}

    found = calculated(finance, fee, quantity="10", purchases="3", currency="EUR")
    assert found.context["rounded"] == D("10.30")
    found = calculated(finance, catalogue, quantity="3", catalogue_price="0.5", currency="EUR")
    assert found.context["rounded"] == D("1.50")
    found = calculated(finance, percentage, amount="100.10", currency="EUR")
    assert found.context["rounded"] == D("-6.01")
    assert calculated(finance, vat, amount="100", currency="EUR").context["rounded"] == D(19)


@pytest.mark.parametrize("quantity", ["", "x", "NaN", "1e99", "9" * 30, "\x00", "1;DROP"])
def test_a_quantity_that_is_none_is_said_at_its_field(finance, quantity):
    builders.make_customer(currency="EUR")
    rule = builders.make_rule(value=D(1))
    response = calculated(finance, rule, quantity=quantity, currency="EUR")
    assert response.context["calculator"].errors["quantity"]
    assert "calculation" not in response.context


def test_a_ladder_that_lost_its_last_tier_says_so(finance):
    builders.make_customer(currency="EUR")
    rule = builders.make_rule("price_ladder", ladder_mode="volume", tiers=[(D(10), D(1))])
    response = calculated(finance, rule, quantity="5", currency="EUR")
    assert "leave its upper bound" in response.content.decode()


def test_htmx_gets_the_calculator_alone(finance):
    builders.make_customer(currency="EUR")
    rule = builders.make_rule(value=D(1))
    response = finance.get(
        rule.get_absolute_url(),
        {"quantity": "2", "currency": "EUR", "part": "calculator"},
        headers={"HX-Request": "true"},
    )
    text = response.content.decode()
    assert text.strip().startswith('<section id="calculator"')
    assert "2.00" in text
