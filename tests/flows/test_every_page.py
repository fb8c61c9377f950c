"""The pages of the side menu open for everybody who may see them, empty and with rows."""

from html.parser import HTMLParser

import pytest
from django.urls import reverse

from tests import builders
from tests.ledger.visits import post
from tests.orders.export_lines import make_ready

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


class WidthsOfCells(HTMLParser):
    """Per row of the page's tables: the class of each cell that says when it is hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td") and "colspan" not in dict(attrs):
            names = (dict(attrs).get("class") or "").split()
            self.rows[-1].append(next((n for n in names if n in ("minor", "lesser", "least")), ""))


@pytest.mark.parametrize(
    "name",
    [
        "ledger:customer-list",
        "ledger:entry-list",
        "inventory:item-list",
        "inventory:asset-list",
        "invoicing:invoice-list",
        "invoicing:purchase-list",
        "invoicing:subscription-list",
        "invoicing:unmapped-list",
        "invoicing:rule-list",
        "orders:line-list",
        "orders:billing-export",
    ],
)
def test_a_column_that_a_narrow_page_hides_is_hidden_in_every_row(client_for, name):
    """Its header, its cells and its place in the totals carry the same class, and never an amount
    that the list adds up first.
    """
    invoice = builders.make_invoice(status="open")
    builders.make_purchase(unmapped_reason="unknown_customer")
    builders.make_rule(value=1)
    make_ready(builders.make_platform())
    builders.make_subscription_item()
    post(invoice.contract)
    client = client_for("Finance", "Apps - Change Queue")
    page, totals = WidthsOfCells(), WidthsOfCells()
    page.feed(client.get(reverse(name), follow=True).content.decode())
    totals.feed(client.get(reverse(name), {"part": "summary"}).content.decode())
    head, *rows = [row for row in page.rows if row]
    assert rows
    assert all(row == head for row in rows)
    assert all(row == head for row in totals.rows if len(row) > 1)
