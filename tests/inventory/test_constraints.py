"""What the database refuses on the inventory floor: the nearest row that holds, and the bad one."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from inventory.models import (
    Asset,
    BillingPlatform,
    CatalogueItem,
    ItemImport,
    ItemImportRow,
    ProductCategory,
)
from tests import builders
from tests.constraints import Case, cases, check, refused

pytestmark = pytest.mark.django_db

LEAST = Decimal("0.0000000001")


def new_platform(**fields) -> BillingPlatform:
    return BillingPlatform.objects.create(name=f"Platform {builders.number()}", **fields)


CASES = cases(
    Case(
        "platform_one_in_house",
        holds=lambda: new_platform(is_in_house=False),
        refused=lambda: new_platform(is_in_house=True),
    ),
    Case(
        "platform_in_house_stays",
        holds=lambda: BillingPlatform.objects.filter(pk=new_platform().pk).delete(),
        refused=lambda: BillingPlatform.objects.filter(is_in_house=True).delete(),
    ),
    Case(
        "item_amounts_not_negative",
        holds=lambda: builders.make_item(upfront_price=0, recurring_cost=0),
        refused=lambda: builders.make_item(upfront_price=0, recurring_cost=-LEAST),
    ),
    Case(
        "item_metering_is_positive",
        holds=lambda: builders.make_item(metering_increment=Decimal("0.000001")),
        refused=lambda: builders.make_item(metering_increment=0),
    ),
    Case(
        "inventory_productcategory_place",
        holds=lambda: ProductCategory.objects.filter(pk=builders.make_category().pk).update(
            parent=builders.make_category()
        ),
        refused=lambda: ProductCategory.objects.filter(
            pk=(category := builders.make_category()).pk
        ).update(parent=category),
    ),
)


def new_import(**fields) -> ItemImport:
    return ItemImport.objects.create(owner=builders.make_user(), filename="items.csv", **fields)


def new_row(**fields) -> ItemImportRow:
    if "item_import" not in fields:
        fields["item_import"] = new_import()
    return ItemImportRow.objects.create(**{"number": 2, "verdict": "new"} | fields)


def asset_of_two(*, same: bool) -> Asset:
    customer, other = builders.make_customer(), builders.make_customer()
    return builders.make_asset(
        customer, contract=(customer if same else other).contracts.get(is_default=True)
    )


DAY = dt.date(2026, 3, 1)
CASES += cases(
    Case(
        "item_guid_is_fixed",
        holds=lambda: CatalogueItem.objects.filter(pk=(item := builders.make_item()).pk).update(
            guid=item.guid, code="Other"
        ),
        refused=lambda: CatalogueItem.objects.filter(pk=builders.make_item().pk).update(
            guid=uuid.uuid4()
        ),
    ),
    Case(
        "asset_contract_is_the_customers",
        holds=lambda: asset_of_two(same=True),
        refused=lambda: asset_of_two(same=False),
    ),
    Case(
        "asset_ends_after_start",
        holds=lambda: builders.make_asset(starts_on=DAY, ends_on=DAY),
        refused=lambda: builders.make_asset(starts_on=DAY, ends_on=DAY - dt.timedelta(days=1)),
    ),
    Case(
        "asset_quantity_is_positive",
        holds=lambda: builders.make_asset(quantity=Decimal("0.000001")),
        refused=lambda: builders.make_asset(quantity=0),
    ),
    Case(
        "item_import_imported_has_moment",
        holds=lambda: new_import(status="committed", committed_at=timezone.now()),
        refused=lambda: new_import(status="committed"),
    ),
    Case(
        "item_import_row_once",
        holds=lambda: [
            new_row(item_import=(one := new_import())),
            new_row(item_import=one, number=3),
        ],
        refused=lambda: [new_row(item_import=(one := new_import())), new_row(item_import=one)],
    ),
    Case(
        "item_import_row_error_iff_reasons",
        holds=lambda: new_row(verdict="error", errors=[["A, Code", "", "It is blank."]]),
        refused=lambda: new_row(verdict="error"),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)


@pytest.mark.parametrize(
    "field", ["upfront_price", "upfront_cost", "recurring_price", "recurring_cost"]
)
def test_no_amount_of_an_item_is_negative(field):
    builders.make_item(**{field: 0})
    with refused("item_amounts_not_negative"):
        builders.make_item(**{field: -LEAST})


def test_a_metering_minimum_is_not_negative():
    builders.make_item(metering_minimum=0)
    with refused("item_metering_is_positive"):
        builders.make_item(metering_minimum=Decimal("-0.000001"))


@pytest.mark.constraint("inventory_productcategory_move_children")
def test_a_moved_category_takes_everything_below_it_along():
    top, other = builders.make_category(), builders.make_category()
    middle = builders.make_category(parent=top)
    leaf = builders.make_category(parent=middle)
    ProductCategory.objects.filter(pk=middle.pk).update(parent=other)
    leaf.refresh_from_db()
    assert leaf.path == [other.pk, middle.pk, leaf.pk]
    with refused("inventory_productcategory_place"):
        ProductCategory.objects.filter(pk=other.pk).update(parent=leaf)


@pytest.mark.constraint("item_pricing_changed")
@pytest.mark.requirement("H-CB3")
@pytest.mark.parametrize(
    ("fields", "is_stamped"),
    [
        ({"recurring_price": 1}, True),
        ({"metering_increment": 60}, True),
        ({"name": "Other"}, True),
        ({"active": False}, False),
        ({"pricing_changed_at": None}, False),
    ],
)
def test_a_change_that_pricing_depends_on_is_stamped(fields, is_stamped):
    item = builders.make_item()
    CatalogueItem.objects.filter(pk=item.pk).update(**fields)
    item.refresh_from_db()
    assert (item.pricing_changed_at is not None) is is_stamped


@pytest.mark.constraint("category_pricing_changed")
@pytest.mark.requirement("H-CB3")
def test_a_moved_category_is_stamped_with_everything_below_it():
    top, leaf = builders.make_category(), builders.make_category()
    ProductCategory.objects.filter(pk=leaf.pk).update(parent=top)
    ProductCategory.objects.filter(pk=top.pk).update(parent=builders.make_category())
    leaf.refresh_from_db()
    first = leaf.pricing_changed_at
    assert first is not None
    ProductCategory.objects.filter(pk=leaf.pk).update(pricing_changed_at=None)
    leaf.refresh_from_db()
    assert leaf.pricing_changed_at == first


def test_a_moved_asset_needs_a_contract_of_its_new_customer():
    asset, other = builders.make_asset(), builders.make_customer()
    contract = other.contracts.get(is_default=True)
    Asset.objects.filter(pk=asset.pk).update(customer=other, contract=contract)
    with refused("asset_contract_is_the_customers"):
        Asset.objects.filter(pk=asset.pk).update(customer=builders.make_customer())


def test_a_row_without_error_gives_no_reasons():
    with refused("item_import_row_error_iff_reasons"):
        new_row(verdict="new", errors=[["", "", "x"]])


def test_an_import_that_is_not_done_has_no_moment():
    with refused("item_import_imported_has_moment"):
        new_import(committed_at=timezone.now())
