"""A charge on its way to another billing platform, as a finance clerk sees it."""

import csv
import re
from pathlib import Path

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests import builders
from tests.browser.product import log_in, running_product

PASSWORD = "a clerk has a long one"
SECONDS = 60_000
ROLES = ("Finance", "Allow update billing", "Apps - Change Queue")


@pytest.fixture
def customer(committed_db):
    """A customer, a category and an outside platform; the catalogue is empty."""
    builders.make_firm()
    builders.make_category("Mobile")
    builders.make_platform("Affinity", notes="Numbers first, then products.")
    builders.make_user(*ROLES, username="fiona", password=PASSWORD)
    return builders.make_customer(code="GB-1", name="Harbour Freight Ltd", country="GB")


@pytest.fixture
def catalogue(tmp_path) -> Path:
    path = tmp_path / "catalogue.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [
                ["GUID", "Code", "Name", "Category", "Kind", "Type", "Up-front price",
                 "Recurring price", "Up-front Cost Billing Route",
                 "Recurring Cost Billing Route"],
                ["", "MOB-UNL", "Mobile unlimited", "Mobile", "Service",
                 "Service with a number (CLI)", "25.00", "32.50", "Affinity", "Affinity"],
            ]
        )  # fmt: skip
    return path


def import_catalogue(page: Page, address: str, path: Path) -> None:
    page.goto(f"{address}/inventory/items/import/")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_text("MOB-UNL").first).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name=re.compile("Import")).first.click()
    page.goto(f"{address}/inventory/items/")
    expect(page.get_by_role("link", name="MOB-UNL")).to_be_visible(timeout=SECONDS)


def take_order(page: Page, address: str) -> None:
    page.goto(f"{address}/orders/new/")
    page.get_by_label("Customer code").fill("GB-1")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Site").fill("Pier 4")
    page.get_by_role("button", name="Save the order").click()
    page.get_by_label("Item code").fill("MOB-UNL")
    page.get_by_role("button", name="Save the line").click()
    circle = page.locator(".bill-circle")
    expect(circle).to_contain_text("Not in billing yet")
    expect(circle).to_have_attribute("title", "Up-front: Not Billed. Recurring: Not Billed.")


def make_ready(page: Page) -> None:
    """Both triggers: the asset, and the number that goes live today."""
    page.get_by_role("button", name=re.compile("Convert 1 open line")).click()
    expect(page.get_by_text("1 line is converted to an asset.")).to_be_visible()
    page.get_by_role("link", name="Data Capture").click()
    cli = page.get_by_label("CLI of line 1")
    cli.fill("01632 960123")
    page.get_by_label("Connection date of line 1").fill(timezone.localdate().isoformat())
    cli.press("Control+Enter")
    expect(page.get_by_text("1 line is saved.")).to_be_visible()
    expect(page.get_by_label("CLI of line 1")).to_have_value("+441632960123")
    expect(page.get_by_label("Up-front bill status of line 1")).to_have_value("ready")


def choose_route(page: Page) -> None:
    page.get_by_label("Billing route", exact=True).select_option("Affinity")
    expect(page.get_by_text("Numbers first, then products.")).to_be_visible()


def export_products(page: Page, address: str) -> None:
    page.get_by_role("button", name="Apps").click()
    page.get_by_role("link", name=re.compile("Billing Export")).click()
    export = page.get_by_role("button", name="Export Product")
    expect(export).to_be_disabled()
    choose_route(page)
    expect(export).to_be_enabled()
    export.click()
    page.get_by_role("button", name=re.compile("XLSX")).first.click()
    page.goto(f"{address}/orders/export-files/")
    link = page.get_by_role("link", name=re.compile("affinity-product"))
    for _ in range(30):
        if link.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    with page.expect_download() as saved:
        link.first.click()
    with Path(saved.value.path()).open("rb") as file:
        rows = list(load_workbook(file).active.iter_rows(values_only=True))
    assert len(rows) == 3  # the header, the up-front and the recurring charge
    assert {row[4] for row in rows[1:]} == {"Pier 4"}


def transfer(page: Page, address: str) -> None:
    page.goto(f"{address}/orders/billing-export/")
    choose_route(page)
    page.get_by_role("checkbox", name=re.compile("Select SO-")).check()
    page.get_by_role("button", name=re.compile("Transfer to Billing")).click()
    page.get_by_role("button", name=re.compile("Transfer to Billing 1 line")).click()
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=SECONDS)


@pytest.mark.requirement(
    "L-8", "L-9", "L-20", "L-24", "L-28", "L-32", "L-35", "L-36", "L-37", "L-38", "L-41"
)
def test_a_charge_reaches_the_other_platform(page, customer, catalogue, tmp_path):
    with running_product(tmp_path) as address:
        log_in(page, address, "fiona", PASSWORD)
        import_catalogue(page, address, catalogue)
        take_order(page, address)
        order = page.url
        make_ready(page)
        export_products(page, address)
        transfer(page, address)
        page.goto(order)
        circle = page.locator(".bill-circle")
        expect(circle).to_contain_text("In billing")
        expect(circle).to_have_attribute("title", "Up-front: In Billing. Recurring: In Billing.")
        page.goto(f"{address}/orders/billing-export/")
        choose_route(page)
        expect(page.get_by_text("SO-")).to_have_count(0)
