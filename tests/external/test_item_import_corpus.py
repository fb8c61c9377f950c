"""Every upload and field value of the attack corpus goes through the page that imports items."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from billing_site.web.spreadsheets.columns import Column
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx
from inventory.imports.columns import ITEM_COLUMNS
from inventory.models import CatalogueItem, ItemImport
from inventory.services.item_imports import import_items
from tests import builders
from tests.external.test_upload_corpus import FIELD_VALUES, UPLOADS, cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]
CORPUS_HEADER = b"contract,product,quantity,price,date"
ITEM_HEADER = b"Name,Code,Metering minimum,Recurring price,Unit"
MARKUP = ("<img src=x", "<svg/onload", "<script>alert", "<style>*{", "</title><script")


@pytest.fixture
def finance(client_for):
    return client_for("Finance")


def send(client, name: str, content: bytes):
    return client.post(
        reverse("inventory:item-import"), {"file": SimpleUploadedFile(name, content)}
    )


def as_items(content: bytes) -> bytes:
    """A CSV file of the corpus with the header of items and a blank GUID in front."""
    header, *lines = content.split(b"\n")
    assert header.strip() == CORPUS_HEADER
    return b"\n".join([b"GUID," + ITEM_HEADER, *(b"," + line for line in lines if line)])


@pytest.mark.requirement("R11", "D-06")
def test_every_upload_ends_in_a_message_and_nothing_is_stored(finance):
    uploads = cases("upload")
    assert len(uploads) == UPLOADS
    for case in uploads:
        name = case["file"].name
        answer = send(finance, name, case["file"].read_bytes())
        assert answer.status_code in (302, 422), name
        if answer.status_code == 422:
            assert answer.context["form"].errors["file"], name
        else:
            assert finance.get(answer.url).status_code == 200, name
    assert not CatalogueItem.objects.exists()


@pytest.mark.requirement("R11", "D-06")
@pytest.mark.parametrize(("family", "least"), [("csv_number", 32), ("csv_date", 8), ("formula", 6)])
def test_rows_of_the_corpus_as_items_are_judged_and_not_imported(finance, family, least):
    found = [
        case
        for case in cases("upload")
        if case["family"] == family and case["path"].endswith("csv")
    ]
    assert len(found) >= least
    for case in found:
        content = case["file"].read_bytes()
        answer = send(finance, case["file"].name, as_items(content))
        assert answer.status_code == 302, case["path"]
        page = finance.get(answer.url)
        assert page.status_code == 200
        done = page.context["upload"]
        assert done.rows_error == done.row_count > 0
        columns = {column for row in done.rows.all() for column, _, _ in row.errors}
        if family == "csv_number" and b'"  "' not in content:  # a blank price is none
            wanted = "E, Recurring price" if "price" in case["path"] else "D, Metering minimum"
            assert wanted in columns, case["path"]
        errors = finance.get(answer.url, {"part": "errors"})
        assert len(errors.content.splitlines()) > done.rows_error
    assert not CatalogueItem.objects.exists()


@pytest.mark.requirement("R11", "R12", "D-06")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_field_values_are_refused_or_come_back_from_an_export_unchanged(finance, kind):
    builders.make_category("Mobile")
    values = [case["file"].read_bytes().decode() for case in cases("field_values")]
    assert len(values) == FIELD_VALUES
    if kind == "csv":  # a CSV file with a NUL is refused as a whole
        values = [value for value in values if "\x00" not in value]
    columns = [Column(str(n), column.title) for n, column in enumerate(ITEM_COLUMNS[:7])]
    rows = [
        ["", f"V{n}", value, "Mobile", "Product", "Hardware", "piece"]
        for n, value in enumerate(values)
    ]
    rows += [
        ["", value, f"Name {n}", "Mobile", value, value, value] for n, value in enumerate(values)
    ]
    stream = io.BytesIO()
    if kind == "csv":
        write_csv(stream, columns, rows)
    else:
        write_xlsx(stream, columns, rows, sheet_title="Items")
    answer = send(finance, f"values.{kind}", stream.getvalue())
    done = ItemImport.objects.get()
    assert answer.url == done.get_absolute_url()
    for query in ({}, {"after": 51}, {"verdict": "error"}):
        page = finance.get(answer.url, query).content.decode()
        assert not [markup for markup in MARKUP if markup in page]
    assert not done.rows.filter(number__gt=len(values) + 1).exclude(verdict="error").exists()
    good = set(done.rows.filter(verdict="new").values_list("number", flat=True))
    assert len(good) >= FIELD_VALUES // 2

    stream = io.BytesIO()
    kept = [row for number, row in enumerate(rows, 2) if number in good]
    write_csv(stream, columns, kept)
    send(finance, "kept.csv", stream.getvalue())
    import_items(import_id=ItemImport.objects.latest("pk").pk, at=timezone.now())
    stored = dict(CatalogueItem.objects.values_list("code", "name"))
    assert stored == {row[1]: row[2].strip() for row in kept}

    export = finance.get(reverse("inventory:item-list"), {"part": "export", "format": kind})
    send(finance, f"again.{kind}", b"".join(export.streaming_content))
    again = ItemImport.objects.latest("pk")
    assert (again.rows_unchanged, again.row_count) == (len(kept), len(kept))
