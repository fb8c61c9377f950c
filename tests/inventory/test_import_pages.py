"""The pages of the import of items: upload, preview, confirm, errors as a file, rights."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing_site.web.spreadsheets.marks import without_mark
from billing_site.web.spreadsheets.reading import open_table
from inventory.enums import ItemType
from inventory.imports.columns import ITEM_COLUMNS
from inventory.models import BillingPlatform, CatalogueItem, ItemImport
from inventory.services import update_item
from tests import builders
from tests.inventory.import_files import HEADER, csv_file, line, table_file, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]
UPLOAD = "inventory:item-import"


@pytest.fixture
def finance(client_for):
    return client_for("Finance")


@pytest.fixture
def mobile():
    return builders.make_category("Mobile")


def text_of(response) -> str:
    return response.content.decode()


def send(client, file: SimpleUploadedFile):
    return client.post(reverse(UPLOAD), {"file": file})


def exported(client, kind: str, **query) -> bytes:
    answer = client.get(reverse("inventory:item-list"), {"part": "export", "format": kind} | query)
    return b"".join(answer.streaming_content)


def rows_of(content: bytes, kind: str) -> tuple[list[str], list[list[str]]]:
    table = open_table(io.BytesIO(content), f"items.{kind}")
    rows = [[without_mark(cell) for cell in cells] for _, cells, _ in table.rows()]
    return [cell.name for cell in table.header], rows


def fill_catalogue() -> None:
    """Items with every type, odd names, long decimals, both routes, set, in-house and blank."""
    affinity = BillingPlatform.objects.create(name="Affinity & Söhne")
    in_house = BillingPlatform.objects.get(is_in_house=True)
    names = ["=1+1", "'=1+1", "-5", "  blanks  ", 'Grüße, "drei"', "+44 call", "007", "TRUE"]
    routes = [None, in_house, affinity]
    for n, item_type in enumerate([*ItemType, *ItemType]):
        builders.make_item(
            code=f"{n:03}",
            name=names[n % len(names)],
            item_type=item_type,
            kind=("product", "service")[n % 2],
            category=builders.make_category(f"Category {n}, „{n}“"),
            upfront_price="12345678901234.0123456789" if n % 3 else None,
            upfront_cost="0.0000000001",
            recurring_price=n or None,
            recurring_cost="1234567.89",
            upfront_route=routes[n % 3],
            recurring_route=routes[(n // 3) % 3],
            metering_minimum="0.25",
            metering_increment="0.000001" if n % 2 else None,
            active=bool(n % 4),
        )


@pytest.mark.requirement("L-8", "L-9", "D-06", "H-L6")
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_imported_as_it_is_changes_nothing(finance, kind):
    fill_catalogue()
    content = exported(finance, kind)
    titles, rows = rows_of(content, kind)
    assert titles == [column.title for column in ITEM_COLUMNS]
    assert titles[0] == "GUID"
    assert len(rows) == CatalogueItem.objects.count() == 14

    answer = send(finance, SimpleUploadedFile(f"items.{kind}", content))

    done = ItemImport.objects.get()
    assert answer.url == done.get_absolute_url()
    assert [row.errors for row in done.rows.filter(verdict="error")] == []
    assert (done.rows_unchanged, done.row_count) == (14, 14)
    page = text_of(finance.get(answer.url))
    assert "This file changes nothing" in page
    assert reverse("inventory:item-confirm", args=[done.pk]) not in page


@pytest.mark.requirement("L-8", "L-9", "D-06", "H-L6")
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_that_was_edited_changes_what_was_edited(finance, kind):
    fill_catalogue()
    titles, rows = rows_of(exported(finance, kind), kind)
    place = titles.index("Recurring Cost Billing Route")
    rows[0][place] = "affinity & söhne"
    rows[1][titles.index("Recurring price")] = "77.5"
    rows.append(["", "NEW-1", "New", rows[0][titles.index("Category")], "service", "usage"])
    rows[-1] += [""] * (len(titles) - len(rows[-1]))

    answer = send(finance, table_file(titles, rows, kind))
    done = ItemImport.objects.get()
    page = text_of(finance.get(answer.url))

    assert (done.rows_new, done.rows_changed, done.rows_unchanged) == (1, 2, 12)
    assert "Import 3 items" in page
    assert "blank: in-house" in page
    answer = finance.post(reverse("inventory:item-confirm", args=[done.pk]), follow=True)
    assert "1 new, 2 changed" in text_of(answer)
    assert CatalogueItem.objects.get(code="000").recurring_route.name == "Affinity & Söhne"
    assert CatalogueItem.objects.get(code="001").recurring_price == 77.5
    assert CatalogueItem.objects.get(code="NEW-1").upfront_route is None


@pytest.mark.requirement("D-06")
def test_the_preview_is_filtered_by_verdict_and_cut_into_pages(finance, mobile):
    items = [builders.make_item(code=f"K{n:02}", unit="SIM") for n in range(60)]
    done = upload(
        "GUID,Code,Unit",
        *(f"{item.guid},{item.code},SIM" for item in items),
        f"{items[0].guid},X,GB",
    )
    address = done.get_absolute_url()
    first = text_of(finance.get(address))
    assert "after=51" in first
    assert "K59" not in first
    assert "K59" in text_of(finance.get(address, {"after": 51}))
    errors = text_of(finance.get(address, {"verdict": "error"}))
    assert "have the same GUID" in errors
    assert "K05" not in errors
    assert "No row has this verdict" in text_of(finance.get(address, {"verdict": "new"}))


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?after=-1", "?after=" + "9" * 30, "?verdict=zz", "?part=zz", "?verdict=%00"],
)
def test_an_odd_address_shows_the_preview(finance, mobile, query):
    done = upload(HEADER, line("A"))
    assert finance.get(done.get_absolute_url() + query).status_code == 200


@pytest.mark.requirement("D-06", "R11", "R12")
def test_errors_are_a_file_with_row_column_value_and_remedy(finance, mobile):
    done = upload(f"{HEADER},Unit,Active", line("A"), line("B", more=",=1+1" + "x" * 40 + ",?<b>"))
    page = text_of(finance.get(done.get_absolute_url()))
    assert "1 row has an error." in page
    assert "<b>" not in page
    assert "Import 1 item" not in page

    errors = finance.get(done.get_absolute_url(), {"part": "errors"})

    assert errors["Content-Disposition"].startswith("attachment")
    lines = errors.content.decode("utf-8-sig").splitlines()
    assert lines[0] == 'Row,Column,Value,"What is wrong, and what to do"'
    assert lines[1].startswith(f'3,"G, Unit",\'=1+1{"x" * 40},')
    assert lines[2].startswith('3,"H, Active",?<b>,')


@pytest.mark.requirement("D-06", "R6")
def test_a_stale_preview_is_shown_anew(finance, mobile):
    item = builders.make_item(recurring_price=5)
    done = upload("GUID,Recurring price", f"{item.guid},6")
    update_item(item_id=item.pk, fields={"recurring_price": 7})

    answer = finance.post(reverse("inventory:item-confirm", args=[done.pk]), follow=True)

    assert "This is the new preview" in text_of(answer)
    assert "Import 1 item" in text_of(answer)
    item.refresh_from_db()
    assert item.recurring_price == 7


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "items.csv", "is empty"),
        (b"a,b\n1,2\n", "items.txt", "not a .csv or .xlsx file"),
        (b"PK\x03\x04", "items.xlsx", "damaged"),
        (b"GUID,guid\n1,2\n", "items.csv", "the same name"),
        (b"GUID,Code\n\x00", "items.csv", "NUL"),
        (b"GUID,Code\n", "items.csv", "no rows"),
        (b"Code,Name\n1,2\n", "items.csv", "no column GUID"),
        (b"a,b\n1,2\n", "x" * 201 + ".csv", "at most 200 characters"),
    ],
)
def test_a_bad_upload_is_a_message_on_the_form(finance, content, name, words):
    answer = send(finance, SimpleUploadedFile(name, content))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not ItemImport.objects.exists()


def test_without_a_file_the_form_says_so(finance):
    answer = finance.post(reverse(UPLOAD), {})
    assert answer.status_code == 422
    assert "required" in text_of(answer)


def test_the_upload_page_lists_the_newest_imports(finance, mobile):
    done = upload(HEADER, line("A"))
    page = text_of(finance.get(reverse(UPLOAD)))
    assert done.get_absolute_url() in page
    finance.post(reverse("inventory:item-discard", args=[done.pk]))
    assert "Discarded" in text_of(finance.get(reverse(UPLOAD)))


@pytest.mark.requirement("L-15")
def test_without_a_platform_the_import_pages_say_nothing_about_routes(finance, mobile):
    done = upload(HEADER, line("A"))
    for address in (reverse(UPLOAD), done.get_absolute_url()):
        assert "route" not in text_of(finance.get(address)).lower()


@pytest.mark.requirement("D-06", "R13")
@pytest.mark.parametrize("role", ["Auditor", "Invoice approval"])
def test_importing_needs_its_own_permission(client_for, mobile, role):
    done = upload(HEADER, line("A"))
    client = client_for(role)

    assert reverse(UPLOAD) not in text_of(client.get(reverse("inventory:item-list")))
    assert client.get(reverse(UPLOAD)).status_code == 403
    assert send(client, csv_file(HEADER, line("B"))).status_code == 403
    assert client.get(done.get_absolute_url()).status_code == 403
    for name in ("item-confirm", "item-discard"):
        assert client.post(reverse(f"inventory:{name}", args=[done.pk])).status_code == 403
    assert not CatalogueItem.objects.exists()
    done.refresh_from_db()
    assert done.is_checked
    assert ItemImport.objects.count() == 1


@pytest.mark.requirement("D-06")
def test_finance_may_import(finance):
    assert reverse(UPLOAD) in text_of(finance.get(reverse("inventory:item-list")))


@pytest.mark.parametrize("pk", [999_999, 10**30])
def test_an_unknown_import_answers_404(finance, pk):
    assert finance.get(reverse("inventory:item-preview", args=[pk])).status_code == 404
    assert finance.post(reverse("inventory:item-confirm", args=[pk])).status_code == 404
