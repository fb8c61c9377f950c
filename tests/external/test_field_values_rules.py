"""Every hostile field value goes through every field of the pricing rule pages."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from invoicing.models import PriceTier, PricingRule
from tests import builders
from tests.external.shared_data import shared_file

COUNT = 42
CREATE = reverse("invoicing:rule-create")
BASE = {"name": "Rule", "operator": "price", "order": "100", "valid_from": "2026-05-01"}
LADDER = BASE | {
    "operator": "price_ladder",
    "ladder_mode": "volume",
    "tier-count": "2",
    "tier-1-up_to": "10",
    "tier-1-unit_price": "1",
    "tier-1-flat_fee": "0",
    "tier-2-unit_price": "1",
}
PERCENTAGE = BASE | {"operator": "adjust_percentage", "percentage": "1"}
FIELDS = [
    *((BASE, name) for name in (*BASE, "product_category", "customer_cluster", "valid_to")),
    *((BASE, name) for name in ("value", "fee", "cost", "currency", "label", "step")),
    *((LADDER, name) for name in LADDER if name not in BASE),
    (PERCENTAGE, "percentage"),
]


def values() -> list[str]:
    folder = shared_file("attacks")
    manifest = json.loads((folder / "manifest.json").read_text())
    cases = [case for case in manifest if case["kind"] == "field_values"]
    texts = [(folder / case["path"]).read_bytes().decode("utf-8", "replace") for case in cases]
    assert len(texts) == COUNT
    return texts


@pytest.fixture
def finance(db) -> Client:
    client = Client()
    client.force_login(builders.make_user("Finance"))
    return client


def is_inert(text: str, value: str) -> bool:
    """A value with markup is never on the page as it came."""
    return not ("<" in value and value.strip() in text)


def check_pages(finance, rule: PricingRule, value: str) -> None:
    for page in (
        rule.get_absolute_url(),
        reverse("invoicing:rule-edit", args=[rule.pk]),
        reverse("invoicing:rule-end", args=[rule.pk]),
        f"{reverse('invoicing:rule-list')}?quick=all",
    ):
        response = finance.get(page)
        assert response.status_code == 200
        assert is_inert(response.content.decode(), value), (value, page)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("form", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_every_field_stores_inert_or_refuses_in_words(finance, form, name):
    for value in values():
        for step in ({"step": "redraw"}, {}):
            response = finance.post(CREATE, form | {name: value} | (step if name != "step" else {}))
            assert response.status_code in (200, 302, 422), (name, value)
            assert is_inert(response.content.decode(), value), (name, value)
            if response.status_code == 422:
                assert "field-error" in response.content.decode() or "alert-danger" in (
                    response.content.decode()
                )
        for rule in PricingRule.objects.all():
            assert "\x00" not in rule.name + rule.label
            if name in ("name", "label"):  # the others are stored as numbers, days and choices
                check_pages(finance, rule, value)
        PriceTier.objects.all().delete()
        PricingRule.objects.all().delete()


@pytest.mark.requirement("R11")
def test_every_filter_and_every_other_page_survives_them(finance):
    builders.make_customer(currency="EUR")
    rule = builders.make_rule(value=1, fee=1)
    purchase = builders.make_purchase(unmapped_reason="no_invoice")
    rules, purchases = reverse("invoicing:rule-list"), reverse("invoicing:purchase-list")
    end = reverse("invoicing:rule-end", args=[rule.pk])
    for value in values():
        asked = [
            *((rules, name) for name in ("name", "operator", "category", "cluster", "currency")),
            *((rules, name) for name in ("valid_on", "quick", "sort", "after")),
            *((purchases, name) for name in ("reference", "customer_code", "product_code")),
            *((purchases, name) for name in ("invoice", "batch", "reason", "day_after", "sort")),
            (CREATE, "after"),
            (CREATE, "operator"),
            (CREATE, "category"),
            (rule.get_absolute_url(), "quantity"),
            (purchase.get_absolute_url(), "part"),
            (reverse("web:search"), "q"),
        ]
        for url, name in asked:
            response = finance.get(
                url, {name: value, "currency": "EUR"} if name == "quantity" else {name: value}
            )
            assert response.status_code in (200, 302, 404), (url, name, value)
            assert is_inert(response.content.decode(), value), (url, name, value)
        assert finance.post(end, {"valid_to": value}).status_code == 422
    rule.refresh_from_db()
    assert rule.valid_to is None


@pytest.mark.requirement("R11")
def test_a_purchase_shows_them_as_text(finance):
    for number, value in enumerate(values()):
        text = value.replace("\x00", "")[:100]
        purchase = builders.make_purchase(
            unmapped_reason="no_invoice",
            reference=f"{number}{text}"[:120],
            label=text,
            customer_code=text,
            product_code=text,
            metadata={text: text},
        )
        for page in (purchase.get_absolute_url(), reverse("invoicing:purchase-list")):
            response = finance.get(page)
            assert response.status_code == 200
            assert is_inert(response.content.decode(), text), (page, value)
