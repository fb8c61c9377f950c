"""The pages of the side menu open for everybody who may see them, empty and with rows."""

import pytest
from django.urls import reverse

from tests import builders

PAGES = (
    "web:home",
    "web:job-list",
    "web:search",
    "ledger:customer-list",
    "inventory:item-list",
    "inventory:asset-list",
    "invoicing:invoice-list",
    "invoicing:purchase-list",
    "invoicing:subscription-list",
    "invoicing:unmapped-list",
    "invoicing:import-list",
    "invoicing:rule-list",
)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["Finance", "Invoice approval", "Auditor"])
@pytest.mark.parametrize("rows", [False, True], ids=["empty", "with rows"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_menu_opens(client_for, name, role, rows):
    if rows:
        invoice = builders.make_invoice(status="open")
        builders.make_purchase(unmapped_reason="unknown_customer")
        builders.make_purchase(builders.make_invoice(status="pending"))
        builders.make_rule(value=1)
        builders.make_asset()
        assert invoice.pk
    client = client_for(role)
    assert client.get(reverse(name), follow=True).status_code == 200
    if name.endswith("-list"):
        assert client.get(reverse(name), {"part": "summary"}).status_code == 200
