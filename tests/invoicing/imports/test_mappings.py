import pytest

from billing_site.web.spreadsheets.tables import build_header
from invoicing.imports.mappings import (
    FOCUS_1_0,
    NAMED_MAPPINGS,
    QUITTANCE,
    ColumnMapping,
    MappingRefused,
    find_mapping,
)

OWN = ["Reference", "Customer code", "product-code", "QUANTITY", "currency", "Purchase date"]
FOCUS = [
    *("Id", "SubAccountId", "SkuPriceId", "SkuId", "PricingQuantity", "BillingCurrency"),
    *("ChargePeriodStart", "ChargePeriodEnd", "BilledCost", "ListUnitPrice", "Tags"),
]


def header(names):
    return build_header(names, 200, 1)


def test_our_columns_are_found_whatever_their_case_blanks_and_dashes():
    mapping = find_mapping(header(OWN), "Europe/Berlin")
    mapping.check()
    assert mapping.name == QUITTANCE.name
    assert mapping.columns == {
        "reference": "reference",
        "customer code": "customer_code",
        "product-code": "product_code",
        "quantity": "quantity",
        "currency": "currency",
        "purchase date": "purchased_at",
    }
    assert mapping.time_zone == "Europe/Berlin"


@pytest.mark.requirement("H-CB4")
def test_a_focus_export_is_known_by_its_columns():
    mapping = find_mapping(header(FOCUS), "Europe/Berlin")
    mapping.check()
    assert mapping.name == FOCUS_1_0.name
    assert mapping.time_zone == "UTC"
    assert mapping.blank_words == ("NULL",)
    assert mapping.columns["skupriceid"] == "product_code"
    assert mapping.columns["skuid"] == "product_code_2"
    assert mapping.columns["billedcost"] == "total"
    assert mapping.columns["listunitprice"] == "metadata"
    assert mapping.columns["tags"] == ""


def test_the_better_of_two_names_is_taken_and_the_other_column_left():
    mapping = find_mapping(header(["amount", "total", *OWN]), "UTC")
    assert mapping.columns["total"] == "total"
    assert mapping.columns["amount"] == ""


def test_a_mapping_can_be_named_and_an_unknown_name_is_refused():
    assert find_mapping(header(FOCUS), "UTC", QUITTANCE.name).name == QUITTANCE.name
    with pytest.raises(MappingRefused, match=r"FOCUS 1\.0"):
        find_mapping(header(OWN), "UTC", "SAP")


@pytest.mark.requirement("R11")
def test_an_incomplete_mapping_names_what_is_missing():
    mapping = find_mapping(header(["customer_code", "quantity"]), "UTC")
    assert mapping.missing() == ["Reference", "Product code", "Currency", "Purchase date"]
    with pytest.raises(MappingRefused, match="Reference, Product code, Currency, Purchase date"):
        mapping.check()


@pytest.mark.parametrize(
    ("changes", "zone", "words"),
    [
        ({"amount": "total", "sum": "total"}, "UTC", "both mapped to Stated total"),
        ({"amount": "nonsense"}, "UTC", "no field nonsense"),
        ({}, "Mars/Phobos", "no time zone"),
    ],
)
def test_wrong_mappings_are_refused(changes, zone, words):
    columns = dict(find_mapping(header(OWN), "UTC").columns) | changes
    with pytest.raises(MappingRefused, match=words):
        ColumnMapping(columns, zone).check()


def test_a_mapping_survives_being_stored():
    mapping = find_mapping(header(FOCUS), "UTC")
    assert ColumnMapping.from_json(mapping.as_json(), mapping.name) == mapping


def test_no_named_mapping_uses_a_name_for_two_fields():
    for mapping in NAMED_MAPPINGS.values():
        names = [name for names in mapping.headers.values() for name in names]
        names += mapping.metadata
        assert len(names) == len(set(names))
