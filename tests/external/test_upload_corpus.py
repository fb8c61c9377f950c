"""Every upload and field value of the attack corpus goes through the spreadsheet floor."""

import io
import json
import subprocess
import sys

import pytest

from billing_site.web.spreadsheets.cells import parse_text
from billing_site.web.spreadsheets.columns import Column
from billing_site.web.spreadsheets.errors import CellError
from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx
from tests.external.shared_data import ROOT, shared_file
from tests.external.upload_probe import MEMORY, SECONDS

UPLOADS, FIELD_VALUES = 93, 42
CLEAN = {"refused", "row_errors", "accepted"}
ALLOWED = {
    "row_errors_or_clean_message": CLEAN,
    "refused_with_message": {"refused"},
    "accepted": {"accepted"},
    "accepted_then_neutralised_on_export": {"accepted"},
}


def cases(kind: str) -> list[dict]:
    folder = shared_file("attacks")
    manifest = json.loads((folder / "manifest.json").read_text())
    return [case | {"file": folder / case["path"]} for case in manifest if case["kind"] == kind]


@pytest.fixture(scope="module")
def outcomes():
    uploads = cases("upload")
    done = subprocess.run(
        [sys.executable, "-m", "tests.external.upload_probe"],
        input="".join(f"{case['file']}\n" for case in uploads),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
        check=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return list(zip(uploads, results, strict=True))


@pytest.mark.requirement("R11")
def test_every_upload_ends_in_rows_or_a_message_within_the_bounds(outcomes):
    assert len(outcomes) == UPLOADS
    for case, result in outcomes:
        name = case["path"]
        assert result["outcome"] in ALLOWED[case["expect"]], (name, result)
        assert result["seconds"] < SECONDS, name
        assert result["memory"] < MEMORY, name
        assert result["outcome"] == "accepted" or all(result["messages"]), name
        assert result["outcome"] == "accepted" or result["messages"], name


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(("family", "count"), [("csv_number", 32), ("csv_date", 8)])
def test_every_bad_number_and_date_is_an_error_of_its_row(outcomes, family, count):
    found = [result for case, result in outcomes if case["family"] == family]
    assert len(found) == count
    for result in found:
        assert result["outcome"] == "row_errors", result
        assert result["messages"][0].startswith("row 2, "), result


@pytest.mark.requirement("R12")
def test_formulas_are_accepted_as_text_and_neutralised_on_export(outcomes):
    found = [result for case, result in outcomes if case["family"] == "formula"]
    assert len(found) == 7
    assert [result["outcome"] for result in found] == ["accepted"] * 7
    assert all(result["export_is_safe"] for result in found)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("cp1252.csv", "Windows-1252"),
        ("hidden_rows.xlsx", "hidden"),
        ("formula.xlsx", "formula"),
        ("merged.xlsx", "merged"),
    ],
)
def test_what_was_assumed_is_said(outcomes, name, word):
    result = next(result for case, result in outcomes if case["path"].endswith(name))
    assert any(word in warning for warning in result["warnings"])


@pytest.mark.requirement("R11", "R12")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_field_values_are_refused_or_come_back_from_an_export_unchanged(kind):
    values = [case["file"].read_bytes().decode() for case in cases("field_values")]
    assert len(values) == FIELD_VALUES
    kept, refused = [], []
    for value in values:
        try:
            parse_text(value, 1_000)
            kept.append(value)
        except CellError:
            refused.append(value)
    assert len(refused) == 3  # a NUL, a direction sign, both
    stream = io.BytesIO()
    columns = [Column("key", "Key"), Column("value", "Value")]
    rows = ([str(number), value] for number, value in enumerate(kept))
    if kind == "csv":
        write_csv(stream, columns, rows)
    else:
        write_xlsx(stream, columns, rows, sheet_title="Values")
    table = open_table(stream, f"values.{kind}")
    assert [parse_text(cells[1], 1_000) for _, cells, _ in table.rows()] == kept
