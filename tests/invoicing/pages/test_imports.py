"""The pages of the purchase import, and the list of what is on no invoice."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing_site.web.models import Job
from invoicing.enums import ImportStatus, InvoiceStatus, UnmappedReason
from invoicing.models import ImportBatch, Purchase
from invoicing.services.purchase_imports import check_purchases, import_purchases
from tests import builders
from tests.invoicing.import_files import AT, HEADER, checked, imported, line, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]


@pytest.fixture
def invoice():
    builders.make_item(code="P1")
    return builders.make_invoice(builders.make_customer(code="C1"), status=InvoiceStatus.OPEN)


def send(client, content: str | bytes, name="usage.csv", **data):
    data["file"] = SimpleUploadedFile(
        name, content if isinstance(content, bytes) else content.encode()
    )
    return client.post(reverse("invoicing:import-upload"), data)


def page(client, batch, query="", status=200) -> str:
    response = client.get(batch.get_absolute_url() + query)
    assert response.status_code == status
    return response.content.decode()


def end_jobs() -> None:
    Job.objects.all().delete()


@pytest.mark.requirement("CB-18", "H-CB4")
def test_a_file_is_uploaded_checked_shown_and_imported(finance, invoice):
    response = send(finance, "\n".join([HEADER, line("R1"), line("R2", code="?")]))
    batch = ImportBatch.objects.get()
    assert response.url == batch.get_absolute_url()
    assert batch.status == ImportStatus.CHECKING
    assert 'hx-trigger="every 1s"' in page(finance, batch)
    check_purchases(batch_id=batch.pk)
    end_jobs()
    text = page(finance, batch)
    assert "Import 2 purchases" in text
    assert "R1" in text
    response = finance.post(reverse("invoicing:import-commit", args=[batch.pk]))
    assert response.url == batch.get_absolute_url()
    assert Job.objects.get().kind == "invoicing.import_purchases"
    import_purchases(batch_id=batch.pk, at=AT)
    end_jobs()
    text = page(finance, batch)
    assert "1 of them is on no invoice" in text
    assert Purchase.objects.count() == 2


@pytest.mark.requirement("R6")
def test_confirming_twice_starts_one_job(finance, invoice):
    batch = checked(line("R1"))
    for _ in range(2):
        finance.post(reverse("invoicing:import-commit", args=[batch.pk]))
    assert Job.objects.count() == 1


@pytest.mark.requirement("R11")
def test_errors_are_shown_with_row_column_and_remedy_and_block_the_import(finance, invoice):
    batch = checked(line("R1"), line("R2", quantity="1.x", total="'<b>"))
    text = page(finance, batch, "?verdict=error")
    assert "Column D, quantity:" in text
    assert "write it in plain digits" in text
    assert "<b>" not in text.replace("<body", "")
    assert "1 row has an error." in text
    assert "Import 1 purchase" not in text
    errors = page(finance, batch, "?part=errors")
    assert '3,"D, quantity"' in errors
    finance.post(reverse("invoicing:import-commit", args=[batch.pk]))
    assert not Purchase.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "usage.csv", "is empty"),
        (b"a,b\n1,2\n", "usage.txt", "not a .csv or .xlsx file"),
        (b"PK\x03\x04", "usage.xlsx", "damaged"),
        (b"a,A\n1,2\n", "usage.csv", "the same name"),
        (b"a,b\n\x00", "usage.csv", "NUL"),
        (b"a,b\n1,2\n", "x" * 201 + ".csv", "at most 200 characters"),
    ],
)
def test_a_bad_upload_is_a_message_on_the_form(finance, content, name, words):
    response = send(finance, content, name)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not ImportBatch.objects.exists()


def test_without_a_file_the_form_says_so(finance):
    response = finance.post(reverse("invoicing:import-upload"), {})
    assert response.status_code == 422
    assert "required" in response.content.decode()


def test_a_file_with_other_columns_asks_what_is_what(finance, invoice):
    response = send(finance, "key,who,what,much,money,when\nR1,C1,P1,2,EUR,2026-01-15\n")
    batch = ImportBatch.objects.get()
    url = reverse("invoicing:import-mapping", args=[batch.pk])
    assert response.url == url
    text = finance.get(url).content.decode()
    assert "C1" in text
    assert "Field of column A, key" in text
    incomplete = finance.post(url, {"time_zone": "UTC", "column-0": "reference"})
    assert incomplete.status_code == 422
    assert "No column is mapped to Customer code" in incomplete.content.decode()
    fields = ["reference", "customer_code", "product_code", "quantity", "currency", "purchased_at"]
    data = {"time_zone": "UTC"} | {f"column-{n}": field for n, field in enumerate(fields)}
    assert finance.post(url, data).url == batch.get_absolute_url()
    check_purchases(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.rows_new, batch.mapping_name) == (1, "Mapped by hand")


@pytest.mark.parametrize("bad", [{"column-0": "nonsense"}, {"time_zone": "Mars"}])
def test_a_forged_mapping_is_refused(finance, invoice, bad):
    batch = upload(line())
    url = reverse("invoicing:import-mapping", args=[batch.pk])
    assert finance.post(url, {"time_zone": "UTC"} | bad).status_code == 422


def test_the_rows_are_cut_into_pages_and_by_verdict(finance, invoice):
    imported(line("R0"))
    batch = checked(line("R0"), *(line(f"R{n}") for n in range(1, 61)))
    first = page(finance, batch)
    assert "after=51" in first
    assert "R60" not in first
    assert "R60" in page(finance, batch, "?after=51")
    assert "R1" not in page(finance, batch, "?verdict=unchanged").split("<tbody>")[1]


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=-1", "?after=" + "9" * 30, "?verdict=zz", "?part=zz"]
)
def test_odd_addresses_of_a_file_are_answered(finance, invoice, query):
    page(finance, checked(line()), query)


def test_a_file_that_was_imported_before_is_named(finance, invoice):
    first = imported(line("R1"))
    again = checked(line("R1"))
    text = page(finance, again)
    assert first.get_absolute_url() in text
    assert "brings nothing new" in text


def test_a_refused_file_says_why(finance, invoice):
    batch = checked('"open,')
    assert "This file cannot be used" in page(finance, batch)


def test_a_stopped_import_says_so_and_can_be_checked_again(finance, invoice):
    batch = checked(line())
    ImportBatch.objects.filter(pk=batch.pk).update(status=ImportStatus.CHECKING)
    assert "ended before it was done" in page(finance, batch)
    finance.post(reverse("invoicing:import-check", args=[batch.pk]))
    assert Job.objects.get().kind == "invoicing.check_purchases"


def test_a_file_is_discarded(finance, invoice):
    batch = checked(line())
    finance.post(reverse("invoicing:import-discard", args=[batch.pk]))
    assert "This file was discarded" in page(finance, batch)


def test_progress_refreshes_the_page_when_the_work_is_done(finance, invoice):
    batch = upload(line())
    finance.post(reverse("invoicing:import-check", args=[batch.pk]))
    url = batch.get_absolute_url() + "?part=state"
    assert "HX-Refresh" not in finance.get(url)
    Job.objects.update(status="cancelled", finished_at=AT)
    assert finance.get(url)["HX-Refresh"] == "true"


def test_the_list_shows_every_file(finance, invoice):
    imported(line("R1"))
    checked(line("R2"), name="other.csv")
    text = finance.get(reverse("invoicing:import-list")).content.decode()
    assert "usage.csv" in text
    assert "other.csv" in text
    text = finance.get(reverse("invoicing:import-list") + "?quick=imported").content.decode()
    assert "other.csv" not in text


@pytest.mark.requirement("R13")
def test_an_auditor_sees_imports_and_changes_nothing(auditor, invoice):
    batch = checked(line())
    assert "Import 1 purchase" not in page(auditor, batch)
    assert auditor.get(reverse("invoicing:import-list")).status_code == 200
    assert auditor.get(reverse("invoicing:import-upload")).status_code == 403
    for name in ("commit", "check", "discard", "mapping"):
        url = reverse(f"invoicing:import-{name}", args=[batch.pk])
        assert auditor.post(url).status_code == 403
    stray = builders.make_purchase(unmapped_reason=UnmappedReason.UNKNOWN_CUSTOMER)
    for name in ("map", "route"):
        assert (
            auditor.post(reverse(f"invoicing:purchase-{name}", args=[stray.pk])).status_code == 403
        )


def test_absent_files_are_not_found(finance):
    assert finance.get(reverse("invoicing:import-detail", args=[2**40])).status_code == 404


# what is on no invoice


@pytest.mark.requirement("H-CB5")
def test_unmapped_purchases_are_listed_by_reason_with_counts(finance, invoice):
    imported(line("R1"), line("R2", code="?"), line("R3", product="?"), line("R4", code="?"))
    url = reverse("invoicing:unmapped-list")
    text = finance.get(url).content.decode()
    assert "R1" not in text.split("<tbody>")[1].replace("R10", "")
    assert "R2" in text
    assert "Unknown customer" in text
    text = finance.get(url + "?quick=unknown_product").content.decode()
    assert "R3" in text
    assert ">R2<" not in text
    summary = finance.get(url + "?part=summary").content.decode()
    assert "EUR" in summary


@pytest.mark.requirement("H-CB5")
def test_one_purchase_is_mapped_again_once_its_reason_is_gone(finance, invoice):
    imported(line("R1", product="LATER"))
    purchase = Purchase.objects.get()
    url = reverse("invoicing:purchase-map", args=[purchase.pk])
    response = finance.post(url, {"back": "list"}, follow=True)
    assert "stays unmapped: unknown product" in response.content.decode()
    builders.make_item(code="LATER")
    assert finance.post(url).url == purchase.get_absolute_url()
    purchase.refresh_from_db()
    assert purchase.invoice == invoice


@pytest.mark.requirement("D-46")
def test_one_late_purchase_is_put_on_the_earliest_open_invoice(finance, invoice):
    type(invoice).objects.filter(pk=invoice.pk).update(status=InvoiceStatus.CLOSED)
    february = builders.make_invoice(
        invoice.customer, period_from=dt.date(2026, 2, 1), period_to=dt.date(2026, 2, 28)
    )
    imported(line("R1"))
    purchase = Purchase.objects.get()
    finance.post(reverse("invoicing:purchase-route", args=[purchase.pk]))
    purchase.refresh_from_db()
    assert purchase.invoice == february


@pytest.mark.requirement("H-CB5", "X-14")
@pytest.mark.parametrize("action", ["map", "route"])
def test_all_purchases_in_the_filter_are_moved_by_a_job(finance, invoice, action):
    imported(line("R1", code="?"), line("R2", code="?"), line("R3", product="?"))
    url = reverse("invoicing:unmapped-list") + "?quick=unknown_customer"
    response = finance.post(url + "&part=bulk", {"whole": "1", "action": action})
    text = finance.get(response.url).content.decode()
    assert "2" in text
    if action == "map":
        finance.post(response.url + "&part=confirm", {"count": "2"})
        assert Job.objects.get().kind == "invoicing.map_purchases"
    else:
        assert "nothing to do for this selection" in text


@pytest.mark.requirement("H-CB5")
def test_the_job_names_the_outcome_of_each_purchase(finance, invoice):
    from billing_site.web.jobs import run

    imported(line("R1", product="LATER"), line("R2", code="?"))
    builders.make_item(code="LATER")
    url = reverse("invoicing:unmapped-list")
    response = finance.post(url + "?part=bulk", {"whole": "1", "action": "map"})
    finance.post(response.url + "&part=confirm", {"count": "2"})
    job = Job.objects.get()
    assert run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.skipped) == ("completed", 1, 1)
    assert job.items.get(outcome="skipped").reason == "Unknown customer"


@pytest.mark.parametrize("name", ["import-list", "unmapped-list"])
def test_lists_ask_a_constant_number_of_queries(
    finance, invoice, name, django_assert_max_num_queries
):
    for n in range(12):
        imported(line(f"R{n}", code="?"))
    with django_assert_max_num_queries(12):
        finance.get(reverse(f"invoicing:{name}"))
