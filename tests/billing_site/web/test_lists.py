"""List pages: the address is the state; filters, totals, suggestions, sorting, export."""

import csv
import io
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from billing_site.web import jobs, list_exports
from billing_site.web.list_parts import Export
from billing_site.web.models import Job
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing.enums import InvoiceStatus
from tests.billing_site.web.things import make_thing, make_things
from tests.builders import make_customer

pytestmark = pytest.mark.urls("tests.billing_site.web.urls")


@pytest.fixture
def visit(as_anna, anna):
    anna.user_permissions.add(Permission.objects.get(codename="view_group"))

    def get(query="", **headers):
        return as_anna.get(f"/things/{query}", headers=headers)

    return get


def shown(response) -> list[str]:
    return [row.reference for row in response.context["page"].rows]


def test_a_list_needs_its_permission(as_anna):
    assert as_anna.get("/things/").status_code == 403


def test_a_list_needs_a_log_in(client, db):
    response = client.get("/things/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


@pytest.mark.requirement("CB-45")
def test_a_page_holds_25_rows_and_the_pager_leads_on(visit):
    things = make_things(26)
    first = visit()

    assert len(shown(first)) == 25
    assert 'aria-label="Pages"' in first.content.decode()
    second = visit(first.context["pager"]["next"])
    assert shown(second) == [things[0].reference]
    assert second.context["pager"]["number"] == 2
    assert "next" not in second.context["pager"]
    assert shown(visit(second.context["pager"]["previous"])) == shown(first)
    assert shown(visit(first.context["pager"]["last"]))[-1] == things[0].reference


def test_exactly_25_rows_have_no_second_page(visit):
    make_things(25)
    assert "next" not in visit().context["pager"]


@pytest.mark.requirement("CB-44")
def test_filters_combine_with_each_other_and_with_a_quick_search(visit):
    customer = make_customer()
    both = make_thing(customer, reference="ALPHA-1", total="50")
    make_thing(customer, reference="ALPHA-2", total="50", status=InvoiceStatus.PENDING)
    make_thing(customer, reference="ALPHA-3", total="500")
    make_thing(customer, reference="BETA-1", total="50")
    make_thing(reference="ALPHA-4", total="50")

    query = f"?text=alpha&code={customer.code.lower()}&total_max=100&quick=open"
    assert shown(visit(query)) == [both.reference]


def test_each_active_filter_is_a_chip_with_a_link_without_it(visit):
    make_thing(reference="ALPHA-1")
    response = visit("?text=alpha&total_min=1&total_max=20&status=open&status=pending&quick=open")

    chips = {chip.label: (chip.value, chip.url) for chip in response.context["chips"]}
    assert chips["Total"][0] == "1 to 20"
    assert chips["Status"][0] == "Open, Pending"
    assert "total_" not in chips["Total"][1]
    assert "text=alpha" in chips["Total"][1]
    assert "quick=open" in chips["Total"][1]
    assert len(chips) == 3


@pytest.mark.parametrize(
    "query",
    [
        "?total_min=abc",
        "?period_after=31.31.2026",
        "?status=bogus",
        "?total_min=NaN",
        "?text=a%00b",
    ],
)
def test_a_value_that_does_not_fit_shows_its_error_and_no_rows(visit, query):
    make_thing(reference="a")
    response = visit(query)

    assert response.status_code == 200
    assert shown(response) == []
    assert "The filter cannot be used" in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?customer__user__password=x",
        "?pk__in=1",
        "?_connector=OR",
        "?sort=customer__code",
        "?sort=-status",
        "?quick=nonsense",
        "?after=forged&before=forged",
    ],
)
def test_what_is_not_declared_has_no_effect(visit, query):
    things = make_things(3)
    assert shown(visit(query)) == [thing.reference for thing in reversed(things)]


@pytest.mark.parametrize(
    "name",
    [
        "text",
        "code",
        "status",
        "total_min",
        "period_after",
        "sort",
        "quick",
        "after",
        "page",
        "part",
        "selection",
    ],
)
def test_no_value_breaks_the_page(visit, name):
    for value in (
        "'",
        '"><script>',
        "\x00",
        "9" * 40,
        "-1",
        "٣",
        "1e400",
        "%",
        "😀",
        "a" * 3000,
    ):
        assert visit(f"?{name}={quote(value)}").status_code in (200, 404)


def test_sorting_goes_by_the_columns_of_the_table_both_ways(visit):
    customer = make_customer()
    for total in ("3.00", "1.00", "2.00"):
        make_thing(customer, total=total, reference=f"T-{total}")

    up, down = visit("?sort=total"), visit("?sort=-total")
    assert shown(up) == ["T-1.00", "T-2.00", "T-3.00"]
    assert shown(down) == ["T-3.00", "T-2.00", "T-1.00"]
    assert 'aria-sort="ascending"' in up.content.decode()
    assert "sort=-total" in up.content.decode()
    assert 'aria-sort="descending"' in down.content.decode()


def test_the_page_counts_nothing_and_its_queries_do_not_grow(visit):
    make_things(3)
    visit()  # the permissions of the session's user are read once
    with CaptureQueriesContext(connection) as few:
        visit()
    make_things(40)
    with CaptureQueriesContext(connection) as many:
        visit()

    assert len(many) == len(few)
    rows = [query["sql"] for query in many if "invoicing_invoice" in query["sql"]]
    assert len(rows) == 1
    assert "COUNT" not in rows[0]


def test_totals_are_of_the_whole_filter_and_per_currency(visit):
    make_things(30, total="1.10")
    make_things(2, total="5.00", currency="USD")
    make_things(1, total="7", currency="JPY")
    response = visit("?part=summary")

    assert [
        (line["total"].currency, line["total"].count, line["total"].amounts["total"])
        for line in response.context["lines"]
    ] == [("EUR", 30, Decimal(33)), ("JPY", 1, Decimal(7)), ("USD", 2, Decimal(10))]
    text = response.content.decode()
    assert "33.00" in text
    assert ">7<" in text, "yen have no decimals"
    assert "of 33" in text


def test_totals_follow_the_filter_and_tabs_count_within_it(visit):
    make_things(4, total="1.00")
    make_things(3, total="1.00", status=InvoiceStatus.PENDING)
    make_thing(reference="ELSE", total="100.00")

    response = visit("?part=summary&total_max=50&quick=open")

    assert [line["total"].count for line in response.context["lines"]] == [4]
    assert {tab["key"]: tab["count"] for tab in response.context["tabs"]} == {"all": 7, "open": 4}


@pytest.mark.requirement("CB-34")
def test_a_field_suggests_while_typing_only_what_the_user_may_see(visit):
    make_customer(code="ACME1", name="Acme North")
    make_customer(code="ZETA1", name="The acme shop")
    make_customer(code="ACME9", name="Hidden")

    text = visit("?part=suggest&field=code&code=acme").content.decode()

    assert 'value="ACME1"' in text
    assert 'value="ZETA1"' in text, "the name is searched too"
    assert "ACME9" not in text
    assert visit("?part=suggest&field=code&code=").content.strip() == b""


@pytest.mark.parametrize("field", ["text", "customer__user", "password", ""])
def test_other_fields_suggest_nothing(visit, field):
    assert visit(f"?part=suggest&field={field}&{field}=a").status_code == 404


@pytest.mark.parametrize("query", ["?part=bogus", "?part=export&format=exe"])
def test_unknown_parts_and_formats_are_refused(visit, query):
    assert visit(query).status_code in (400, 404)


def rows_of_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_an_export_holds_the_whole_filter_in_the_order_of_the_list(visit):
    things = make_things(30)
    make_thing(reference="ELSE", total="100.00")

    response = visit("?part=export&format=csv&total_max=50&sort=period_from&after=ignored")

    rows = rows_of_csv(b"".join(response.streaming_content))
    assert rows[0] == ["Reference", "Customer", "Status", "Currency", "Total"]
    assert [row[0] for row in rows[1:]] == [thing.reference for thing in things]
    assert rows[1][2:] == ["Open", "EUR", "10.00"]
    assert "attachment" in response["Content-Disposition"]
    assert "Things 2" in response["Content-Disposition"]


@pytest.mark.parametrize(
    ("currency", "amount", "written"),
    [
        ("EUR", "0.0000", "0.00"),
        ("EUR", "1E+2", "100.00"),
        ("EUR", "-0.1000", "-0.10"),
        ("EUR", "2.6250", "2.625"),
        ("JPY", "100.0000", "100"),
        ("BHD", "2.5000", "2.500"),
        ("XYZ", "2.5000", "2.5"),
    ],
)
def test_an_amount_is_exported_with_the_decimals_of_its_currency(currency, amount, written):
    row = SimpleNamespace(currency=currency, total=Decimal(amount), rate=Decimal("2.620"))
    columns = (Column("total", "Total", Kind.MONEY), Column("rate", "Rate", Kind.DECIMAL))
    total, rate = Export(columns, currency="currency").row(row)
    assert f"{total:f}" == written
    assert rate == row.rate


def test_an_export_as_workbook_has_the_same_rows(visit):
    make_things(3)
    response = visit("?part=export&format=xlsx")

    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    assert sheet.max_row == 4
    assert sheet["E2"].value == 10


def test_an_export_of_a_filter_that_does_not_fit_is_refused(visit):
    response = visit("?part=export&format=csv&total_min=abc")
    assert response.status_code == 302


def test_a_large_export_is_a_job_with_a_download_for_its_owner(
    visit, monkeypatch, settings, tmp_path, bert, client, django_capture_on_commit_callbacks
):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        }
    }
    monkeypatch.setattr(list_exports, "SMALL_ROWS", 2)
    monkeypatch.setattr(jobs.current_app, "send_task", lambda *args, **options: None)
    make_things(3)
    make_thing(make_customer(name="Hidden"))

    response = visit("?part=export&format=csv&text=T")

    job = Job.objects.get()
    assert response["Location"] == "/things/?text=T", "the person stays on the list"
    assert "its download appears here" in client.get(response["Location"]).content.decode()
    progress = client.get("/jobs/progress/").content.decode()
    assert f"watched={job.pk}" in progress
    assert jobs.run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.total) == ("completed", 3, 3)
    link = f'href="/jobs/{job.pk}/download/"'
    assert link in client.get(f"/jobs/{job.pk}/").content.decode()
    assert link in client.get(f"/jobs/progress/?watched={job.pk}").content.decode()
    download = client.get(f"/jobs/{job.pk}/download/")
    assert len(rows_of_csv(b"".join(download.streaming_content))) == 4

    client.force_login(bert)
    assert client.get(f"/jobs/{job.pk}/download/").status_code == 404


def test_an_export_job_of_a_user_who_lost_the_right_writes_nothing(visit, monkeypatch, anna):
    monkeypatch.setattr(list_exports, "SMALL_ROWS", 2)
    monkeypatch.setattr(jobs.current_app, "send_task", lambda *args, **options: None)
    make_things(3)
    visit("?part=export&format=csv")
    anna.user_permissions.clear()

    job = Job.objects.get()
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "no longer have the right" in job.error


def test_an_empty_list_says_so_and_an_empty_filter_says_something_else(visit):
    assert "Nothing here yet" in visit().content.decode()
    make_things(1)
    assert "No things match" in visit("?text=zzz").content.decode()
