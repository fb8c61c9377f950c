"""What holds for every set of purchases: repeatable, free of order, exact."""

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoicing.enums import LadderMode, Operator
from invoicing.models import Invoice, InvoiceItem, Purchase
from invoicing.services import calculation
from tests import builders

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


class Usage(NamedTuple):
    item: int
    day: int
    quantity: Decimal
    unit_price: Decimal | None
    total: Decimal | None
    cost: Decimal | None


def amounts(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=low, max_value=high, places=places, allow_nan=False)


usages = st.lists(
    st.builds(
        Usage,
        item=st.integers(0, 3),
        day=st.integers(1, 31),
        quantity=amounts(-(10**6), 10**6, 6),
        unit_price=st.none() | amounts(0, 1000, 10),
        total=st.none() | amounts(-(10**6), 10**6, 15),
        cost=st.none() | amounts(0, 10**4, 6),
    ),
    max_size=12,
)
FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def items() -> list:
    categories = [builders.make_category() for _ in range(4)]
    items = [
        builders.make_item(category=c, recurring_price=Decimal("0.3333"), code=f"K{n}")
        for n, c in enumerate(categories)
    ]
    middle = dt.date(2026, 1, 15)
    builders.make_rule(valid_to=middle)
    builders.make_rule(valid_from=middle + dt.timedelta(days=1), value=Decimal("1.005"))
    builders.make_rule(
        Operator.PRICE_LADDER,
        ladder_mode=LadderMode.GRADUATED,
        product_category=categories[1],
        tiers=[(Decimal(10), Decimal(3), Decimal(1)), (None, Decimal("0.1"))],
    )
    builders.make_rule(
        Operator.ADJUST_PERCENTAGE, percentage=Decimal(-3), product_category=categories[2]
    )
    builders.make_vat("19")
    builders.make_vat("7", product_category=categories[3])
    return items


def bill(items: list, usage: list[Usage]) -> Invoice:
    invoice = builders.make_invoice()
    for one in usage:
        builders.make_purchase(
            invoice,
            item=items[one.item],
            purchased_at=dt.datetime(2026, 1, one.day, 12, tzinfo=dt.UTC),
            quantity=one.quantity,
            unit_price_override=one.unit_price,
            total_override=one.total,
            cost_override=one.cost,
        )
    return calculate(invoice)


def calculate(invoice: Invoice) -> Invoice:
    report = calculation.calculate_invoices(invoice_ids=[invoice.pk], at=AT)
    assert report.failed == {}
    return Invoice.objects.get(pk=invoice.pk)


FIELDS = [
    field.attname
    for field in InvoiceItem._meta.concrete_fields
    if field.name not in ("id", "invoice")
]


def items_of(invoice: Invoice) -> list[tuple]:
    return list(invoice.items.order_by("position").values_list(*FIELDS))


def totals(invoice: Invoice) -> tuple:
    return (invoice.net_total, invoice.vat_total, invoice.gross_total, invoice.cost_total)


@pytest.mark.requirement("CB-8")
@FEW
@given(usage=usages)
def test_calculating_again_gives_the_same(items, usage):
    invoice = bill(items, usage)
    before = items_of(invoice), totals(invoice)
    Invoice.objects.filter(pk=invoice.pk).move_to_pending()
    Invoice.objects.filter(pk=invoice.pk).update(items_digest="")
    invoice = calculate(invoice)
    assert (items_of(invoice), totals(invoice)) == before


@FEW
@given(usage=usages, seed=st.randoms(use_true_random=False))
def test_the_order_of_purchases_does_not_matter(items, usage, seed):
    first = bill(items, usage)
    shuffled = list(usage)
    seed.shuffle(shuffled)
    second = bill(items, shuffled)
    assert items_of(first) == items_of(second)
    assert totals(first) == totals(second)


@pytest.mark.requirement("K-3", "K-1")
@FEW
@given(usage=usages)
def test_stated_totals_are_kept_to_the_last_digit(items, usage):
    invoice = bill(items, usage)
    stated = invoice.items.filter(stated=True)
    found = sum((item.exact_amount for item in stated), Decimal(0))
    assert found == sum((one.total for one in usage if one.total is not None), Decimal(0))
    prices = invoice.items.filter(kind="price")
    assert sum(item.quantity for item in prices) == sum(one.quantity for one in usage)
    nonzero = Purchase.objects.filter(invoice=invoice).exclude(metered_quantity=0).count()
    assert sum(item.purchase_count for item in prices) == nonzero


@pytest.mark.requirement("K-1", "K-2")
@FEW
@given(usage=usages)
def test_totals_are_sums_of_rounded_items(items, usage):
    invoice = bill(items, usage)
    lines = list(invoice.items.all())
    net = sum((item.amount for item in lines if item.kind != "vat"), Decimal(0))
    vat = sum((item.amount for item in lines if item.kind == "vat"), Decimal(0))
    cost = sum((item.cost for item in lines), Decimal(0))
    assert totals(invoice) == (net, vat, net + vat, cost)
    assert all(item.amount == round(item.amount, 2) for item in lines)
