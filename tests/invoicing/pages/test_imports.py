"""The pages of the purchase import, and the list of what is on no invoice."""

import csv
import datetime as dt
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing_site.web.models import Job
from invoicing.enums import ImportStatus, InvoiceStatus, UnmappedReason
from invoicing.models import ImportBatch, Purchase
from invoicing.services.purchase_imports import (
    check_purchases,
    forget_imported_rows,
    import_purchases,
)
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
    "query",
    ["?after=x", "?after=-1", "?after=" + "9" * 30, "?verdict=zz", "?part=zz", "?outcome=zz"],
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


# what the import would do


OUTCOMES = (
    line("R1"),
    line("R2"),
    line("R3", code="?"),
    line("R4", code="?"),
    line("R5", product="?"),
)


def shown(text: str) -> list[str]:
    """The references of the rows on the page."""
    return re.findall(r">(R\d+|BIG)</td>", text)


@pytest.mark.requirement("H-CB4", "H-CB5")
def test_the_preview_says_what_will_be_billed_and_what_will_wait(finance, invoice):
    batch = checked(*OUTCOMES)
    text = page(finance, batch)
    assert "<strong>2</strong> rows will be billed" in text
    assert "<strong>3</strong> rows will wait on the unmapped list" in text
    assert '<span class="num">2</span>Unknown customer' in text
    assert '<span class="num">1</span>Unknown product' in text
    assert text.index("Unknown customer") < text.index("Unknown product")
    assert "unusually large" not in text
    assert f'<a href="{invoice.get_absolute_url()}">{invoice}</a>' in text


@pytest.mark.requirement("H-CB5")
@pytest.mark.parametrize(
    ("query", "references"),
    [
        ("", ["R1", "R2", "R3", "R4", "R5"]),
        ("?outcome=billed", ["R1", "R2"]),
        ("?outcome=waiting", ["R3", "R4", "R5"]),
        ("?outcome=unknown_customer", ["R3", "R4"]),
        ("?outcome=unknown_product&verdict=new", ["R5"]),
        ("?outcome=unknown_product&verdict=changed", []),
        ("?outcome=large", []),
        ("?outcome=zz", ["R1", "R2", "R3", "R4", "R5"]),
    ],
)
def test_the_rows_are_filtered_by_their_outcome_on_the_page_and_in_the_file(
    finance, invoice, query, references
):
    batch = checked(*OUTCOMES)
    assert shown(page(finance, batch, query)) == references
    response = finance.get(
        f"{batch.get_absolute_url()}{query or '?'}&part=rows&format=csv".replace("?&", "?")
    )
    lines = list(csv.DictReader(io.StringIO(body(response).decode("utf-8-sig"))))
    assert [found["Reference"] for found in lines] == references


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.requirement("H-CB5", "R11")
def test_the_file_of_the_rows_tells_invoice_reason_and_what_is_wrong(finance, invoice):
    batch = checked(*OUTCOMES, line("R6", quantity="x"))
    url = batch.get_absolute_url() + "?part=rows&format="
    response = finance.get(url + "csv")
    assert f"import-{batch.pk}-rows.csv" in response["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(body(response).decode("utf-8-sig"))))
    first, last, wrong = lines[0], lines[4], lines[5]
    assert (first["Would be billed on"], first["Would wait because"]) == (str(invoice), "")
    assert (last["Would be billed on"], last["Would wait because"]) == ("", "Unknown product")
    assert (first["Row"], first["Verdict"], first["Stated total"]) == ("2", "New", "10.50")
    assert "Column D, quantity: " in wrong["Note"]
    assert body(finance.get(url + "xlsx")).startswith(b"PK")
    assert finance.get(url + "pdf").status_code == 400


def test_a_file_of_many_rows_is_written_by_a_job(finance, invoice, monkeypatch):
    from billing_site.web.jobs import run
    from invoicing.views import imports

    monkeypatch.setattr(imports, "SMALL_ROWS", 2)
    batch = checked(*OUTCOMES)
    url = f"{batch.get_absolute_url()}?outcome=waiting&part=rows&format=csv"
    response = finance.get(url)
    job = Job.objects.get()
    assert response.url == job.get_absolute_url()
    assert run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.result["rows"]) == ("completed", 3, 3)
    assert b"Unknown product" in body(finance.get(job.result_url))
    small = url.replace("waiting", "billed")
    assert b"R2" in body(finance.get(small))


@pytest.mark.requirement("H-CB4")
def test_a_file_without_problems_shows_nothing_alarming(finance, invoice):
    text = page(finance, checked(line("R1")))
    assert "<strong>1</strong> row will be billed" in text
    assert "unmapped list" not in text
    assert "unusually large" not in text
    assert "alert-warning" not in text
    assert "status-amber" not in text.split("<tbody>")[1]


@pytest.mark.requirement("H-CB4")
def test_an_unusually_large_quantity_is_a_hint_and_a_filter(finance, invoice):
    usual = [line(f"R{n}", quantity="1") for n in range(5)]
    batch = checked(*usual, line("BIG", quantity="1001"))
    text = page(finance, batch)
    assert "<strong>1</strong> row has an unusually large quantity" in text
    assert "Import 6 purchases" in text
    text = page(finance, batch, "?outcome=large")
    assert shown(text) == ["BIG"]
    assert "Unusually large quantity" in text.split("<tbody>")[1]


def test_the_filter_goes_on_over_the_pages(finance, invoice):
    batch = checked(*(line(f"R{n}", code="?") for n in range(60)), line("R99"))
    first = page(finance, batch, "?outcome=waiting")
    assert "?outcome=waiting&amp;after=51" in first
    assert shown(page(finance, batch, "?outcome=waiting&after=51"))[-1] == "R59"


def test_errors_keep_the_forecast_from_promising(finance, invoice):
    text = page(finance, checked(line("R1"), line("R2", quantity="x")))
    assert "<strong>1</strong> row would be billed" in text


def test_a_file_that_was_checked_before_there_was_a_forecast_foretells_nothing(finance, invoice):
    batch = checked(*OUTCOMES)
    ImportBatch.objects.filter(pk=batch.pk).update(rows_waiting=None)
    text = page(finance, batch)
    assert 'id="forecast"' not in text
    assert shown(text) == ["R1", "R2", "R3", "R4", "R5"]


@pytest.mark.requirement("H-CB5")
def test_after_the_import_the_page_says_what_happened_and_where_the_rest_waits(finance, invoice):
    batch = checked(*OUTCOMES)
    builders.make_item(code="?")
    import_purchases(batch_id=batch.pk, at=AT)
    forget_imported_rows(batch_id=batch.pk)
    text = page(finance, batch)
    assert "2 of them are on no invoice" in text
    assert 'id="forecast"' not in text
    assert "Unknown product" not in text
    url = f"{reverse('invoicing:unmapped-list')}?batch={batch.pk}&amp;reason=unknown_customer"
    assert url in text
    imported(line("S1", code="?"))
    waiting = finance.get(url.replace("&amp;", "&")).content.decode()
    assert ">R3<" in waiting
    assert ">S1<" not in waiting


def test_the_preview_asks_a_constant_number_of_queries(
    finance, invoice, django_assert_max_num_queries
):
    customers = [builders.make_customer(code=f"D{n}") for n in range(9)]
    for customer in customers:
        builders.make_invoice(customer)
    batch = checked(*(line(f"R{n}", code=customer.code) for n, customer in enumerate(customers)))
    with django_assert_max_num_queries(12):
        page(finance, batch)


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
