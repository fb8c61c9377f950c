"""The browser itself, and the page everybody sees first."""

import re
from decimal import Decimal

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests import builders
from tests.browser.product import running_product

pytestmark = pytest.mark.browser
SHEETS = ("vendor/tabler/tabler.min.css", "css/quittance.css", "css/icons.css")
WIDTHS = (1024, 1100, 1280, 1366, 1400, 1440, 1536, 1700, 1920)
COVERED = """() => [...document.querySelectorAll(".table-list tbody tr")].flatMap(row => {
  const edge = row.querySelector("td.actions").getBoundingClientRect().left
  return [...row.querySelectorAll("td:not(.actions)")]
    .filter(cell => cell.getBoundingClientRect().right > edge + .5).map(cell => cell.textContent)
})"""


def test_the_browser_runs_scripts(page):
    page.set_content("<h1>Quittance</h1>")
    assert page.evaluate("document.querySelector('h1').textContent") == "Quittance"


def test_the_first_page_asks_for_the_log_in_in_our_look(page, committed_db, tmp_path):
    with running_product(tmp_path) as address:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(address)
            assert page.url.startswith(f"{address}/login/")
            page.get_by_label("User name").fill("clerk")
            style = page.evaluate("getComputedStyle(document.body).fontFamily")
            assert "Inter" in style


@pytest.mark.parametrize("menu", ["nav-wide", "nav-mini"])
def test_no_cell_of_the_invoices_lies_behind_the_buttons(page, client_for, menu):
    """With every button, a great total and a long name, at the widths that screens have."""
    customer = builders.make_customer(name="Systemhaus Ostwindservice und Partner GmbH")
    builders.make_invoice(
        customer, status="open", net_total=Decimal("1234567.89"), gross_total=Decimal("1234567.89")
    )
    client = client_for("Finance", is_superuser=True)
    text = client.get(reverse("invoicing:invoice-list"), {"quick": "ready"}).content.decode()
    page.set_content(re.sub(r"<link[^>]*>|<script.*?</script>", "", text, flags=re.DOTALL))
    for sheet in SHEETS:
        page.add_style_tag(path=finders.find(sheet))
    page.evaluate("menu => document.body.classList.add(menu)", menu)
    assert page.locator(".row-action").count() == 5
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator("td .status").is_visible()
        assert page.evaluate(COVERED) == [], width
