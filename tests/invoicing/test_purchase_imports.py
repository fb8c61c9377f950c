"""Importing a file of purchases: upload, check, all or nothing."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pghistory.models import Events

from billing_site.web.enums import RowVerdict
from billing_site.web.models import Job
from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from invoicing.enums import ImportStatus, InvoiceStatus, UnmappedReason
from invoicing.errors import ImportHasChanged, ImportRefused
from invoicing.imports.mappings import ColumnMapping, MappingRefused
from invoicing.models import ImportBatch, ImportRow, Purchase
from invoicing.services.purchase_imports import (
    check_purchases,
    discard_import,
    forget_imported_rows,
    import_purchases,
    start_check,
    start_import,
)
from invoicing.services.purchase_mapping import route_purchases
from tests import builders
from tests.invoicing.import_files import AT, HEADER, checked, imported, line, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]


@pytest.fixture
def customer():
    return builders.make_customer(code="C1")


@pytest.fixture
def item():
    return builders.make_item(code="P1")


@pytest.fixture
def invoice(customer, item):
    return builders.make_invoice(customer, status=InvoiceStatus.OPEN)


def verdicts(batch) -> list[tuple]:
    return list(batch.rows.values_list("number", "verdict", "note"))


def counts(batch) -> tuple:
    return batch.rows_new, batch.rows_changed, batch.rows_unchanged, batch.rows_error


@pytest.mark.requirement("CB-18", "H-CB4")
def test_new_purchases_are_mapped_and_their_invoices_wait_for_calculation(invoice, item):
    batch = imported(line("R1"), line("R2", total="-0.123456789012345"))
    assert counts(batch) == (2, 0, 0, 0)
    assert (batch.status, batch.committed_at) == (ImportStatus.COMMITTED, AT)
    first, second = Purchase.objects.order_by("pk")
    assert (first.invoice, first.customer, first.item) == (invoice, invoice.customer, item)
    assert (first.reference, first.quantity, first.total_override) == ("R1", 2, Decimal("10.5"))
    assert second.total_override == Decimal("-0.123456789012345")
    assert first.import_batch == batch
    assert first.created_at == AT
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.PENDING


@pytest.mark.requirement("H-CB5")
def test_what_finds_no_invoice_is_kept_with_its_reason(invoice):
    imported(
        line("R1"), line("R2", code="?"), line("R3", product="?"), line("R4", day="2026-03-01")
    )
    found = dict(Purchase.objects.values_list("reference", "unmapped_reason"))
    assert found == {
        "R1": "",
        "R2": UnmappedReason.UNKNOWN_CUSTOMER,
        "R3": UnmappedReason.UNKNOWN_PRODUCT,
        "R4": UnmappedReason.NO_INVOICE,
    }


@pytest.mark.requirement("H-CB4", "R6")
def test_importing_the_same_file_again_changes_nothing(invoice):
    imported(line("R1"), line("R2"))
    builders.calculated(invoice)
    again = checked(line("R1"), line("R2"))
    assert counts(again) == (0, 0, 2, 0)
    with pytest.raises(ImportRefused, match="brings nothing new"):
        import_purchases(batch_id=again.pk, at=AT)
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.OPEN


@pytest.mark.requirement("H-CB4")
@pytest.mark.parametrize(
    ("stored", "given", "verdict", "words"),
    [
        ("", "", RowVerdict.CHANGED, ""),
        ("", "2026-01-20", RowVerdict.CHANGED, ""),
        ("2026-01-20", "2026-01-21", RowVerdict.CHANGED, ""),
        ("2026-01-20", "2026-01-20", RowVerdict.UNCHANGED, "the same source date, 2026-01-20"),
        ("2026-01-20", "2026-01-19", RowVerdict.UNCHANGED, "older than the stored purchase"),
        ("2026-01-20", "", RowVerdict.UNCHANGED, "no source date"),
    ],
)
def test_only_a_newer_source_changes_a_purchase(invoice, stored, given, verdict, words):
    imported(line("R1", total="1", source=stored))
    batch = checked(line("R1", total="2", source=given), line("R2"))
    (_, found, note), _ = verdicts(batch)
    assert found == verdict
    assert words in note
    assert bool(note) == (verdict == RowVerdict.UNCHANGED)
    import_purchases(batch_id=batch.pk, at=AT)
    wanted = 2 if verdict == RowVerdict.CHANGED else 1
    assert Purchase.objects.get(reference="R1").total_override == wanted


@pytest.mark.requirement("H-CB4")
def test_the_same_content_of_a_newer_source_keeps_an_older_row_out(invoice):
    imported(line("R1", total="1", source="2026-01-10"))
    imported(line("R1", total="1", source="2026-01-30"), line("R2"))
    batch = checked(line("R1", total="2", source="2026-01-20"))
    assert counts(batch) == (0, 0, 1, 0)


@pytest.mark.requirement("H-CB4", "CB-9")
def test_a_change_moves_the_purchase_and_both_invoices_wait(customer, invoice):
    february = builders.make_invoice(
        customer,
        period_from=dt.date(2026, 2, 1),
        period_to=dt.date(2026, 2, 28),
        status=InvoiceStatus.OPEN,
    )
    imported(line("R1"))
    builders.calculated(invoice)
    batch = imported(line("R1", day="2026-02-03"))
    assert counts(batch) == (0, 1, 0, 0)
    purchase = Purchase.objects.get()
    assert purchase.invoice == february
    assert purchase.import_batch == batch
    assert set(type(invoice).objects.pending()) == {invoice, february}


@pytest.mark.requirement("CB-11", "H-CB4")
@pytest.mark.parametrize("status", [InvoiceStatus.APPROVING, InvoiceStatus.CLOSED])
def test_a_purchase_on_a_locked_invoice_stays_and_the_preview_says_so(customer, item, status):
    invoice = builders.make_invoice(customer)
    imported(line("R1", total="1"))
    builders.calculated(invoice)
    type(invoice).objects.filter(pk=invoice.pk).update(status=status)
    batch = checked(line("R1", total="2"), line("R2"))
    (_, verdict, note), (_, new, _) = verdicts(batch)
    assert (verdict, new) == (RowVerdict.UNCHANGED, RowVerdict.NEW)
    assert "2026-01-01 to 2026-01-31" in note
    import_purchases(batch_id=batch.pk, at=AT)
    assert Purchase.objects.get(reference="R1").total_override == 1
    late = Purchase.objects.get(reference="R2")
    assert late.invoice is None
    assert late.unmapped_reason in (UnmappedReason.INVOICE_LOCKED, UnmappedReason.PERIOD_FINISHED)


@pytest.mark.requirement("D-46", "H-CB4")
def test_a_late_purchase_that_was_routed_stays_on_its_invoice_when_it_changes(customer, item):
    builders.make_invoice(customer, status=InvoiceStatus.CLOSED)
    february = builders.make_invoice(
        customer, period_from=dt.date(2026, 2, 1), period_to=dt.date(2026, 2, 28)
    )
    imported(line("R1", total="1"))
    route_purchases(purchase_ids=[Purchase.objects.get().pk])
    imported(line("R1", total="2"))
    purchase = Purchase.objects.get()
    assert (purchase.invoice, purchase.total_override) == (february, 2)


@pytest.mark.requirement("R11")
def test_errors_name_row_column_and_remedy_and_nothing_is_imported(invoice):
    batch = checked(line("R1"), line("R2", quantity='"1,5"', day="15/01/2026"), line("R3"))
    assert counts(batch) == (2, 0, 0, 1)
    row = batch.rows.get(verdict=RowVerdict.ERROR)
    assert row.number == 3
    assert [column for column, _ in row.errors] == ["D, quantity", "F, purchased_at"]
    assert "write the decimals after a point" in row.errors[0][1]
    with pytest.raises(ImportRefused, match="whole or not at all"):
        import_purchases(batch_id=batch.pk, at=AT)
    assert not Purchase.objects.exists()


@pytest.mark.requirement("R11")
def test_a_reference_twice_in_a_file_is_an_error_of_the_later_rows(invoice):
    batch = checked(line("R1"), line("R2"), line("R1"), line("R1"))
    wrong = batch.rows.filter(verdict=RowVerdict.ERROR)
    assert [row.number for row in wrong] == [4, 5]
    assert wrong[0].errors[0][1].startswith("The reference R1 is in row 2 already")


@pytest.mark.requirement("R11")
def test_a_file_that_breaks_in_the_middle_is_refused_whole(invoice):
    batch = checked(line("R1"), '"open,', line("R2"))
    assert batch.status == ImportStatus.REFUSED
    assert "Row 3" in batch.error
    assert not batch.rows.exists()
    with pytest.raises(ImportRefused, match="refused"):
        import_purchases(batch_id=batch.pk, at=AT)


def test_an_unusable_upload_leaves_nothing(own_storage):
    with pytest.raises(SpreadsheetRefused):
        upload(name="usage.txt")
    assert not ImportBatch.objects.exists()
    assert not list(own_storage.rglob("*.*"))


def test_a_file_with_other_columns_waits_for_its_mapping(invoice):
    batch = upload("R1,C1,P1,2,EUR,2026-01-15", header="key,who,what,much,money,when", owner=None)
    with pytest.raises(MappingRefused, match="Reference, Customer code"):
        check_purchases(batch_id=batch.pk)
    user = builders.make_user()
    columns = ["reference", "customer_code", "product_code", "quantity", "currency", "purchased_at"]
    mapping = ColumnMapping(dict(zip(batch.mapping["columns"], columns, strict=True)), "UTC")
    start_check(batch_id=batch.pk, owner=user, at=AT, mapping=mapping)
    batch = check_purchases(batch_id=batch.pk)
    assert counts(batch) == (1, 0, 0, 0)


@pytest.mark.requirement("R6")
def test_importing_twice_has_one_effect(invoice):
    batch = checked(line("R1"))
    import_purchases(batch_id=batch.pk, at=AT)
    again = import_purchases(batch_id=batch.pk, at=AT + dt.timedelta(days=1))
    assert again.committed_at == AT
    assert Purchase.objects.count() == 1


@pytest.mark.requirement("R6")
def test_asking_twice_starts_one_job(invoice):
    user = builders.make_user()
    batch = checked(line("R1"))
    first = start_import(batch_id=batch.pk, owner=user, at=AT)
    assert start_import(batch_id=batch.pk, owner=user, at=AT) == first
    assert Job.objects.count() == 1
    with pytest.raises(ImportRefused, match="worked on"):
        discard_import(batch_id=batch.pk)
    with pytest.raises(ImportRefused, match="worked on"):
        start_check(batch_id=batch.pk, owner=user, at=AT)


def test_a_preview_that_is_no_longer_true_imports_nothing(invoice):
    batch = checked(line("R1"), line("R2"))
    imported(line("R2", total="99"))
    with pytest.raises(ImportHasChanged, match="check it again"):
        import_purchases(batch_id=batch.pk, at=AT)
    assert not Purchase.objects.filter(reference="R1").exists()
    batch = check_purchases(batch_id=batch.pk)
    assert counts(batch) == (1, 1, 0, 0)


def test_an_invoice_that_is_locked_after_the_check_receives_nothing(invoice):
    batch = checked(line("R1"))
    type(invoice).objects.filter(pk=invoice.pk).update(status=InvoiceStatus.APPROVING)
    import_purchases(batch_id=batch.pk, at=AT)
    assert Purchase.objects.get().unmapped_reason == UnmappedReason.INVOICE_LOCKED


def test_a_discarded_file_is_not_imported(invoice):
    batch = checked(line("R1"))
    discard_import(batch_id=batch.pk)
    discard_import(batch_id=batch.pk)
    assert not ImportRow.objects.exists()
    with pytest.raises(ImportRefused, match="discarded"):
        import_purchases(batch_id=batch.pk, at=AT)
    with pytest.raises(ImportRefused, match="discarded"):
        check_purchases(batch_id=batch.pk)


def test_staged_rows_are_forgotten_once_the_file_is_imported(invoice):
    batch = checked(line("R1"))
    forget_imported_rows(batch_id=batch.pk)
    assert ImportRow.objects.count() == 1
    import_purchases(batch_id=batch.pk, at=AT)
    forget_imported_rows(batch_id=batch.pk)
    assert not ImportRow.objects.exists()


def test_changes_are_audited_and_insertions_are_told_by_the_batch(invoice):
    imported(line("R1", total="1"))
    purchase = Purchase.objects.get()
    assert not Events.objects.tracks(purchase).exists()
    imported(line("R1", total="2"))
    assert Events.objects.tracks(purchase).count() == 1


def test_the_number_of_statements_does_not_grow_with_the_rows(invoice):
    few = checked(line("R1"))
    many = checked(*(line(f"S{n}") for n in range(50)))
    with CaptureQueriesContext(connection) as one:
        import_purchases(batch_id=few.pk, at=AT)
    with CaptureQueriesContext(connection) as fifty:
        import_purchases(batch_id=many.pk, at=AT)
    assert len(one) == len(fifty)


class Heard:
    def __init__(self, stop_at=None):
        self.totals, self.rows, self.stop_at = [], 0, stop_at

    def total(self, n):
        self.totals.append(n)

    def advance(self, n):
        self.rows += n
        if self.rows == self.stop_at:
            raise KeyboardInterrupt


def test_progress_counts_every_row(invoice):
    lines = [line(f"R{n}") for n in range(5_001)]
    heard = Heard()
    batch = check_purchases(batch_id=upload(*lines).pk, progress=heard)
    assert (heard.totals, heard.rows) == ([5_001], 5_001)
    heard = Heard()
    import_purchases(batch_id=batch.pk, at=AT, progress=heard)
    assert heard.rows == 5_001


def test_work_that_is_stopped_leaves_nothing_behind(invoice):
    batch = checked(line("R1"), line("R2"))
    with pytest.raises(KeyboardInterrupt):
        import_purchases(batch_id=batch.pk, at=AT, progress=Heard(stop_at=2))
    assert not Purchase.objects.exists()
    assert import_purchases(batch_id=batch.pk, at=AT).rows_new == 2


# the command


def command(tmp_path, *lines, name="usage.csv", header=HEADER, **options) -> tuple[str, str]:
    path = tmp_path / name
    path.write_text("\n".join([header, *lines, ""]))
    out, err = io.StringIO(), io.StringIO()
    call_command("import_purchases", str(path), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_command_imports_a_file(tmp_path, invoice):
    out, err = command(tmp_path, line("R1"), line("R2", code="?"))
    assert "2 new, 0 changed, 0 unchanged, 0 with errors" in out
    assert "1 would be billed, 1 would be on no invoice: 1 Unknown customer" in out
    assert "Imported 2 purchases; 1 of them are on no invoice yet." in out
    assert err == ""
    assert Purchase.objects.count() == 2
    assert not ImportRow.objects.exists()


def test_the_command_names_what_is_wrong_and_imports_nothing(tmp_path, invoice):
    with pytest.raises(CommandError, match="1 rows of"):
        command(tmp_path, line("R1"), line("R2", quantity="x"))
    with pytest.raises(CommandError, match="is not a"):
        command(tmp_path, line("R1"), name="usage.txt")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_purchases", str(tmp_path / "absent.csv"))
    with pytest.raises(CommandError, match="no user nobody"):
        command(tmp_path, line("R1"), user="nobody")
    with pytest.raises(CommandError, match="No column is mapped"):
        command(tmp_path, "1", header="a")
    assert not Purchase.objects.exists()


def test_the_command_can_check_only(tmp_path, invoice):
    out, _ = command(tmp_path, line("R1"), check=True)
    assert "1 new" in out
    assert not Purchase.objects.exists()
    assert ImportBatch.objects.get().status == ImportStatus.DISCARDED


def test_the_command_takes_a_mapping_and_a_user(tmp_path, invoice):
    user = builders.make_user(username="ann")
    command(tmp_path, line("R1"), mapping="Quittance columns", user="ann")
    assert ImportBatch.objects.get().owner == user
