"""Pricing rules are made, changed, ended and deleted; open invoices follow at once."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from invoicing.enums import InvoiceStatus, LadderMode, Operator
from invoicing.models import Invoice, PricingRule
from invoicing.rules.errors import PricingRuleRefused
from invoicing.rules.price import Tier
from invoicing.services import calculation, rules
from tests import builders

pytestmark = pytest.mark.django_db


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def create(name: str, operator: str = Operator.PRICE, **fields) -> PricingRule:
    fields.setdefault("valid_from", d("2026-01-01"))
    if operator == Operator.PRICE:
        fields.setdefault("value", Decimal(1))
    return rules.create_rule(name=name, operator=operator, **fields)


def open_invoice(**purchase) -> Invoice:
    invoice = builders.make_invoice()
    builders.make_purchase(invoice, **purchase)
    return calculated(invoice)


def calculated(invoice: Invoice) -> Invoice:
    calculation.calculate_invoices(invoice_ids=[invoice.pk], at=timezone.now())
    invoice.refresh_from_db()
    return invoice


@pytest.mark.requirement("D-41")
@pytest.mark.parametrize(
    ("dates", "refused"),
    [
        ({"valid_from": d("2026-06-30")}, True),
        ({"valid_from": d("2026-07-01")}, False),
        ({"valid_from": d("2025-01-01"), "valid_to": d("2026-01-01")}, True),
        ({"valid_from": d("2025-01-01"), "valid_to": d("2025-12-31")}, False),
        ({"valid_from": d("2026-03-01"), "valid_to": d("2026-03-01")}, True),
    ],
)
@pytest.mark.parametrize("operator", [Operator.PRICE, Operator.VAT])
def test_two_rules_that_would_both_charge_are_refused_by_name(dates, refused, operator):
    amount = {"value": 1} if operator == Operator.PRICE else {"percentage": 19, "value": None}
    create("Old", operator, valid_to=d("2026-06-30"), **amount)
    if refused:
        with pytest.raises(PricingRuleRefused, match="Old already covers all products"):
            create("New", operator, **dates, **amount)
        assert PricingRule.objects.count() == 1
    else:
        create("New", operator, **dates, **amount)


@pytest.mark.requirement("D-41", "H-CB2")
def test_another_order_category_or_cluster_does_not_compete():
    create("Old")
    create("Order", order=99)
    create("Category", product_category=builders.make_category())
    create("Cluster", customer_cluster=builders.make_cluster())
    create("Discount", Operator.ADJUST_PERCENTAGE, percentage=-5)
    create("Discount 2", Operator.ADJUST_PERCENTAGE, percentage=-5)
    with pytest.raises(PricingRuleRefused, match="Old"):
        create(
            "Ladder",
            Operator.PRICE_LADDER,
            ladder_mode=LadderMode.VOLUME,
            tiers=[Tier(None, Decimal(1))],
        )


@pytest.mark.requirement("D-41")
def test_the_database_has_the_last_word_in_a_sentence(monkeypatch):
    create("Old")
    monkeypatch.setattr(rules, "_refuse_overlap", lambda rule: None)
    with pytest.raises(PricingRuleRefused, match="Another Price or Price ladder rule"):
        create("New")
    create("VAT", Operator.VAT, percentage=19)
    with pytest.raises(PricingRuleRefused, match="Another VAT rule"):
        create("VAT 2", Operator.VAT, percentage=19)
    assert PricingRule.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"operator": Operator.VAT}, "has no percentage"),
        ({"operator": Operator.VAT, "percentage": 101}, "from 0 to 100"),
        ({"operator": Operator.VAT, "percentage": -1}, "must be 0 or more"),
        ({"operator": Operator.VAT, "percentage": 7, "value": 3}, "leave the price empty"),
        ({"percentage": 4}, "have no percentage"),
        ({"tiers": [Tier(None, Decimal(1))]}, "Only a Price ladder has tiers"),
        ({"ladder_mode": LadderMode.VOLUME}, "Only a Price ladder is"),
        ({"operator": Operator.PRICE_LADDER, "ladder_mode": "volume"}, "at least one tier"),
        ({"operator": Operator.PRICE_LADDER, "tiers": [Tier(None, Decimal(1))]}, "ladder mode"),
        (
            {
                "operator": Operator.PRICE_LADDER,
                "ladder_mode": "volume",
                "tiers": [Tier(Decimal(5), Decimal(1))],
            },
            "Tier 1 is the last one and ends at 5",
        ),
        (
            {
                "operator": Operator.PRICE_LADDER,
                "ladder_mode": "volume",
                "tiers": [Tier(None, Decimal(-1))],
            },
            "negative price",
        ),
        ({"valid_to": d("2025-12-31")}, "before it begins"),
        ({"name": ""}, "Name"),
        ({"value": Decimal("1.12345678901")}, "Price per unit"),
    ],
)
def test_a_rule_that_could_price_nothing_is_refused_with_a_remedy(fields, sentence):
    defaults = {"name": "X", "operator": Operator.PRICE, "valid_from": d("2026-01-01")}
    with pytest.raises(PricingRuleRefused, match=sentence):
        rules.create_rule(**(defaults | fields))
    assert not PricingRule.objects.exists()


def test_a_name_in_use_is_refused():
    create("Old")
    with pytest.raises(PricingRuleRefused, match="already exists"):
        create("Old", order=1)


@pytest.mark.requirement("K-10")
def test_tiers_are_stored_and_replaced():
    ladder = create(
        "Ladder",
        Operator.PRICE_LADDER,
        ladder_mode=LadderMode.GRADUATED,
        tiers=[Tier(None, Decimal(1)), Tier(Decimal(10), Decimal(2), Decimal(3))],
    )
    assert list(ladder.tiers.values_list("up_to", "unit_price", "flat_fee")) == [
        (Decimal(10), Decimal(2), Decimal(3)),
        (None, Decimal(1), Decimal(0)),
    ]
    rules.update_rule(rule_id=ladder.pk, name="Renamed")
    assert ladder.tiers.count() == 2
    rules.update_rule(rule_id=ladder.pk, tiers=[Tier(None, Decimal(4))])
    assert ladder.tiers.get().unit_price == 4
    rules.update_rule(rule_id=ladder.pk, operator=Operator.PRICE, ladder_mode="", value=1)
    assert not ladder.tiers.exists()


@pytest.mark.requirement("H-CB3", "CB-9")
def test_open_invoices_in_the_scope_follow_a_new_rule_and_others_do_not():
    builders.make_vat()
    create("All", valid_from=d("2020-01-01"))
    mine, other = open_invoice(), open_invoice()
    category = mine.purchases.get().item.category
    create("Special", value=Decimal(5), product_category=category)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, other.status) == (InvoiceStatus.PENDING, InvoiceStatus.OPEN)
    assert calculated(mine).net_total == Decimal(5)


@pytest.mark.requirement("H-CB3")
def test_a_change_concerns_the_old_scope_and_the_new_one():
    builders.make_vat()
    create("All", valid_from=d("2020-01-01"))
    left, entered, neither = open_invoice(), open_invoice(), open_invoice()
    categories = [i.purchases.get().item.category for i in (left, entered)]
    special = create("Special", product_category=categories[0])
    calculated(left)
    rules.update_rule(rule_id=special.pk, product_category=categories[1])
    statuses = [Invoice.objects.get(pk=i.pk).status for i in (left, entered, neither)]
    assert statuses == ["pending", "pending", "open"]


def test_a_change_of_nothing_concerns_nobody():
    builders.make_vat()
    rule = create("All", valid_from=d("2020-01-01"))
    invoice = open_invoice()
    rules.update_rule(rule_id=rule.pk, name="All", value=Decimal("1.00"))
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.OPEN


@pytest.mark.requirement("H-CB2", "H-CB3")
def test_to_change_a_price_end_the_old_rule_and_add_a_new_one():
    builders.make_vat()
    old = create("Old", valid_from=d("2020-01-01"))
    early = open_invoice(purchased_at=dt.datetime(2026, 1, 15, tzinfo=dt.UTC))
    late = open_invoice(purchased_at=dt.datetime(2026, 1, 16, tzinfo=dt.UTC))
    rules.end_rule(rule_id=old.pk, valid_to=d("2026-01-15"))
    create("New", value=Decimal(2), valid_from=d("2026-01-16"))
    assert calculated(late).net_total == 2
    assert calculated(early).net_total == 1
    with pytest.raises(PricingRuleRefused, match="before it begins"):
        rules.end_rule(rule_id=old.pk, valid_to=d("2019-12-31"))


@pytest.mark.requirement("CB-12")
def test_a_rule_that_locked_invoices_show_is_not_deleted():
    builders.make_vat()
    rule = create("Used", valid_from=d("2020-01-01"))
    invoice = open_invoice()
    Invoice.objects.filter(pk=invoice.pk).update(status=InvoiceStatus.APPROVING)
    with pytest.raises(PricingRuleRefused, match=r"1 invoice that can no longer change.* end it"):
        rules.delete_rule(rule_id=rule.pk)
    assert PricingRule.objects.filter(pk=rule.pk).exists()
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.APPROVING


@pytest.mark.requirement("H-CB3")
def test_a_rule_that_only_open_invoices_show_can_be_deleted():
    builders.make_vat()
    create("Fallback", valid_from=d("2020-01-01"), order=200, value=Decimal(7))
    rule = create("Used", valid_from=d("2020-01-01"))
    # an open invoice whose item still names the rule although its scope has moved on
    moved, plain = open_invoice(), open_invoice()
    PricingRule.objects.filter(pk=rule.pk).update(product_category=builders.make_category())
    rules.delete_rule(rule_id=rule.pk)
    for invoice in (moved, plain):
        invoice.refresh_from_db()
        assert invoice.status == InvoiceStatus.PENDING
        assert calculated(invoice).net_total == 7
    assert not PricingRule.objects.filter(pk=rule.pk).exists()
