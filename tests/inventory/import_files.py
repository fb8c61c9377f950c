"""Files of items for the tests of their import."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile

from billing_site.web.spreadsheets.columns import Column
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx
from inventory.models import ItemImport
from inventory.services.item_imports import upload_items
from tests import builders

HEADER = "GUID,Code,Name,Category,Kind,Type"
ROUTED = f"{HEADER},Up-front Cost Billing Route,Recurring Cost Billing Route"
UPFRONT, RECURRING = "Up-front Cost Billing Route", "Recurring Cost Billing Route"


def line(code="N1", *, guid="", name="New item", category="Mobile", more="") -> str:
    """A row below :data:`HEADER`; ``more`` is what stands below further columns."""
    return f"{guid},{code},{name},{category},Product,Hardware{more}"


def csv_file(*lines: str, name="items.csv") -> SimpleUploadedFile:
    """The first line is the header; shorter rows are filled up with blank cells."""
    width = lines[0].count(",")
    filled = [row + "," * max(0, width - row.count(",")) for row in lines]
    return SimpleUploadedFile(name, "\n".join(filled).encode())


def table_file(titles: list[str], rows: list[list], kind: str) -> SimpleUploadedFile:
    """A file as a spreadsheet program would save it; every cell is text."""
    stream = io.BytesIO()
    columns = [Column(str(n), title) for n, title in enumerate(titles)]
    if kind == "csv":
        write_csv(stream, columns, rows)
    else:
        write_xlsx(stream, columns, rows, sheet_title="Items")
    return SimpleUploadedFile(f"items.{kind}", stream.getvalue())


def upload(*lines: str) -> ItemImport:
    file = csv_file(*lines)
    return upload_items(file=file, filename="items.csv", owner=builders.make_user("Finance"))


def verdicts(done: ItemImport) -> list[tuple[int, str]]:
    return list(done.rows.values_list("number", "verdict"))


def errors(done: ItemImport) -> list[tuple[int, str, str]]:
    """(row, column, sentence) of every error."""
    return [
        (row.number, column, sentence)
        for row in done.rows.filter(verdict="error")
        for column, _, sentence in row.errors
    ]
