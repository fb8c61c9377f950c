"""Export Product and Export CLI: rows, columns, formats, and what is kept of them (L-38..L-42)."""

import csv
import datetime as dt
import hashlib
import io
from decimal import Decimal

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_site.web import jobs
from billing_site.web.models import Job
from inventory.models import BillingPlatform
from orders import jobs as order_jobs
from orders.enums import ExportKind, FileFormat
from orders.errors import ExportRefused
from orders.exports.columns import CLI_COLUMNS, PRODUCT_COLUMNS, chosen_columns
from orders.models import BillStatusEvent, ExportFile, OrderLine
from orders.selectors import exports
from orders.services.orders import update_line
from tests import builders
from tests.orders.export_lines import NOON, NUMBER, PAGE, TODAY, make_ready, run_latest_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

PRODUCT_TITLES = [
    *("Order number", "Line number", "Customer code", "Customer name", "Site", "Asset reference"),
    *("Item code", "Item name", "Item type", "Charge kind", "Quantity", "Unit price", "Unit cost"),
    *("Currency", "Billing period", "Effective bill start date", "Contract reference"),
    *("Platform's item code", "Notes"),
]
CLI_TITLES = [
    *("Customer code", "Customer name", "Site", "CLI", "SIM/serial", "Network/supplier"),
    *("Tariff item code", "Tariff name", "Connection date", "Effective bill start date"),
    *("Contract end date", "Order number", "Asset reference"),
]


def export(desk, platform, kind="product", file_format="csv", query="") -> ExportFile:
    """Press an export button, let the worker work; the record of the file."""
    address = f"{PAGE}export/?platform={platform.pk}{query}"
    answer = desk.post(address, {"kind": kind, "format": file_format})
    job = Job.objects.latest("pk")
    assert answer["Location"] == job.get_absolute_url()
    run_latest_job()
    return ExportFile.objects.get(job=job)


def content(file: ExportFile) -> bytes:
    with default_storage.open(file.file) as stream:
        return stream.read()


def rows(file: ExportFile) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content(file).decode("utf-8-sig"), newline="")))


@pytest.fixture
def order():
    """An order whose every cell of the files is known."""
    customer = builders.make_customer(
        code="K1",
        name="Müller & Söhne",
        contract_fields={"reference": "V1", "ends_on": dt.date(2028, 4, 30)},
    )
    return builders.make_order(customer, site="Hamburg")


@pytest.fixture
def line(affinity, order) -> OrderLine:
    return make_ready(
        affinity,
        affinity,
        order=order,
        item=builders.make_item(code="M1", name="Mobile M", item_type="service_with_cli"),
        quantity=Decimal("2.5"),
        upfront_price=Decimal(30),
        upfront_cost=Decimal("0.0125"),
        recurring_price=Decimal("12.34"),
        recurring_cost=Decimal(6),
        billing_months=3,
        serial="8944 0001",
        supplier="Netz",
        notes="urgent",
    )


@pytest.mark.requirement("L-38", "L-40", "D-05")
def test_export_product_has_a_row_per_ready_charge(desk, affinity, line):
    head, upfront, recurring = rows(export(desk, affinity))
    assert head == PRODUCT_TITLES
    same = [line.order.number, "1", "K1", "Müller & Söhne", "Hamburg", line.asset.reference]
    item = ["M1", "Mobile M", "Service with a number (CLI)"]
    last = ["2026-05-20", "V1", "", "urgent"]
    assert upfront == [*same, *item, "up-front", "2.5", "30.00", "0.0125", "EUR", "", *last]
    assert recurring == [
        *(*same, *item, "recurring", "2.5", "12.34", "6.00", "EUR", "3 months", *last),
    ]


@pytest.mark.requirement("L-38", "D-05", "X-11")
def test_export_product_leaves_out_what_is_not_ready_on_the_route(desk, affinity, other, order):
    split = make_ready(affinity, other, order=order)
    make_ready(None, other, order=order)
    make_ready(affinity, affinity, order=order, connection_date=None)
    make_ready(affinity, order=order, upfront_price=0)
    found = rows(export(desk, affinity))[1:]
    assert [(row[1], row[9]) for row in found] == [(str(split.position), "up-front")]
    found = rows(export(desk, other))[1:]
    assert [(row[1], row[9]) for row in found] == [("1", "recurring"), ("2", "recurring")]


@pytest.mark.requirement("L-39", "D-05")
def test_export_cli_has_a_row_per_line_with_a_number(desk, affinity, line, order):
    make_ready(affinity, order=order, item_type="hardware", delivery_date=TODAY, cli="")
    head, *found = rows(export(desk, affinity, "cli"))
    assert head == CLI_TITLES
    assert found == [
        [
            *("K1", "Müller & Söhne", "Hamburg", NUMBER, "8944 0001", "Netz", "M1"),
            *("Mobile M", "2026-05-20", "2026-05-20", "2028-04-30", order.number),
            line.asset.reference,
        ]
    ]


@pytest.mark.requirement("D-05", "L-30")
def test_an_override_is_the_effective_start(desk, affinity, line):
    OrderLine.objects.filter(pk=line.pk).update(bill_start_override=dt.date(2026, 6, 1))
    assert {row[15] for row in rows(export(desk, affinity))[1:]} == {"2026-06-01"}


@pytest.mark.requirement("D-05", "R12")
def test_csv_has_a_mark_and_no_cell_is_a_formula(desk, affinity, order):
    for text in ("=1+1", "+1", "-1", "@x"):
        make_ready(affinity, order=order, notes=text)
    file = export(desk, affinity)
    assert content(file).startswith(b"\xef\xbb\xbf")
    assert [row[18] for row in rows(file)[1:]] == ["'=1+1", "'+1", "'-1", "'@x"]
    book = openpyxl.load_workbook(io.BytesIO(content(export(desk, affinity, "product", "xlsx"))))
    assert [cell.data_type for cell in book.active["S"][1:]] == ["s"] * 4
    assert [cell.value for cell in book.active["S"][1:]] == ["=1+1", "+1", "-1", "@x"]


@pytest.mark.requirement("D-05", "L-40")
def test_xlsx_cells_have_types(desk, affinity, line):
    file = export(desk, affinity, "product", "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(content(file))).active
    head, upfront, _ = sheet.iter_rows(values_only=True)
    assert list(head) == PRODUCT_TITLES
    assert upfront[1] == 1
    assert upfront[10:12] == (2.5, 30)
    assert upfront[15] == dt.datetime(2026, 5, 20)
    assert sheet["P2"].is_date
    cli = openpyxl.load_workbook(io.BytesIO(content(export(desk, affinity, "cli", "xlsx")))).active
    assert cli["D2"].value == NUMBER


@pytest.mark.requirement("L-40", "D-05")
def test_a_platform_chooses_columns_and_their_order(desk, affinity, line):
    affinity.product_columns = ["Unit Price", " order number "]
    affinity.cli_columns = ["cli"]
    affinity.save()
    assert rows(export(desk, affinity)) == [
        ["Unit price", "Order number"],
        ["30.00", line.order.number],
        ["12.34", line.order.number],
    ]
    assert rows(export(desk, affinity, "cli")) == [["CLI"], [NUMBER]]


@pytest.mark.requirement("L-40")
def test_an_unknown_column_is_refused_by_name(desk, affinity, line):
    affinity.product_columns = ["unit price", "Colour", "shape"]
    affinity.save()
    answer = desk.post(
        f"{PAGE}export/?platform={affinity.pk}", {"kind": "product", "format": "csv"}, follow=True
    )
    text = answer.content.decode()
    assert "name “Colour”, “shape”, which are unknown" in text
    assert "known columns are order number, line number" in text
    assert not ExportFile.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.requirement("L-40")
def test_columns_are_those_of_the_agreement():
    assert [c.column.title for c in PRODUCT_COLUMNS.values()] == PRODUCT_TITLES
    assert [c.column.title for c in CLI_COLUMNS.values()] == CLI_TITLES
    with pytest.raises(ExportRefused, match="“cli” more than once"):
        chosen_columns(ExportKind.CLI, ["CLI", "site", "cli"], platform="Affinity")


@pytest.mark.requirement("L-40")
def test_a_column_spoilt_between_order_and_work_fails_the_job_with_its_name(desk, affinity, line):
    desk.post(f"{PAGE}export/?platform={affinity.pk}", {"kind": "cli", "format": "csv"})
    BillingPlatform.objects.filter(pk=affinity.pk).update(cli_columns=["Colour"])
    job = run_latest_job()
    assert (job.status, "“Colour”" in job.error) == ("failed", True)
    file = ExportFile.objects.get()
    assert (file.file, file.rows, file.finished_at) == ("", None, None)
    assert desk.get(f"/orders/export-files/{file.pk}/").status_code == 404
    assert "Failed" in desk.get("/orders/export-files/").content.decode()


@pytest.mark.requirement("L-36", "L-38")
def test_an_export_takes_the_filter_of_the_page_and_not_the_ticks(desk, affinity, line):
    make_ready(affinity)
    file = export(desk, affinity, query="&customer_code=K1")
    assert file.rows == 2
    address = f"{PAGE}export/?platform={affinity.pk}"
    desk.post(address, {"kind": "product", "format": "csv", "ids": [line.pk]})
    run_latest_job()
    assert ExportFile.objects.first().rows == 3


@pytest.mark.requirement("L-38", "L-39", "L-40")
def test_a_file_is_kept_with_who_when_and_how_many(desk, exporter, affinity, line):
    file = export(desk, affinity, "cli", "xlsx")
    assert (file.by, file.platform, file.kind, file.rows) == (exporter, affinity, "cli", 1)
    assert file.finished_at >= file.at
    assert file.file.startswith("exports/")
    assert file.checksum == hashlib.sha256(content(file)).hexdigest()
    answer = desk.get(f"/orders/export-files/{file.pk}/")
    assert b"".join(answer.streaming_content) == content(file)
    assert file.download_name in answer["Content-Disposition"]
    assert file.download_name.startswith("affinity-cli-20")
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.requirement("D-05")
def test_the_name_of_a_file_has_the_day_of_the_firm(affinity, exporter, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    late = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)
    file = ExportFile(platform=affinity, kind="product", format="csv", by=exporter, at=late)
    assert file.download_name == "affinity-product-2026-06-01.csv"


@pytest.mark.requirement("L-33", "D-08")
def test_a_file_is_for_those_with_the_permission(desk, client_for, affinity, line):
    file = export(desk, affinity)
    assert client_for("Auditor").get(f"/orders/export-files/{file.pk}/").status_code == 403


@pytest.mark.requirement("L-40")
def test_a_file_that_is_gone_is_not_found(desk, affinity, line):
    file = export(desk, affinity)
    default_storage.delete(file.file)
    assert desk.get(f"/orders/export-files/{file.pk}/").status_code == 404


def test_the_list_of_files_is_filtered(desk, exporter, affinity, other, line):
    product = export(desk, affinity)
    cli = export(desk, affinity, "cli")

    def listed(query: str) -> list[ExportFile]:
        return desk.get(f"/orders/export-files/{query}").context["page"].rows

    assert listed("") == [cli, product]
    assert listed("?kind=product") == [product]
    assert listed(f"?platform={other.pk}") == []
    assert listed(f"?platform={affinity.pk}&by={exporter.username}") == [cli, product]
    assert listed("?by=nobody") == []
    assert product.download_name in desk.get("/orders/export-files/").content.decode()


@pytest.mark.requirement("L-42")
@pytest.mark.parametrize("kind", ExportKind)
@pytest.mark.parametrize("file_format", FileFormat)
def test_an_export_changes_no_status(desk, affinity, line, kind, file_format):
    before = (OrderLine.objects.values().get(pk=line.pk), BillStatusEvent.objects.count())
    assert export(desk, affinity, kind, file_format).rows
    assert (OrderLine.objects.values().get(pk=line.pk), BillStatusEvent.objects.count()) == before


@pytest.mark.requirement("L-37")
@pytest.mark.parametrize("query", ["", "?platform=", "?platform=0", "?platform=x"])
def test_nothing_is_exported_before_a_route_is_chosen(desk, line, query):
    answer = desk.post(f"{PAGE}export/{query}", {"kind": "product", "format": "csv"}, follow=True)
    text = answer.content.decode()
    assert "Choose a billing route at the top right first" in text or "does not fit" in text
    assert not ExportFile.objects.exists()


@pytest.mark.requirement("L-37")
def test_nothing_is_exported_for_ourselves(desk, line):
    house = BillingPlatform.objects.get(is_in_house=True)
    desk.post(f"{PAGE}export/?platform={house.pk}", {"kind": "product", "format": "csv"})
    assert not ExportFile.objects.exists()


@pytest.mark.parametrize("data", [{}, {"kind": "x", "format": "csv"}, {"kind": "cli", "format": 1}])
def test_an_unknown_kind_or_format_is_refused(desk, affinity, data):
    answer = desk.post(f"{PAGE}export/?platform={affinity.pk}", data, follow=True)
    assert "Choose Export Product or Export CLI, as XLSX or CSV." in answer.content.decode()
    assert not ExportFile.objects.exists()


@pytest.mark.requirement("L-33", "D-08")
def test_an_export_by_hand_without_the_permission_is_refused(client_for, affinity, line):
    stranger = client_for("Auditor", "Finance")
    answer = stranger.post(
        f"{PAGE}export/?platform={affinity.pk}", {"kind": "product", "format": "csv"}
    )
    assert answer.status_code == 403
    assert not ExportFile.objects.exists()


@pytest.mark.requirement("L-33")
def test_a_right_taken_away_meanwhile_stops_the_work(desk, exporter, affinity, line):
    desk.post(f"{PAGE}export/?platform={affinity.pk}", {"kind": "product", "format": "csv"})
    exporter.user_permissions.clear()
    assert run_latest_job().status == "failed"
    assert ExportFile.objects.get().file == ""


def test_a_cancelled_export_leaves_no_file(desk, affinity, line, monkeypatch, own_storage):
    desk.post(f"{PAGE}export/?platform={affinity.pk}", {"kind": "product", "format": "csv"})
    monkeypatch.setattr("billing_site.web.job_runs.WRITE_SECONDS", 0)
    real = order_jobs.export_rows

    def cancelled(*arguments, **named):
        jobs.cancel_job(job=Job.objects.get(), at=NOON)
        yield from real(*arguments, **named)

    monkeypatch.setattr(order_jobs, "export_rows", cancelled)
    assert run_latest_job().status == "cancelled"
    assert ExportFile.objects.get().finished_at is None
    assert not own_storage.exists() or not list(own_storage.rglob("*.csv"))


def test_a_file_written_twice_is_kept_once(desk, affinity, line, own_storage):
    file = export(desk, affinity)
    again = order_jobs.finish_export(
        export_id=file.pk, file="exports/other.csv", rows=9, checksum="", at=NOON
    )
    assert again is False
    file.refresh_from_db()
    assert (file.rows, len(list(own_storage.rglob("*.csv")))) == (2, 1)


@pytest.mark.requirement("L-40")
def test_a_larger_export_costs_no_more_queries(desk, affinity, line, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 2)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            export(desk, affinity)
        return len(captured)

    few = queries()
    for _ in range(3):
        make_ready(affinity, order=line.order)
    assert queries() == few


@pytest.mark.requirement("D-05")
def test_what_is_ready_by_hand_without_a_date_has_an_empty_cell(desk, affinity, order):
    line = make_ready(affinity, order=order)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_orderline SET connection_date = NULL, bill_start_computed = NULL "
            "WHERE id = %s",
            [line.pk],
        )
    assert rows(export(desk, affinity))[1][15] == ""


def test_a_line_of_an_order_that_changes_hands_is_read_as_it_is(desk, affinity, line):
    update_line(line_id=line.pk, fields={"notes": "later"}, by=None, at=NOON)
    assert rows(export(desk, affinity))[1][18] == "later"
