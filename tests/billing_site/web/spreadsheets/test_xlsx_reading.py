import datetime as dt
import io
import random
import struct
import zipfile

import openpyxl
import pytest

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.sheets import date_text, number_text
from tests.billing_site.web.spreadsheets.files import (
    HEADER,
    NAMESPACE,
    RELATIONS,
    header_row,
    parts,
    sheet_xml,
    text_cell,
    workbook,
    zipped,
)


def read(file, limits=None):
    table = open_table(file, "usage.xlsx", limits or Limits())
    return table, list(table.rows())


def refusal(file, limits=None) -> str:
    with pytest.raises(SpreadsheetRefused) as caught:
        read(file, limits)
    return str(caught.value)


def one_row(cells: str, **more):
    return workbook(sheet_xml(header_row() + f'<row r="2">{cells}</row>', **more))


def test_a_workbook_of_another_program_reads_like_openpyxl_wrote_it():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["text", "number", "day", "moment", "blank"])
    sheet.append(["Ä =1", 12.5, dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 10, 30, 5), None])
    sheet.append(["a\tb", -3, dt.date(1990, 1, 1), dt.datetime(2099, 12, 31, 23, 59, 59), "x"])
    stream = io.BytesIO()
    book.save(stream)
    table, rows = read(stream)
    assert [cell.name for cell in table.header] == ["text", "number", "day", "moment", "blank"]
    assert rows == [
        (2, ["Ä =1", "12.5", "2026-01-31", "2026-01-31 10:30:05", ""], ()),
        (3, ["a\tb", "-3", "1990-01-01", "2099-12-31 23:59:59", "x"], ()),
    ]
    assert table.warnings == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("0", "0"),
        ("-12", "-12"),
        ("10.50", "10.50"),
        ("1.1000000000000001", "1.1"),  # how a workbook writes 1.1
        ("8.4100000000000001", "8.41"),
        ("1E-4", "0.0001"),
        ("1.5e3", "1500"),
        ("123456789012345", "123456789012345"),
        ("1234567890.12345", "1234567890.12345"),
    ],
)
def test_numbers_come_through_exactly(raw, text):
    assert number_text(raw) == (text, "")


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "raw",
    ["0.30000000000000004", "1234567890123456", "0.1234567890123456", "1e400", "1e-40", "NaN"],
)
def test_numbers_that_a_workbook_cannot_keep_exactly_are_refused(raw):
    text, problem = number_text(raw)
    assert text == raw
    assert problem


@pytest.mark.parametrize(
    ("raw", "since_1904", "text"),
    [
        ("61", False, "1900-03-01"),
        ("46053", False, "2026-01-31"),
        ("46053.4375", False, "2026-01-31 10:30:00"),
        ("44591", True, "2026-01-31"),
        ("46053.437506", False, "2026-01-31 10:30:00.518"),
    ],
)
def test_date_cells_become_iso_dates(raw, since_1904, text):
    assert date_text(raw, since_1904) == (text, "")


@pytest.mark.parametrize("raw", ["60", "0.5", "-1", "1e9", "x"])
def test_serial_numbers_that_are_no_day_are_refused(raw):
    assert date_text(raw, False)[1]


def test_shared_texts_drop_phonetic_hints_and_join_formatted_runs():
    texts = (
        f'<sst xmlns="{NAMESPACE}"><si><t>plain</t></si>'
        "<si><r><t>two </t></r><r><t>runs</t></r><rPh><t>hint</t></rPh></si>"
        "<si><t>tab_x0009_escaped_x005F_x0041_</t></si></sst>"
    )
    rows = header_row(("a", "b", "c")) + (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c>'
        '<c r="C2" t="s"><v>2</v></c></row>'
    )
    _, read_rows = read(workbook(sheet_xml(rows), texts=texts))
    assert read_rows[0][1] == ["plain", "two runs", "tab\tescaped_x0041_"]


def test_prefixed_namespaces_and_cells_without_references_are_read():
    sheet = (
        f'<x:worksheet xmlns:x="{NAMESPACE}"><x:sheetData>'
        '<x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
        "<x:row><x:c><x:v>1</x:v></x:c><x:c><x:v>2</x:v></x:c></x:row>"
        "</x:sheetData></x:worksheet>"
    )
    assert read(workbook(sheet))[1] == [(2, ["1", "2"], ())]


@pytest.mark.requirement("R11")
def test_formula_results_hidden_rows_and_merged_cells_are_named_in_warnings():
    rows = (
        header_row()
        + '<row r="2" hidden="1"><c r="A2"><f>1+1</f><v>2</v></c></row>'
        + '<row r="7"><c r="A7"><v>3</v></c></row>'
    )
    table, found = read(
        workbook(
            sheet_xml(
                rows,
                before='<cols><col min="1" max="1" hidden="1"/></cols>',
                after='<mergeCells><mergeCell ref="A8:B9"/></mergeCells>',
            )
        )
    )
    assert [number for number, _, _ in found] == [2, 7]
    words = "\n".join(table.warnings)
    assert len(table.warnings) == 5
    assert "Cell A2 (and perhaps others) holds a formula" in words
    assert "Row 2 is hidden" in words
    assert "Rows 3 to 6 are blank" in words
    assert "A8:B9" in words
    assert "hidden columns" in words


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('<c r="D2" t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="D2" t="b"><v>1</v></c>', "logical value TRUE"),
        ('<c r="D2"><f>NOW()</f></c>', "without a saved result"),
        ('<c r="D2"><v>1e400</v></c>', "too large"),
        ('<c r="D2"><v>0.30000000000000004</v></c>', "15 digits"),
        ('<c r="D2" t="zz"><v>1</v></c>', "unknown kind"),
    ],
)
def test_cells_without_a_usable_value_are_problems_of_that_cell(cell, words):
    _, rows = read(one_row(text_cell("A2", "C-1") + cell))
    number, cells, problems = rows[0]
    assert (number, cells[0], len(cells)) == (2, "C-1", len(HEADER))
    assert [(problem.position, words in problem.sentence) for problem in problems] == [(3, True)]


def test_a_value_beyond_the_header_is_a_problem_of_the_row():
    _, rows = read(one_row(text_cell("A2", "C-1") + text_cell("G2", "lost")))
    assert rows[0][2][0].position is None
    assert "Column G" in rows[0][2][0].sentence


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('<row r="0"><c r="A0"><v>1</v></c></row>', "out of order"),
        ('<row r="-1"/>', "has a row"),
        ('<row r="1048577"/>', "out of order"),
        (header_row() + header_row(number=1), "out of order"),
        (header_row() + '<row r="2"><c r="XFD2"><v>1</v></c></row>', "XFD2"),
        (header_row() + '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>', "order"),
        (header_row() + '<row r="2"><c r="A2" t="s"><v>9</v></c></row>', "does not hold"),
        (header_row() + '<row r="2"><c r="?" ><v>9</v></c></row>', "“?”"),
        (header_row(), "no rows below"),
        ("", "is empty"),
        ('<row r="1"><c r="A1" t="e"><v>#N/A</v></c></row>', "header"),
        (header_row(("a", "A")), "same name"),
    ],
)
def test_broken_sheets_are_refused(rows, words):
    assert words in refusal(workbook(sheet_xml(rows)))


def test_only_the_first_visible_sheet_is_read_and_the_others_are_named():
    book = (
        f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="Hidden" sheetId="3" r:id="rId9" state="hidden"/>'
        '<sheet name="Usage" sheetId="1" r:id="rId1"/>'
        '<sheet name="May" sheetId="2" r:id="rId8"/></sheets></workbook>'
    )
    sheet = sheet_xml(header_row() + '<row r="2"><c r="A2"><v>1</v></c></row>')
    table, _ = read(workbook(sheet, workbook=book))
    assert table.warnings == [
        "Only the sheet “Usage” is read, not “May”: upload other sheets as files of their own."
    ]


GOOD = sheet_xml(header_row() + '<row r="2"><c r="A2"><v>1</v></c></row>')
DOCTYPE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (parts(DOCTYPE + GOOD), "document type"),
        (parts(GOOD, texts=DOCTYPE + "<sst/>"), "document type"),
        (parts(GOOD, styles=DOCTYPE + "<x/>"), "document type"),
        (parts((DOCTYPE + GOOD).encode("utf-16")), "document type"),
        (parts(GOOD[:-20]), "broken XML"),
        (parts(b"\xff" * 10), "broken XML"),
        (parts(GOOD, workbook="<workbook/>"), "no visible sheet"),
        (parts(GOOD, types="<Types/>"), "no Excel workbook"),
        (parts(GOOD, types='<Types><Override ContentType="x.macroEnabled.y"/></Types>'), "macros"),
        ({**parts(GOOD), "xl/vbaProject.bin": b"x"}, "macros"),
        ({**parts(GOOD), "../../etc/x": b"x"}, "unsafe name"),
        ({**parts(GOOD), "/etc/x": b"x"}, "unsafe name"),
        ({**parts(GOOD), "xl\\x": b"x"}, "unsafe name"),
        ({**parts(GOOD), "XL/Workbook.xml": b"x"}, "twice"),
        ({**parts(GOOD), **{f"x/{i}": b"" for i in range(500)}}, "504 parts"),
        ({"a.txt": b"x"}, "no Excel workbook"),
        (parts(sheet_xml("<!--" + random.Random(1).randbytes(900_000).hex() + "-->")), "endless"),
        (parts(b"0" * 80_000_000), "unusual size"),
        (parts(GOOD, texts=f"<sst><si><t>{'abc' * 20_000}</t></si></sst>"), "shorten it"),
    ],
)
def test_hostile_archives_are_refused(content, words):
    assert words in refusal(zipped(content))


@pytest.mark.requirement("R11")
def test_an_archive_that_lies_about_its_sizes_is_refused():
    """The directory says 10 bytes, the part inflates to 50 MB."""
    file = zipped(parts(b" " * 50_000_000))
    data = bytearray(file.getvalue())
    entry = data.rfind(b"xl/worksheets/s.xml") - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 24 : entry + 28] = struct.pack("<L", 10)
    assert refusal(io.BytesIO(bytes(data)))


@pytest.mark.requirement("R11")
def test_a_huge_directory_is_refused_before_it_is_read():
    data = bytearray(zipped(parts(GOOD)).getvalue())
    end = data.rfind(b"PK\x05\x06")
    data[end + 10 : end + 16] = struct.pack("<HL", 4, 900_000_000)
    assert "parts" in refusal(io.BytesIO(bytes(data)))


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500, b"\xd0\xcf\x11\xe0"])
def test_files_that_only_begin_like_a_workbook_are_refused(data):
    assert "save it" in refusal(io.BytesIO(data))


def test_encrypted_parts_are_refused():
    data = bytearray(zipped(parts(GOOD)).getvalue())
    entry = data.find(b"PK\x01\x02")
    data[entry + 8] |= 1
    assert "password" in refusal(io.BytesIO(bytes(data)))


def test_rare_compression_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        for name, data in parts(GOOD).items():
            archive.writestr(name, data)
    assert "rare way" in refusal(stream)


@pytest.mark.requirement("R11")
def test_row_column_and_element_bounds_hold():
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(2, 5))
    sheet = sheet_xml(header_row(("a",)) + rows)
    assert len(read(workbook(sheet), Limits(max_rows=3))[1]) == 3
    assert "more than 2 rows" in refusal(workbook(sheet), Limits(max_rows=2))
    assert "XML elements" in refusal(workbook(sheet), Limits(max_elements=5))
    assert "beyond the 4 columns" in refusal(workbook(GOOD), Limits(max_columns=4))
    assert len(read(workbook(GOOD), Limits(max_columns=5))[1]) == 1
    assert "unpacks to" in refusal(workbook(sheet), Limits(max_unpacked=500))
    assert "more text" in refusal(
        workbook(sheet, texts="<sst><si><t>abc</t></si></sst>"), Limits(max_text_memory=10)
    )
