import datetime as dt
from decimal import Decimal

import pytest

from billing_site.web.spreadsheets.tables import CellProblem, build_header
from invoicing.imports.mappings import ColumnMapping, MappingRefused, find_mapping
from invoicing.imports.rows import RowParser

NAMES = [
    *("reference", "customer_code", "product_code", "label", "quantity", "unit", "currency"),
    *("purchased_at", "ended_at", "unit_price", "total", "cost", "source_updated_at", "note"),
]
GOOD = {
    "reference": "R-1",
    "customer_code": "C1",
    "product_code": "P1",
    "quantity": "2.5",
    "currency": "eur",
    "purchased_at": "2026-01-31 23:30:00",
}


def parser(names=NAMES, zone="Europe/Berlin", **targets):
    mapping = find_mapping(build_header(names, 200, 1), zone)
    columns = dict(mapping.columns) | targets
    return RowParser(build_header(names, 200, 1), ColumnMapping(columns, zone, ("NULL",)))


def parse(names=NAMES, problems=(), zone="Europe/Berlin", targets=None, **cells):
    values = GOOD | cells
    row = [values.get(name, "") for name in names]
    return parser(names, zone, **(targets or {})).parse(7, row, problems)


def test_a_row_becomes_a_purchase_with_exact_amounts_and_an_aware_moment():
    row = parse(total="-12.340", cost="1", source_updated_at="2026-02-01T00:00:00Z")
    assert row.errors == ()
    assert row.number == 7
    assert (row.reference, row.customer_code, row.product_code) == ("R-1", "C1", "P1")
    assert (row.quantity, row.currency) == (Decimal("2.5"), "EUR")
    assert row.purchased_at.isoformat() == "2026-01-31T23:30:00+01:00"
    assert (row.total_override, row.unit_price_override) == (Decimal("-12.34"), None)
    assert row.cost_override == 1
    assert row.source_updated_at == dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    assert (row.label, row.unit, row.ended_at, row.metadata) == ("", "", None, "{}")


def test_the_zone_of_the_mapping_counts_where_a_time_has_no_offset():
    assert parse(zone="UTC").purchased_at.isoformat() == "2026-01-31T23:30:00+00:00"


@pytest.mark.requirement("K-3")
def test_a_stated_total_stays_and_a_unit_price_beside_it_is_kept_for_information():
    row = parse(unit_price="0.10", total="99")
    assert (row.unit_price_override, row.total_override) == (None, 99)
    assert row.metadata == '{"unit_price": "0.10"}'
    assert parse(unit_price="0.10").unit_price_override == Decimal("0.10")


@pytest.mark.requirement("H-CB5")
def test_a_row_without_a_customer_is_no_error():
    row = parse(customer_code="  ")
    assert row.errors == ()
    assert row.customer_code == ""  # it becomes an unmapped purchase: unknown customer


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"reference": ""}, "A, reference", "blank"),
        ({"reference": "NULL"}, "A, reference", "blank"),
        ({"customer_code": "C" * 101}, "B, customer_code", "at most 100"),
        ({"product_code": "P\x07"}, "C, product_code", "U+0007"),
        ({"label": "a\u202eb"}, "D, label", "U+202E"),
        ({"label": "a\nb"}, "D, label", "one line"),
        ({"quantity": "1,5"}, "E, quantity", "after a point"),
        ({"quantity": "1" * 16}, "E, quantity", "at most 15 digits"),
        ({"total": "0." + "1" * 16}, "K, total", "at most 15 are kept"),
        ({"currency": "XXX"}, "G, currency", "not known"),
        ({"purchased_at": "05/11/2026"}, "H, purchased_at", "more than one way"),
        ({"purchased_at": "31.02.2026"}, "H, purchased_at", "does not exist in the calendar"),
        ({"purchased_at": "2026-03-29 02:30:00"}, "H, purchased_at", "does not exist"),
        ({"ended_at": "2026-01-30"}, "I, ended_at", "before the purchase date"),
    ],
)
def test_a_bad_cell_is_an_error_that_names_its_column_and_the_remedy(cells, column, words):
    row = parse(**cells)
    assert [error.column for error in row.errors] == [column]
    assert words in row.errors[0].sentence


def test_all_errors_of_a_row_are_named():
    row = parse(quantity="x", currency="y", purchased_at="z")
    assert [error.column[0] for error in row.errors] == ["E", "G", "H"]
    assert row.reference == "R-1"


def test_the_reader_problems_of_used_columns_count_and_others_do_not():
    used, unused, whole = CellProblem(4, "used"), CellProblem(13, "unused"), CellProblem(None, "w")
    assert parse(problems=[unused]).errors == ()
    row = parse(problems=[used, whole], quantity="")
    assert [error.sentence for error in row.errors] == ["used", "w"]


def test_metadata_keeps_the_columns_that_are_mapped_to_it():
    row = parse(targets={"note": "metadata"}, note="Überlauf")
    assert row.metadata == '{"note": "Überlauf"}'
    assert parse(targets={"note": "metadata"}, note="NULL").metadata == "{}"
    bad = parse(targets={"note": "metadata"}, note="a\0b")
    assert bad.errors[0].column == "N, note"


def test_the_second_column_of_the_product_code_is_used_where_the_first_is_blank():
    names = [*NAMES, "sku"]
    targets = {"sku": "product_code_2"}
    assert parse(names, targets=targets, sku="S1").product_code == "P1"
    assert parse(names, targets=targets, product_code="NULL", sku="S1").product_code == "S1"
    row = parse(names, targets=targets, product_code="", sku="")
    assert "Both columns" in row.errors[0].sentence


def test_codes_lose_blanks_around_them_and_our_formula_mark():
    row = parse(customer_code=" C1 ", product_code="'=P1", label="\r=1")
    assert (row.customer_code, row.product_code, row.label) == ("C1", "=P1", "=1")


def test_a_parser_refuses_an_incomplete_mapping():
    with pytest.raises(MappingRefused, match="Reference"):
        parser(["quantity"])


def test_remembered_cells_do_not_mix_between_columns_and_rows():
    rows = parser()
    cells = [GOOD.get(name, "") for name in NAMES]
    first = rows.parse(2, cells)
    cells[0], cells[4] = "R-2", "bad"
    second = rows.parse(3, cells)
    cells[4] = "2.5"
    third = rows.parse(4, cells)
    assert (first.reference, third.reference) == ("R-1", "R-2")
    assert first.quantity == third.quantity
    assert len(second.errors) == 1
