"""What the database refuses on the inventory floor: the nearest row that holds, and the bad one."""

from decimal import Decimal

import pytest

from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
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
