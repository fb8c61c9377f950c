"""Importing items: the verdict of every row, all or nothing, nothing that was not seen (D-06)."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.errors import ItemImportHasChanged, ItemImportRefused
from inventory.imports import verdicts as verdicts_module
from inventory.models import BillingPlatform, CatalogueItem, ItemImport
from inventory.services import update_item
from inventory.services.item_imports import discard_import, import_items
from tests import builders
from tests.inventory.import_files import (
    HEADER,
    RECURRING,
    ROUTED,
    UPFRONT,
    errors,
    line,
    upload,
    verdicts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]
AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def mobile():
    return builders.make_category("Mobile")


@pytest.fixture
def affinity():
    return BillingPlatform.objects.create(name="Affinity")


def confirm(done: ItemImport) -> ItemImport:
    return import_items(import_id=done.pk, at=AT)


@pytest.mark.requirement("L-8", "L-9", "H-L6", "D-06")
def test_both_route_columns_are_read_into_their_own_route(mobile, affinity):
    daisy = BillingPlatform.objects.create(name="Daisy")
    done = upload(
        ROUTED,
        line("A", more=",Affinity,"),
        line("B", more=",,daisy"),
        line("C", more=", AFFINITY ,Daisy"),
        line("D", more=",,"),
        line("E", more=",In-house,"),
    )
    assert verdicts(done) == [(n, "new") for n in range(2, 7)]

    confirm(done)

    in_house = BillingPlatform.objects.get(is_in_house=True)
    stored = {
        item.code: (item.upfront_route, item.recurring_route)
        for item in CatalogueItem.objects.select_related("upfront_route", "recurring_route")
    }
    assert stored == {
        "A": (affinity, None),
        "B": (None, daisy),
        "C": (affinity, daisy),
        "D": (None, None),
        "E": (in_house, None),
    }


@pytest.mark.requirement("L-8", "L-9", "D-06")
@pytest.mark.parametrize(("column", "letter"), [(UPFRONT, "G"), (RECURRING, "H")])
def test_an_unknown_platform_is_an_error_of_its_row_and_is_never_created(
    mobile, affinity, column, letter
):
    cells = ",Affinty," if column == UPFRONT else ",,Affinty"
    done = upload(ROUTED, line("A"), line("B", more=cells))

    ((number, where, sentence),) = errors(done)
    assert (number, where) == (3, f"{letter}, {column}")
    assert "There is no billing platform “Affinty”" in sentence
    assert "write one of In-house, Affinity, leave the cell blank" in sentence
    with pytest.raises(ItemImportRefused, match="whole or not at all"):
        confirm(done)
    assert BillingPlatform.objects.count() == 2
    assert not CatalogueItem.objects.exists()


@pytest.mark.requirement("D-06", "H-L7")
def test_a_blank_route_is_said_to_be_in_house(mobile, affinity):
    item = builders.make_item(code="A", category=mobile, recurring_route=affinity)
    done = upload(f"GUID,{RECURRING}", f"{item.guid},")

    assert done.rows.get().changes == [[RECURRING, "Affinity", "blank: in-house"]]
    confirm(done)
    item.refresh_from_db()
    assert item.recurring_route is None


@pytest.mark.requirement("D-06", "H-L6")
def test_a_file_changes_only_the_columns_it_has(mobile, affinity):
    item = builders.make_item(
        code="A", category=mobile, recurring_price=5, unit="SIM", upfront_route=affinity
    )
    untouched = builders.make_item(code="B", category=mobile, recurring_price=Decimal("4.5"))
    done = upload("GUID,Recurring price", f"{item.guid},0.0000000001", f"{untouched.guid},4.500")

    assert verdicts(done) == [(2, "changed"), (3, "unchanged")]
    assert done.rows.get(number=2).changes == [["Recurring price", "5", "0.0000000001"]]
    confirm(done)

    item.refresh_from_db()
    assert item.recurring_price == Decimal("0.0000000001")
    assert (item.code, item.unit, item.upfront_route) == ("A", "SIM", affinity)
    assert item.pricing_changed_at is not None
    untouched.refresh_from_db()
    assert untouched.pricing_changed_at is None


@pytest.mark.requirement("D-06", "H-L6")
def test_a_new_item_gets_what_its_row_says_and_defaults_for_the_rest(mobile):
    done = upload(
        f"{HEADER},Unit,Up-front price,Metering minimum,Metering increment,Active",
        line("A", more=",SIM,4.90,60,1,no"),
        line("B", more=",,,,,"),
    )
    confirm(done)

    first, second = CatalogueItem.objects.order_by("code")
    assert (first.kind, first.item_type, first.category) == ("product", "hardware", mobile)
    assert (first.unit, first.upfront_price, first.active) == ("SIM", Decimal("4.90"), False)
    assert (first.metering_minimum, first.metering_increment) == (60, 1)
    assert (second.unit, second.upfront_price, second.active) == ("unit", None, True)
    assert (second.metering_minimum, second.metering_increment) == (0, None)


@pytest.mark.parametrize(("kind", "item_type"), [("PRODUCT", "hardware"), ("product", "HARDWARE")])
def test_labels_are_read_whatever_their_capitals(mobile, kind, item_type):
    done = upload(HEADER, f",A,Name,mobile,{kind},{item_type}")
    assert verdicts(done) == [(2, "new")]


ONE_CELL = [
    ("Code", "", "The cell is blank: fill it in."),
    ("Code", "x" * 101, "at most 100 are kept: shorten it"),
    ("Name", "", "The cell is blank: fill it in."),
    ("Name", "a\u202eb", "direction sign"),
    ("Category", "", "The cell is blank: fill it in."),
    ("Category", "Nowhere", "There is no category “Nowhere”"),
    ("Kind", "Thing", "write one of Product, Service"),
    ("Type", "Spaceship", "write one of Service with a number (CLI)"),
    ("Unit", "x" * 41, "at most 40"),
    ("Up-front price", "-0.01", "is below zero"),
    ("Up-front cost", '"1,5"', "write the decimals after a point"),
    ("Recurring price", "0.00000000001", "at most 10 are kept"),
    ("Recurring cost", "1e5", "scientific notation"),
    ("Recurring cost", "100000000000000.0", "too large"),
    ("Metering minimum", "-1", "is below zero"),
    ("Metering increment", "0", "above zero"),
    ("Metering increment", "0.0000001", "at most 6 are kept"),
    ("Active", "perhaps", "neither yes nor no"),
    (UPFRONT, "Nowhere", "There is no billing platform"),
    (RECURRING, "Nowhere", "There is no billing platform"),
    ("GUID", "17", "is no GUID"),
    ("GUID", "{" + str(uuid.UUID(int=1)) + "}", "is no GUID"),
    ("GUID", str(uuid.UUID(int=1)), "There is no item with this GUID"),
]


@pytest.mark.requirement("D-06", "R11")
@pytest.mark.parametrize(("column", "value", "words"), ONE_CELL)
def test_what_does_not_fit_is_an_error_with_row_column_and_remedy(mobile, column, value, words):
    cells = {
        "GUID": "",
        "Code": "N1",
        "Name": "Name",
        "Category": "Mobile",
        "Kind": "Product",
        "Type": "Hardware",
    } | {column: value}
    done = upload(",".join(cells), line("OK"), ",".join(cells.values()))

    ((number, where, sentence),) = errors(done)
    assert number == 3
    assert where.endswith(f", {column}")
    assert words in sentence
    assert (done.rows_new, done.rows_error) == (1, 1)
    with pytest.raises(ItemImportRefused):
        confirm(done)
    assert not CatalogueItem.objects.exists()


@pytest.mark.requirement("D-06", "H-L6")
@pytest.mark.parametrize("column", ["Unit", "Metering minimum", "Active", "Name"])
def test_a_known_item_cannot_lose_what_every_item_has(mobile, column):
    item = builders.make_item()
    done = upload(f"GUID,{column}", f"{item.guid},")
    ((_, where, sentence),) = errors(done)
    assert where == f"B, {column}"
    assert "The cell is blank: fill it in" in sentence


@pytest.mark.requirement("D-06", "H-L6")
def test_the_same_guid_or_code_twice_names_both_rows(mobile):
    item = builders.make_item(code="A", category=mobile)
    done = upload(
        HEADER,
        line("A", guid=item.guid),
        line("B", guid=str(item.guid).upper()),
        line("C"),
        line("C"),
        line("D"),
    )

    found = errors(done)
    assert [(number, where) for number, where, _ in found] == [
        (2, "A, GUID"),
        (3, "A, GUID"),
        (4, "B, Code"),
        (5, "B, Code"),
    ]
    assert "Rows 2 and 3 have the same GUID" in found[0][2]
    assert "Rows 4 and 5 have the same Code" in found[2][2]
    assert done.rows_new == 1


@pytest.mark.requirement("D-06")
def test_a_code_in_use_is_an_error_that_names_the_item(mobile):
    owner = builders.make_item(code="A")
    other = builders.make_item(code="B", category=mobile)
    done = upload(HEADER, line("A"))
    assert f"write its GUID {owner.guid} to change it" in errors(done)[0][2]
    done = upload("GUID,Code", f"{other.guid},A")
    assert "Another item has this code" in errors(done)[0][2]


@pytest.mark.requirement("D-06")
def test_an_item_is_renamed_and_its_guid_stays(mobile):
    item = builders.make_item(code="A", category=mobile)
    confirm(upload("GUID,Code", f"{item.guid},A-2"))
    renamed = CatalogueItem.objects.get(guid=item.guid)
    assert (renamed.pk, renamed.code) == (item.pk, "A-2")


@pytest.mark.requirement("D-06")
def test_a_new_item_needs_its_columns():
    builders.make_category("Mobile")
    done = upload("GUID,Code,Name", ",A,Name")
    assert [sentence for _, _, sentence in errors(done)] == [
        f"A new item needs the column {title}: add it and fill it in, or give the GUID of an item "
        "that exists."
        for title in ("Category", "Kind", "Type")
    ]


@pytest.mark.requirement("D-06", "R11")
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Code,Name", "A,B"], "no column GUID"),
        (["GUID,Colour", ",red"], "none that says anything of the items"),
    ],
)
def test_a_table_of_something_else_is_refused(lines, words):
    with pytest.raises(ItemImportRefused, match=words):
        upload(*lines)
    assert not ItemImport.objects.exists()


def test_too_many_rows_are_refused(monkeypatch, mobile):
    monkeypatch.setattr(verdicts_module, "MOST_ROWS", 2)
    upload(HEADER, line("A"), line("B"))
    with pytest.raises(ItemImportRefused, match="more than 2 rows: split it"):
        upload(HEADER, line("A"), line("B"), line("C"))


def test_a_column_that_is_not_known_is_said(mobile):
    done = upload(f"{HEADER},Up-front billing rout", line("A", more=",Affinity"))
    assert any("Column G, “Up-front billing rout”, is not known" in w for w in done.warnings)
    assert verdicts(done) == [(2, "new")]


@pytest.mark.requirement("D-06", "R6")
def test_what_changed_since_the_preview_is_shown_before_it_is_imported(mobile):
    item = builders.make_item(code="A", category=mobile, unit="SIM", recurring_price=5)
    done = upload("GUID,Recurring price", f"{item.guid},6")
    update_item(item_id=item.pk, fields={"recurring_price": Decimal(7)})

    with pytest.raises(ItemImportHasChanged, match="look at it and confirm again"):
        confirm(done)

    item.refresh_from_db()
    assert item.recurring_price == 7
    assert done.rows.get().changes == [["Recurring price", "7", "6"]]
    confirm(done)
    item.refresh_from_db()
    assert item.recurring_price == 6


@pytest.mark.requirement("D-06")
def test_what_changed_elsewhere_does_not_matter(mobile):
    item = builders.make_item(recurring_price=5)
    done = upload("GUID,Recurring price", f"{item.guid},6")
    update_item(item_id=item.pk, fields={"unit": "GB"})
    confirm(done)
    item.refresh_from_db()
    assert (item.unit, item.recurring_price) == ("GB", 6)


@pytest.mark.requirement("D-06", "R6")
@pytest.mark.parametrize("vanishes", ["category", "item", "code"])
def test_what_fits_no_longer_is_an_error_of_the_new_preview(mobile, vanishes):
    item = builders.make_item(code="OLD")
    done = upload(HEADER, line("A"), line("OLD", guid=item.guid, name="Renamed"))
    match vanishes:
        case "category":
            mobile.delete()
        case "item":
            CatalogueItem.objects.filter(pk=item.pk).delete()
        case "code":
            builders.make_item(code="A")

    with pytest.raises(ItemImportHasChanged):
        confirm(done)

    done.refresh_from_db()
    assert done.rows_error
    assert not CatalogueItem.objects.filter(name="Renamed").exists()


@pytest.mark.requirement("D-06", "R6")
def test_confirming_again_changes_nothing(mobile):
    done = upload(HEADER, line("A"))
    first = confirm(done)
    item = CatalogueItem.objects.get()
    update_item(item_id=item.pk, fields={"name": "By hand"})
    again = confirm(done)
    assert again.committed_at == first.committed_at == AT
    item.refresh_from_db()
    assert item.name == "By hand"


def test_nothing_new_and_nothing_discarded_is_imported(mobile):
    item = builders.make_item(code="A", unit="SIM")
    same = upload("GUID,Unit", f"{item.guid},SIM")
    with pytest.raises(ItemImportRefused, match="changes nothing"):
        confirm(same)
    other = upload(HEADER, line("B"))
    discard_import(import_id=other.pk)
    discard_import(import_id=other.pk)
    with pytest.raises(ItemImportRefused, match="was discarded"):
        confirm(other)
    assert not other.rows.exists()
    third = upload(HEADER, line("C"))
    confirm(third)
    with pytest.raises(ItemImportRefused, match="imported already"):
        discard_import(import_id=third.pk)


def test_a_file_that_is_gone_is_a_refusal(mobile):
    done = upload(HEADER, line("A"))
    done.file.storage.delete(done.file.name)
    with pytest.raises(ItemImportRefused, match="can no longer be read"):
        confirm(done)
    assert not CatalogueItem.objects.exists()


@pytest.mark.requirement("D-06")
def test_an_import_is_all_or_nothing(mobile, monkeypatch):
    """The rows already written are gone when a later one is refused by the database."""
    item = builders.make_item(code="Z", recurring_price=1)
    done = upload(
        f"{HEADER},Recurring price",
        line("A", more=",1"),
        line("Z", guid=item.guid, name="Changed", more=",2"),
    )
    monkeypatch.setattr(
        verdicts_module.ItemFile, "judge", _with_a_negative_price(verdicts_module.ItemFile.judge)
    )
    with pytest.raises(ItemImportRefused, match="item_amounts_not_negative refused it"):
        confirm(done)
    item.refresh_from_db()
    assert (item.recurring_price, CatalogueItem.objects.count()) == (1, 1)
    done.refresh_from_db()
    assert done.is_checked


def _with_a_negative_price(judge):
    """A hole in the checks, to see what the database does about it."""

    def holed(file):
        rows = judge(file)
        for judged in rows:
            if judged.item is not None:
                judged.row.values["recurring_price"] = Decimal(-1)
        return rows

    return holed


@pytest.mark.requirement("D-06")
def test_queries_do_not_grow_with_the_rows(mobile):
    def cost(count: int) -> int:
        items = [builders.make_item(category=mobile) for _ in range(count)]
        with CaptureQueriesContext(connection) as caught:
            done = upload(
                HEADER,
                *(line(f"N{count}-{n}") for n in range(count)),
                *(line(i.code, guid=i.guid, name=f"Other {i.pk}") for i in items),
            )
            confirm(done)
        return len(caught)

    assert cost(40) == cost(2)
