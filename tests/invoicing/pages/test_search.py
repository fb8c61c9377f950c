"""What the search at the top finds of invoicing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing_site.web.search import search_all
from tests import builders


def found(user, text: str) -> dict[str, list[str]]:
    groups = search_all(text, user=user, limit=5)
    return {group.label: [hit.title for hit in group.hits] for group in groups}


@pytest.fixture
def things(db):
    builders.make_invoice(type="ad_hoc", reference="AH-77")
    builders.make_purchase(reference="AH-purchase", unmapped_reason="no_invoice", label="<i>x</i>")
    builders.make_rule(name="Cloud ah-rate")


def test_invoices_purchases_and_rules_are_found_by_what_they_are_called(things):
    user = builders.make_user("Auditor")
    assert found(user, "AH-") == {
        "Invoices": ["AH-77"],
        "Purchases": ["AH-purchase"],
        "Pricing rules": ["Cloud ah-rate"],
    }
    assert found(user, "purchase") == {}  # a reference is found by its beginning
    assert found(user, "%_") == {}
    assert found(builders.make_user(), "AH-") == {}


def test_the_providers_make_few_queries_and_link_to_their_pages(client, things):
    user = builders.make_user("Auditor")
    client.force_login(user)
    assert user.has_perm("invoicing.view_invoice")  # fetches the permissions
    with CaptureQueriesContext(connection) as queries:
        groups = search_all("AH-", user=user, limit=5)
    assert sum('"invoicing_' in query["sql"] for query in queries) == 4
    for group in groups:
        for hit in group.hits:
            assert client.get(hit.url).status_code == 200
    text = client.get(reverse("web:search"), {"q": "AH-"}).content.decode()
    assert "&lt;i&gt;x&lt;/i&gt;" in text
