import csv
import datetime as dt
import io
import random
import tracemalloc
import zipfile
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from billing_site.kernel.errors import DomainError
from billing_site.web.spreadsheets import writing
from billing_site.web.spreadsheets.cells import parse_text
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.marks import needs_mark, with_mark, without_mark
from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx

BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = [
    Column("name", "Name"),
    Column("count", "Count", Kind.INTEGER),
    Column("price", "Price", Kind.DECIMAL),
    Column("total", "Total", Kind.MONEY),
    Column("on", "Day", Kind.DATE),
    Column("at", "Moment", Kind.DATETIME),
    Column("active", "Active", Kind.BOOLEAN),
]
AT = dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)
ROW = ("Ärger AG", 3, Decimal("0.000125"), Decimal("-12.50"), dt.date(2026, 1, 31), AT, True)
BLANK = ("x",) + (None,) * 6
HOSTILE = [
    "=1+1",
    "+1",
    "-abc",
    "@SUM(A1)",
    "|calc",
    "%s%s",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "－1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "'=1",
    "''=1",
    "'",
    "'abc",
    "' OR 1=1 --",
    '=HYPERLINK("http://127.0.0.1","x")',
    '"=1"',
    "a,b;c\td",
    "ACME\r\nSet-Cookie: a=b",
    "http://127.0.0.1",
    "00123",
    "1e5",
    "_x0041_",
    "😀",
    " leading and trailing ",
]


def csv_bytes(columns, rows, **options):
    stream = io.BytesIO()
    count = write_csv(stream, columns, rows, **options)
    return stream, count


def xlsx_stream(columns, rows, **options):
    stream = io.BytesIO()
    count = write_xlsx(stream, columns, rows, **{"sheet_title": "List"} | options)
    return stream, count


def test_csv_is_utf8_with_mark_and_plain_typed_cells():
    stream, count = csv_bytes(COLUMNS, iter([ROW, BLANK]), time_zone=BERLIN)
    assert count == 2
    assert stream.getvalue().decode("utf-8-sig").splitlines() == [
        "Name,Count,Price,Total,Day,Moment,Active",
        "Ärger AG,3,0.000125,-12.50,2026-01-31,2026-01-31T10:30:00+01:00,yes",
        "x,,,,,,",
    ]
    assert stream.getvalue()[:3] == b"\xef\xbb\xbf"
    assert b"\r\n" in stream.getvalue()
    assert not stream.closed


def test_xlsx_has_typed_cells_a_frozen_header_and_a_filter():
    stream, count = xlsx_stream(COLUMNS, iter([ROW, BLANK]), time_zone=BERLIN)
    assert count == 2
    sheet = openpyxl.load_workbook(stream).active
    header, row, _ = sheet.iter_rows()
    assert [cell.value for cell in header] == [column.title for column in COLUMNS]
    assert all(cell.font.bold for cell in header)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G3"
    assert [cell.value for cell in row] == [
        "Ärger AG",
        3,
        0.000125,
        -12.5,
        dt.datetime(2026, 1, 31),
        dt.datetime(2026, 1, 31, 10, 30),
        "yes",
    ]
    assert [cell.number_format for cell in row[1:6]] == [
        "#,##0",
        "#,##0.000000",
        "#,##0.00",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm:ss",
    ]


@pytest.mark.requirement("R12")
def test_no_text_cell_of_a_csv_file_begins_a_formula():
    stream, _ = csv_bytes([Column("t", "=Title")], ([text] for text in HOSTILE))
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))
    assert len(rows) == len(HOSTILE) + 1
    for (cell,) in rows:
        assert cell[0] == "'" or not needs_mark(cell)
    marked = sum(cell != text for (cell,), text in zip(rows[1:], HOSTILE, strict=True))
    assert marked == sum(map(needs_mark, HOSTILE)) == 18


@pytest.mark.requirement("R12")
def test_no_text_cell_of_a_workbook_is_a_formula_or_link():
    stream, _ = xlsx_stream([Column("t", "=Title")], ([text] for text in HOSTILE))
    book = openpyxl.load_workbook(stream)
    cells = [row[0] for row in book.active.iter_rows()]
    assert len(cells) == len(HOSTILE) + 1
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    with zipfile.ZipFile(stream) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_then_import_gives_the_same_text(kind):
    write = csv_bytes if kind == "csv" else xlsx_stream
    stream, _ = write([Column("k", "Key"), Column("t", "Text")], (["k", text] for text in HOSTILE))
    rows = list(open_table(stream, f"export.{kind}").rows())
    assert [parse_text(cells[1], 100) for _, cells, _ in rows] == HOSTILE


@pytest.mark.requirement("R12")
def test_marking_is_undone_for_any_text():
    """5,000 random texts of dangerous and harmless signs; the seed is fixed."""
    pick = random.Random(20261122)
    signs = "='+-@|%\t\r\n aé\u200b＝1,"
    for _ in range(5_000):
        text = "".join(pick.choices(signs, k=pick.randint(0, 6)))
        assert without_mark(with_mark(text)) == text
        assert not needs_mark(with_mark(text)) or with_mark(text)[0] == "'"


def test_typed_columns_are_never_marked():
    stream, _ = csv_bytes([Column("a", "A", Kind.MONEY)], [[Decimal("-5")], [-5]])
    assert stream.getvalue().decode("utf-8-sig").splitlines() == ["A", "-5", "-5"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("0", "0"),
        ("0E-15", "0"),
        ("-0.000", "0"),
        ("100", "100"),
        ("1E+2", "100"),
        ("4403.000000000000000", "4403"),
        ("2.620000000000000", "2.62"),
        ("-0.10", "-0.1"),
        ("0.000000000000001", "0.000000000000001"),
        ("999999999999999.999999999999999", "999999999999999.999999999999999"),
    ],
)
def test_quantities_and_prices_are_written_without_the_zeros_of_their_storage(stored, shown):
    stream, _ = csv_bytes([Column("a", "A", Kind.DECIMAL)], [[Decimal(stored)]])
    assert stream.getvalue().decode("utf-8-sig").splitlines()[1] == shown

    stream, _ = xlsx_stream([Column("a", "A", Kind.DECIMAL)], [[Decimal(stored)]])
    cell = openpyxl.load_workbook(stream).active["A2"]
    places = len(shown.partition(".")[2])
    if len(shown) < 30:
        assert cell.value == float(shown)
        assert cell.number_format == ("#,##0." + "0" * places if places else "#,##0")
    else:
        assert cell.value == shown


@pytest.mark.parametrize(
    ("amount", "number_format"),
    [("0", "#,##0"), ("0.00", "#,##0.00"), ("-0.10", "#,##0.00"), ("1.250", "#,##0.000")],
)
def test_an_amount_is_written_with_the_decimals_it_comes_with(amount, number_format):
    stream, _ = csv_bytes([Column("a", "A", Kind.MONEY)], [[Decimal(amount)]])
    assert stream.getvalue().decode("utf-8-sig").splitlines()[1] == amount

    stream, _ = xlsx_stream([Column("a", "A", Kind.MONEY)], [[Decimal(amount)]])
    cell = openpyxl.load_workbook(stream).active["A2"]
    assert (cell.value, cell.number_format) == (float(amount), number_format)


@pytest.mark.requirement("R14")
def test_numbers_beyond_fifteen_digits_are_text_in_a_workbook():
    values = [
        Decimal("999999999999.125"),
        Decimal("9999999999999.123"),
        Decimal("1.50000000000000000"),
    ]
    stream, _ = xlsx_stream([Column("a", "A", Kind.MONEY)], ([value] for value in values))
    cells = [row[0].value for row in openpyxl.load_workbook(stream).active.iter_rows(min_row=2)]
    assert cells == [999999999999.125, "9999999999999.123", 1.5]
    rows = list(open_table(stream, "x.xlsx").rows())
    assert [Decimal(row[1][0]) for row in rows] == values


def test_control_characters_and_lone_surrogates_do_not_break_a_workbook():
    stream, _ = xlsx_stream([Column("a", "A")], [["a\x01b\x00"], ["\ud800x"], ["\ufffe"]])
    rows = [row[1][0] for row in open_table(stream, "x.xlsx").rows()]
    assert rows == ["a\x01b\x00", "?x", "\ufffe"]


def test_a_text_too_long_for_a_cell_is_cut_visibly():
    stream, _ = xlsx_stream([Column("a", "A")], [["x" * 40_000]])
    value = openpyxl.load_workbook(stream).active["A2"].value
    assert len(value) == 32_767
    assert value.endswith("(cut: the whole text is in the CSV export)")


def test_dates_before_1900_are_text_in_a_workbook():
    stream, _ = xlsx_stream([Column("a", "A", Kind.DATE)], [[dt.date(1899, 12, 31)]])
    assert openpyxl.load_workbook(stream).active["A2"].value == "1899-12-31"


@pytest.mark.parametrize("title", ["", "[]:*?/\\", "History", "'a'", "x" * 40])
def test_any_sheet_title_is_made_valid(title):
    stream, _ = xlsx_stream([Column("a", "A")], [["x"]], sheet_title=title)
    assert 1 <= len(openpyxl.load_workbook(stream).active.title) <= 31


def test_a_float_is_refused():
    with pytest.raises(TypeError, match="Decimal"):
        csv_bytes([Column("a", "A", Kind.MONEY)], [[1.5]])
    with pytest.raises(TypeError, match="Decimal"):
        xlsx_stream([Column("a", "A", Kind.MONEY)], [[1.5]])


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="zip"):
        csv_bytes([Column("a", "A")], [["x", "y"]])
    with pytest.raises(ValueError, match="zip"):
        xlsx_stream([Column("a", "A")], [["x", "y"]])


def test_more_rows_than_a_sheet_holds_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(writing, "MAX_SHEET_ROWS", 2)
    assert xlsx_stream([Column("a", "A")], [["x"]] * 2)[1] == 2
    with pytest.raises(DomainError, match="export CSV"):
        xlsx_stream([Column("a", "A")], [["x"]] * 3)


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_an_export_is_streamed_in_bounded_memory(write, tmp_path):
    """20 MB of text pass through while only one row is held."""
    options = {"sheet_title": "List"} if write is write_xlsx else {}
    rows = ([f"{number:020000d}"] for number in range(1_000))
    tracemalloc.start()
    try:
        with (tmp_path / "out").open("wb") as stream:
            assert write(stream, [Column("a", "A")], rows, **options) == 1_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.requirement("R12", "L-39")
@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("+4915112345678", False),
        ("+441632960123", False),
        ("+1", True),
        ("+49 151 12345", True),
        ("+49151+1", True),
        ("+1234567890123456", True),
        ("-4915112345678", True),
    ],
)
def test_a_telephone_number_alone_is_not_marked(text, marked):
    assert needs_mark(text) is marked
    assert without_mark(with_mark(text)) == text
