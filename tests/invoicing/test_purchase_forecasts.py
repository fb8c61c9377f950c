"""What the check of a file foretells of its rows, and that the import does just that."""

import datetime as dt
import random
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_site.web.enums import RowVerdict
from invoicing.enums import ImportStatus, InvoiceStatus, InvoiceType, UnmappedReason
from invoicing.models import ForetoldInvoice, ImportBatch, Invoice, Purchase
from invoicing.selectors.imports import (
    forecast_of,
    foretold_rows,
    staged_rows,
    with_invoices,
)
from invoicing.services.purchase_imports import (
    check_purchases,
    discard_import,
    forget_imported_rows,
    import_purchases,
)
from invoicing.services.purchase_mapping import route_purchases
from tests import builders
from tests.invoicing.import_files import AT, HEADER, checked, imported, line, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

WIDE = f"{HEADER},unit,invoice_reference"
MONTHS = {
    2: InvoiceStatus.APPROVING,
    3: InvoiceStatus.CLOSED,
    5: InvoiceStatus.OPEN,
}


def row(reference="R1", unit="", to="", **stated) -> str:
    """A line with unit and invoice reference, for ``WIDE``; our own price counts."""
    return f"{line(reference, **({'total': ''} | stated))},{unit},{to}"


@pytest.fixture
def invoice():
    """The January invoice of C1, with products, customers and months for every reason."""
    customer = builders.make_customer(code="C1", bill_from=dt.date(2026, 1, 1))
    category = builders.make_category()
    builders.make_item(code="P1", category=category)
    builders.make_item(code="EXT", category=category, upfront_route=builders.make_platform())
    held = builders.make_customer(code="HELD", suspended=True, suspended_reason="Dispute")
    builders.make_invoice(held)
    builders.make_customer(code="BARE", contract=False)
    for month, status in MONTHS.items():
        first = dt.date(2026, month, 1)
        last = dt.date(2026, month + 1, 1) - dt.timedelta(days=1)
        builders.make_invoice(customer, period_from=first, period_to=last, status=status)
    builders.make_invoice(customer, type=InvoiceType.AD_HOC, reference="PROJECT-1")
    return builders.make_invoice(customer, status=InvoiceStatus.OPEN)


CASES = [
    (row(), ""),
    (row(unit="UNIT"), ""),
    (row(unit="MB", total="5"), ""),
    (row(to="PROJECT-1"), ""),
    (row(code="?"), UnmappedReason.UNKNOWN_CUSTOMER),
    (row(code=""), UnmappedReason.UNKNOWN_CUSTOMER),
    (row(product="?"), UnmappedReason.UNKNOWN_PRODUCT),
    (row(product="EXT"), UnmappedReason.EXTERNAL_ROUTE),
    (row(unit="MB"), UnmappedReason.OTHER_UNIT),
    (row(code="HELD"), UnmappedReason.CUSTOMER_SUSPENDED),
    (row(code="BARE"), UnmappedReason.NO_CONTRACT),
    (row(currency="USD"), UnmappedReason.NO_CONTRACT),
    (row(day="2025-12-15"), UnmappedReason.BEFORE_BILL_FROM),
    (row(day="2026-04-15"), UnmappedReason.NO_INVOICE),
    (row(to="PROJECT-2"), UnmappedReason.UNKNOWN_REFERENCE),
    (row(day="2026-02-15"), UnmappedReason.INVOICE_LOCKED),
    (row(day="2026-03-15"), UnmappedReason.PERIOD_FINISHED),
    (row(code="?", product="?"), UnmappedReason.UNKNOWN_CUSTOMER),
]


def test_there_is_a_case_for_every_reason():
    assert {reason for _, reason in CASES} == {"", *UnmappedReason}


@pytest.mark.requirement("H-CB4", "H-CB5", "K-15", "L-10", "D-46")
@pytest.mark.parametrize(("stated", "reason"), CASES)
def test_every_reason_is_foretold(invoice, stated, reason):
    batch = checked(stated, header=WIDE)
    found = batch.rows.get()
    assert found.unmapped_reason == reason
    (shown,) = with_invoices(batch, [found])
    assert bool(shown.invoice) == (not reason)
    assert batch.rows_waiting == ({reason: 1} if reason else {})
    assert not Purchase.objects.exists()


def foretold(batch: ImportBatch) -> dict:
    rows = staged_rows(batch).filter(verdict__in=(RowVerdict.NEW, RowVerdict.CHANGED))
    return {
        row.reference: [row.unmapped_reason, invoice.pk if invoice else None]
        for row, invoice in foretold_rows(batch, rows)
    }


def mixed(pick: random.Random, count: int, first: int = 0) -> list[str]:
    return [
        row(
            f"R{n}",
            code=pick.choice(["C1"] * 8 + ["?", "HELD", "BARE"]),
            product=pick.choice(["P1"] * 6 + ["?", "EXT"]),
            currency=pick.choice(["EUR"] * 6 + ["USD"]),
            day=pick.choice(["2026-01-15"] * 3 + ["2025-12-15"])
            if pick.random() < 0.5
            else f"2026-0{pick.randint(1, 6)}-{pick.randint(1, 28):02}",
            unit=pick.choice(["", "unit", "MB"]),
            to=pick.choice([""] * 8 + ["PROJECT-1", "PROJECT-2"]),
            total=pick.choice(["", "5"]),
            quantity=pick.choice(["1", "2", "-3", "0"]),
        )
        for n in range(first, first + count)
    ]


@pytest.mark.requirement("H-CB4", "H-CB5")
@pytest.mark.parametrize("seed", [20261122, 7, 4711])
def test_the_import_does_what_was_foretold(invoice, seed):
    """New rows, changed ones, and late ones that a person had put on another invoice."""
    pick = random.Random(seed)
    imported(*mixed(pick, 150), header=WIDE)
    late = Purchase.objects.filter(unmapped_reason=UnmappedReason.PERIOD_FINISHED)
    assert late
    route_purchases(purchase_ids=list(late.values_list("pk", flat=True)))
    batch = checked(*mixed(pick, 300), header=WIDE)
    expected = foretold(batch)
    assert batch.rows_new == 150
    assert batch.rows_changed > 100
    import_purchases(batch_id=batch.pk, at=AT)
    found = {
        reference: where
        for reference, *where in Purchase.objects.filter(import_batch=batch).values_list(
            "reference", "unmapped_reason", "invoice_id"
        )
    }
    assert found == expected
    reasons = Counter(reason for reason, _ in found.values() if reason)
    assert batch.rows_waiting == reasons
    assert len(reasons) == len(UnmappedReason)
    forecast = forecast_of(batch)
    assert (forecast.waiting, forecast.billed) == (
        reasons.total(),
        batch.brings - reasons.total(),
    )


@pytest.mark.requirement("D-46", "H-CB4")
def test_a_late_purchase_that_was_routed_is_foretold_to_stay(invoice):
    imported(line("R1", day="2026-03-15", total="1"))
    route_purchases(purchase_ids=[Purchase.objects.get().pk])
    assert Purchase.objects.get().invoice == invoice
    batch = checked(line("R1", day="2026-03-15", total="2"))
    assert foretold(batch) == {"R1": ["", invoice.pk]}


@pytest.mark.requirement("H-CB5")
def test_what_changes_after_the_check_changes_the_outcome_and_refuses_nothing(invoice):
    batch = checked(line("R1", code="NEW"), line("R2"))
    assert batch.rows_waiting == {UnmappedReason.UNKNOWN_CUSTOMER: 1}
    welcome = builders.make_invoice(builders.make_customer(code="NEW"))
    Invoice.objects.filter(pk=invoice.pk).update(status=InvoiceStatus.APPROVING)
    batch = import_purchases(batch_id=batch.pk, at=AT)
    assert batch.status == ImportStatus.COMMITTED
    assert Purchase.objects.get(reference="R1").invoice == welcome
    assert Purchase.objects.get(reference="R2").unmapped_reason == UnmappedReason.INVOICE_LOCKED


@pytest.mark.requirement("H-CB5")
def test_checking_again_foretells_anew(invoice):
    batch = checked(line("R1", product="LATER"))
    assert batch.rows_waiting == {UnmappedReason.UNKNOWN_PRODUCT: 1}
    builders.make_item(code="LATER")
    batch = check_purchases(batch_id=batch.pk)
    assert batch.rows_waiting == {}
    assert foretold(batch) == {"R1": ["", invoice.pk]}


def test_rows_that_bring_nothing_are_foretold_nothing(invoice):
    imported(line("R1", code="?", total="1", source="2026-01-20"))
    batch = checked(
        line("R1", code="?", total="2", source="2026-01-01"), line("R2", code="?", quantity="x")
    )
    assert (batch.rows_unchanged, batch.rows_error, batch.rows_waiting) == (1, 1, {})
    assert set(batch.rows.values_list("unmapped_reason")) == {("",)}
    assert not batch.foretold.exists()


def test_the_forecast_goes_with_the_rows(invoice):
    batch = checked(line("R1"))
    assert batch.foretold.get().invoice == invoice
    import_purchases(batch_id=batch.pk, at=AT)
    forget_imported_rows(batch_id=batch.pk)
    other = checked(line("R2"))
    discard_import(batch_id=other.pk)
    assert not ForetoldInvoice.objects.exists()


def test_an_invoice_that_is_gone_is_not_shown(invoice):
    batch = checked(line("R1"))
    Invoice.objects.filter(pk=invoice.pk).delete()
    ((row, found),) = foretold_rows(batch, staged_rows(batch))
    assert (row.unmapped_reason, found) == ("", None)


def test_a_refused_file_has_no_forecast(invoice):
    batch = checked(line("R1", code="?"))
    ImportBatch.objects.filter(pk=batch.pk).update(file=upload('"open,').file.name)
    batch = check_purchases(batch_id=batch.pk)
    assert batch.status == ImportStatus.REFUSED
    assert forecast_of(batch) is None


def test_the_check_asks_a_constant_number_of_queries(invoice):
    few, many = upload(line("R1")), upload(*(line(f"S{n}") for n in range(60)))
    with CaptureQueriesContext(connection) as one:
        check_purchases(batch_id=few.pk)
    with CaptureQueriesContext(connection) as sixty:
        check_purchases(batch_id=many.pk)
    assert len(one) == len(sixty)


# unusually large quantities


def large(*quantities: str, **stated) -> list[str]:
    """The quantities of a file of these that are marked."""
    lines = [row(f"R{n}", quantity=quantity, **stated) for n, quantity in enumerate(quantities)]
    batch = checked(*lines, header=WIDE)
    found = [f"{q.normalize():f}" for q in large_rows(batch).values_list("quantity", flat=True)]
    assert batch.rows_large == len(found)
    return found


def large_rows(batch: ImportBatch):
    return batch.rows.filter(is_large=True)


@pytest.mark.requirement("H-CB4")
@pytest.mark.parametrize(
    ("quantities", "marked"),
    [
        (["2", "2", "2", "2", "2000.000000000000001"], ["2000.000000000000001"]),
        (["2", "2", "2", "2", "2000"], []),
        (["2", "2", "2", "2001"], []),
        (["2", "-2", "2", "-2", "-2001"], ["-2001"]),
        (["0", "2", "2", "2", "2001"], []),
        (["0", "0", "0", "2", "2", "2", "2", "2001"], ["2001"]),
        (["2", "2", "2", "5000", "5000", "5000"], ["5000", "5000", "5000"]),
        (["2", "2", "5000", "5000", "5000"], []),
    ],
)
def test_a_quantity_beyond_a_thousand_medians_is_marked(invoice, quantities, marked):
    assert Counter(large(*quantities)) == Counter(marked)


@pytest.mark.requirement("H-CB4")
def test_quantities_are_compared_within_their_product_and_unit(invoice):
    usual = [row(f"R{n}", quantity="1") for n in range(5)]
    batch = checked(
        *usual,
        row("A", quantity="5000", product="EXT"),
        row("B", quantity="5000", unit="MB"),
        row("C", quantity="5000"),
        header=WIDE,
    )
    assert [found.reference for found in large_rows(batch)] == ["C"]


def test_a_large_quantity_is_imported_like_any_other(invoice):
    lines = [line(f"R{n}", quantity="1") for n in range(5)]
    batch = imported(*lines, line("BIG", quantity="5000"))
    assert (batch.rows_large, batch.status) == (1, ImportStatus.COMMITTED)
    assert Purchase.objects.get(reference="BIG").invoice == invoice
    again = checked(*lines, line("BIG", quantity="5000"), line("R9", quantity="1"))
    assert (again.rows_unchanged, again.rows_large) == (6, 0)
