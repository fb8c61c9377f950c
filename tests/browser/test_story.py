"""The main job as a finance clerk does it: a file comes in, an approved invoice with its PDF goes out."""

import csv
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from invoicing.models import Invoice
from invoicing.services.calculation import calculate_invoices
from invoicing.services.periods import create_due_invoices
from tests import builders
from tests.browser.product import log_in, running_product

PASSWORD = "a clerk has a long one"
SECONDS = 60_000  # a job, a calculation or a PDF on a busy machine, in milliseconds


@pytest.fixture
def month() -> dt.date:
    """The first day of last month."""
    return (timezone.localdate().replace(day=1) - dt.timedelta(days=1)).replace(day=1)


@pytest.fixture
def firm(committed_db, month):
    """A firm with one customer, one product at 12.50 and VAT of 19 %; nothing bought yet."""
    builders.make_firm(street="Kai 1", postal_code="20457", vat_id="DE123456789")
    customer = builders.make_customer(
        code="DE-4711", name="Ostwind Logistik GmbH", bill_from=month, city="Bremen"
    )
    item = builders.make_item(code="VM-STD", name="Virtual machine", unit="hour")
    builders.make_rule(name="Machines by the hour", value=Decimal("12.50"))
    builders.make_vat("19", name="VAT 19 %")
    builders.make_user("Finance", "Invoice approval", username="fiona", password=PASSWORD)
    now = timezone.now()
    create_due_invoices(at=now)
    calculate_invoices(invoice_ids=list(Invoice.objects.values_list("pk", flat=True)), at=now)
    return customer, item


@pytest.fixture
def usage_file(tmp_path, month) -> Path:
    path = tmp_path / "usage.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["reference", "customer_code", "product_code", "quantity", "currency", "purchased_at"]
        )
        for day in range(1, 5):
            moment = f"{month.replace(day=day)}T10:00:00+00:00"
            writer.writerow([f"U-{day}", "DE-4711", "VM-STD", "2", "EUR", moment])
    return path


def import_file(page: Page, address: str, path: Path) -> None:
    """The file, the columns, the verdicts, the import and its progress."""
    page.goto(f"{address}/invoicing/imports/")
    page.get_by_role("link", name="Import a file").first.click()
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name=re.compile("Upload|Continue|Check")).first.click()
    check = page.get_by_role("button", name=re.compile("Check"))
    importing = page.get_by_role("button", name=re.compile("^ ?Import"))
    expect(check.or_(importing).first).to_be_visible(timeout=SECONDS)
    if not importing.count():
        check.first.click()
    expect(importing.first).to_be_visible(timeout=SECONDS)
    importing.first.click()
    expect(page.get_by_text(re.compile("Imported|Committed")).first).to_be_visible(timeout=SECONDS)


def open_ready_invoice(page: Page, address: str) -> None:
    """The invoice of 4 x 2 hours at 12.50 and 19 % VAT, from the list to its results."""
    page.goto(f"{address}/invoicing/invoices/?quick=ready")
    row = page.get_by_role("row").filter(has_text="Ostwind").filter(has_text="119.00")
    for _ in range(30):
        if row.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(row).to_contain_text("Open")
    row.get_by_role("link", name=re.compile("in the viewer")).click()
    expect(page.get_by_role("heading", name=re.compile("Ostwind"))).to_be_visible()
    page.get_by_role("link", name="Pricing rule results").click()
    page.get_by_text("Virtual machine").first.click()
    expect(page.get_by_role("link", name="U-1")).to_be_visible()


def approve(page: Page) -> str:
    """The number that the approval gave."""
    page.get_by_role("link", name=re.compile("Approve")).first.click()
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    number = f"R{timezone.localdate().year}-0001"
    expect(page.get_by_role("heading", name=re.compile(number))).to_be_visible()
    return number


@pytest.mark.requirement(
    "CB-18", "CB-30", "CB-31", "CB-57", "CB-66", "CB-67", "CB-76", "B-13", "B-15"
)
def test_a_clerk_turns_a_file_into_an_approved_invoice(page, firm, usage_file, tmp_path):
    with running_product(tmp_path) as address:
        log_in(page, address, "fiona", PASSWORD)
        import_file(page, address, usage_file)
        open_ready_invoice(page, address)
        number = approve(page)

        page.get_by_role("link", name="Default").click()
        download = page.get_by_role("link", name="Download PDF")
        expect(download).to_be_visible(timeout=SECONDS)  # without a reload: the page asks by itself
        with page.expect_download() as saved:
            download.click()
        assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")

        page.get_by_role("link", name=re.compile("of the ledger")).click()
        entry = page.get_by_role("row").filter(has_text=f"Invoice: {number}")
        expect(entry).to_contain_text("Receivable")
        expect(entry).to_contain_text("119.00")
