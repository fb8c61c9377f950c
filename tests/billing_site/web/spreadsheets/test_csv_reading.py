import io

import pytest

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
from billing_site.web.spreadsheets.reading import open_table
from tests.billing_site.web.spreadsheets.files import csv_file


def read(content, name="usage.csv", limits=None, encoding="utf-8"):
    table = open_table(csv_file(content, encoding), name, limits or Limits())
    return table, list(table.rows())


def refusal(content, name="usage.csv", limits=None, encoding="utf-8") -> str:
    with pytest.raises(SpreadsheetRefused) as caught:
        read(content, name, limits, encoding)
    return str(caught.value)


def test_rows_carry_the_row_number_that_a_spreadsheet_program_shows():
    table, rows = read('a,b\n1,"two\nlines"\n3,4\n')
    assert [cell.name for cell in table.header] == ["a", "b"]
    assert rows == [(2, ["1", "two\nlines"], ()), (3, ["3", "4"], ())]
    assert table.warnings == []


def test_rows_can_be_read_again_from_the_start():
    table, rows = read("a,b\n1,2\n")
    assert list(table.rows()) == rows


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "näme,b\nÄ,2\n"),
        ("utf-8-sig", "näme,b\nÄ,2\n"),
        ("utf-16", "näme,b\nÄ,2\n"),
    ],
)
def test_unicode_files_are_read_without_a_warning(encoding, text):
    table, rows = read(text, encoding=encoding)
    assert table.header[0].name == "näme"
    assert rows[0][1] == ["Ä", "2"]
    assert table.warnings == []


@pytest.mark.requirement("R11")
def test_windows_1252_is_read_with_a_warning_that_names_the_first_line():
    table, rows = read("a,b\n1,2\nMünchen,5 €\n", encoding="cp1252")
    assert rows[1][1] == ["München", "5 €"]
    assert len(table.warnings) == 1
    assert "Line 3 is not UTF-8" in table.warnings[0]


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "content",
    [
        "a\nÄ\n".encode() + b"\xfc\n",  # UTF-8 and Windows-1252 in one file
        b"\xef\xbb\xbfa\n\xfc\n",  # says UTF-8, is not
        b"a\n\x81\xfc\n",  # a byte that Windows-1252 does not have
        "a\nÄÄ\n".encode()[:-2],  # cut inside a character
    ],
)
def test_text_that_could_only_be_guessed_is_refused(content):
    assert "broken text" in refusal(content)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows below"),
        (b"\n,,\n", "no header row"),
        (b"a,b\n1,\x002\n", "Line 2 holds NUL bytes"),
        ("a,b\n1,2\n".encode("utf-16-le"), "unmarked UTF-16"),
        ("a,b\n1,2\n".encode("utf-32"), "UTF-32"),
        ("a,b\n1,\x002\n".encode("utf-16"), "NUL characters"),
        ("a,b\n".encode("utf-16") + b"\x00", "broken UTF-16"),
        (b"%PDF-1.4\na,b\n1,2\n", "PDF"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"MZ\x90\x00", "program"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"  <html><b>1</b></html>", "web page"),
        (b"Contract, CONTRACT\n1,2\n", "A and B"),
        ("a,ａ\n1,2\n".encode(), "same name"),
        ("a,a\u200b\n1,2\n".encode(), "same name"),
        (b'a,b\n1,"2\n3,4\n', "Row 2"),
        (b'a,b\n1,"2"x\n', "Row 2"),
        (b'"a,b\n1,2\n', "Row 1, the header"),
        (b"a;b,c\n1,2\n", "comma and semicolon"),
    ],
)
def test_files_that_are_no_clear_table_are_refused_with_a_remedy(content, words):
    assert words in refusal(content)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "name",
    ["usage.txt", "usage", "usage.csv.exe", "usage.xls", "tick'quote;.csv", "a\u202ecsv.csv"],
)
def test_only_csv_and_xlsx_with_plain_names_are_accepted(name):
    assert "file" in refusal(b"a,b\n1,2\n", name)


def test_an_upper_case_ending_is_the_same_ending():
    assert read(b"a,b\n1,2\n", "USAGE.CSV")[1] == [(2, ["1", "2"], ())]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("a,b,c", ["a", "b", "c"]),
        ("a;b;c", ["a", "b", "c"]),
        ("a\tb\tc", ["a", "b", "c"]),
        ('"a;x",b;c,d', ["a;x", "b;c", "d"]),
        ("only", ["only"]),
        (" a , b ,", ["a", "b"]),
    ],
)
def test_the_header_alone_decides_the_delimiter(header, names):
    table = open_table(csv_file(header + "\n1;2,3\t4;5,6;7\n"), "u.csv")
    assert [cell.name for cell in table.header] == names


def test_header_names_compare_without_case_width_and_invisible_signs():
    table = open_table(csv_file("Customer  Code\u200b,ＱＴＹ\n1,2\n"), "u.csv")
    assert [cell.key for cell in table.header] == ["customer code", "qty"]


@pytest.mark.requirement("R11")
def test_ragged_rows_are_problems_of_their_row_and_the_others_are_read():
    table, rows = read("a,b\n1\n1,2,3\n1,2,\n1,2\n")
    assert [(number, len(problems)) for number, _, problems in rows] == [
        (2, 1),
        (3, 1),
        (4, 0),
        (5, 0),
    ]
    assert "3 cells, the header has 2" in rows[1][2][0].sentence
    assert all(len(cells) == len(table.header) for _, cells, _ in rows)


@pytest.mark.requirement("R11")
def test_data_after_blank_rows_is_read_with_a_warning():
    table, rows = read("a,b\n1,2\n\n,\n3,4\n\n\n")
    assert [number for number, _, _ in rows] == [2, 5]
    assert table.warnings == [
        "Rows 3 to 4 are blank, but data follows: it is read too. "
        "Remove what does not belong to the table."
    ]


def test_blank_rows_at_the_end_are_no_warning():
    assert read("a,b\n1,2\n\n\n")[0].warnings == []


@pytest.mark.requirement("R11")
def test_each_bound_holds_at_its_limit_and_refuses_beyond():
    limits = Limits(max_csv_bytes=60, max_rows=2, max_columns=3, max_cell_length=8)
    assert len(read("a,b,c\n1,2,3\n1,2,3\n", limits=limits)[1]) == 2
    assert "more than 2 rows" in refusal("a,b,c\n1,2,3\n1,2,3\n1,2,3\n", limits=limits)
    assert "4 columns, at most 3" in refusal("a,b,c,d\n1,2,3,4\n", limits=limits)
    assert "at most 0 MB" in refusal("a,b,c\n" + "1,2,3\n" * 10, limits=limits)
    assert read("a,b\n12345678,2\n", limits=limits)[1][0][2] == ()
    problem = read("a,b\n123456789,2\n", limits=limits)[1][0][2][0]
    assert problem.position == 0
    assert "9 characters, at most 8" in problem.sentence


def test_an_over_long_cell_is_found_in_a_row_of_several_lines():
    limits = Limits(max_cell_length=50)
    _, rows = read('a,b\n1,"' + "x\n" * 30 + '"\n', limits=limits)
    assert rows[0][2][0].position == 1


@pytest.mark.requirement("R11")
def test_an_endless_line_is_refused_before_it_is_held():
    assert "longer than" in refusal(b"a,b\n" + b"x" * 3_000_000)


def test_carriage_returns_alone_end_rows():
    assert [row[1] for row in read(b"a,b\r1,2\r3,4\r")[1]] == [["1", "2"], ["3", "4"]]


def test_the_upload_stays_open():
    file = csv_file("a,b\n1,2\n")
    list(open_table(file, "u.csv").rows())
    assert not file.closed


def test_a_path_is_closed_with_the_table(tmp_path):
    path = tmp_path / "usage.csv"
    path.write_text("a,b\n1,2\n")
    with open_table(path, path.name) as table:
        assert list(table.rows()) == [(2, ["1", "2"], ())]
    assert table.owned_file.closed


def test_a_large_file_is_streamed_in_bounded_memory():
    """100,000 rows pass through while only one is held."""
    import tracemalloc

    file = io.BytesIO(b"reference,customer,amount\n" + b"R-1,C-1,12.50\n" * 100_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in open_table(file, "u.csv").rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 4_000_000
