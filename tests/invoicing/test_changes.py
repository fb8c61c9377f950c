"""A change sends exactly the invoices it can concern to Pending, and nothing else."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.models import CatalogueItem
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice, PricingSweep, Purchase
from invoicing.rules.metering import metered_quantity
from invoicing.services import calculation, changes
from ledger.models import Customer
from tests import builders

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def world():
    """Two clusters and two categories, each with a child; an open invoice for every pair."""
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    return World()


class World:
    def __init__(self):
        self.clusters = self._tree(builders.make_cluster)
        self.categories = self._tree(builders.make_category)
        self.items = {
            name: builders.make_item(category=node, code=f"item-{name}")
            for name, node in self.categories.items()
        }
        self.invoices = {}
        for cluster, node in self.clusters.items():
            for category in self.items:
                invoice = builders.make_invoice(builders.make_customer(cluster=node))
                builders.make_purchase(invoice, item=self.items[category])
                self.invoices[cluster, category] = invoice
        self.open()

    @staticmethod
    def _tree(make):
        root = make()
        return {"a": (a := make(parent=root)), "a1": make(parent=a), "b": make(parent=root)}

    def open(self, at=None):
        ids = [i.pk for i in self.invoices.values()]
        calculation.calculate_invoices(invoice_ids=ids, at=at or timezone.now() + HOUR)
        assert self.pending() == set()

    def pending(self):
        waiting = set(Invoice.objects.pending().values_list("pk", flat=True))
        return {key for key, invoice in self.invoices.items() if invoice.pk in waiting}

    def sweep(self):
        return changes.mark_changed_pricing(at=timezone.now())


def every(clusters=("a", "a1", "b"), categories=("a", "a1", "b")):
    return {(cluster, category) for cluster in clusters for category in categories}


@pytest.mark.requirement("H-CB3", "CB-9")
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, every()),
        ({"category": "a"}, every(categories=("a", "a1"))),
        ({"category": "a1"}, every(categories=("a1",))),
        ({"cluster": "a"}, every(clusters=("a", "a1"))),
        ({"cluster": "b", "category": "a"}, {("b", "a"), ("b", "a1")}),
        ({"from_": dt.date(2026, 1, 15)}, every()),
        ({"from_": dt.date(2026, 1, 16)}, set()),
        ({"to": dt.date(2026, 1, 15)}, every()),
        ({"to": dt.date(2026, 1, 14)}, set()),
    ],
)
def test_the_scope_of_a_rule_is_category_cluster_and_days(world, scope, expected):
    found = changes.Scope(
        world.categories[scope["category"]].pk if "category" in scope else None,
        world.clusters[scope["cluster"]].pk if "cluster" in scope else None,
        scope.get("from_", dt.date(2020, 1, 1)),
        scope.get("to"),
    )
    assert changes.mark_scopes_pending([found]) == len(expected)
    assert world.pending() == expected


@pytest.mark.requirement("CB-11", "CB-12", "CB-13", "CB-9")
def test_locked_invoices_are_never_sent_to_pending(world):
    locked = world.invoices["a", "a"]
    Invoice.objects.filter(pk=locked.pk).update(status=InvoiceStatus.APPROVING)
    closed = world.invoices["b", "b"]
    Invoice.objects.filter(pk=closed.pk).update(status=InvoiceStatus.CLOSED)
    changes.mark_scopes_pending([changes.Scope(None, None, dt.date(2020, 1, 1), None)])
    assert world.pending() == every() - {("a", "a"), ("b", "b")}


@pytest.mark.requirement("H-CB3")
@pytest.mark.constraint("customer_pricing_changed")
def test_a_customer_that_moves_to_another_cluster_is_calculated_again(world):
    world.open(at=timezone.now() - HOUR)
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    customer = world.invoices["a", "b"].customer
    Customer.objects.filter(pk=customer.pk).update(cluster=world.clusters["b"])
    assert world.sweep() == 1
    assert world.pending() == {("a", "b")}


@pytest.mark.requirement("H-CB3")
@pytest.mark.constraint("cluster_pricing_changed")
def test_a_cluster_that_moves_takes_the_customers_below_along(world):
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    node = world.clusters["a"]
    node.parent = world.clusters["b"]
    node.save()
    world.sweep()
    assert world.pending() == every(clusters=("a", "a1"))


@pytest.mark.constraint("category_pricing_changed")
def test_a_category_that_moves_takes_the_items_below_along(world):
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    node = world.categories["a"]
    node.parent = world.categories["b"]
    node.save()
    world.sweep()
    assert world.pending() == every(categories=("a", "a1"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recurring_price", Decimal(3)),
        ("upfront_price", Decimal(3)),
        ("recurring_cost", Decimal(3)),
        ("unit", "minute"),
        ("name", "Another name"),
        ("item_type", "hardware"),
        ("metering_minimum", Decimal(2)),
        ("metering_increment", Decimal(2)),
    ],
)
def test_what_an_item_brings_to_invoices_is_carried_on(world, field, value):
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    item = world.items["b"]
    setattr(item, field, value)
    item.save()
    world.sweep()
    assert world.pending() == every(categories=("b",))


def test_what_invoices_do_not_show_concerns_none(world):
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    item = world.items["b"]
    item.active = False
    item.save()
    customer = world.invoices["a", "b"].customer
    customer.phone = "1"
    customer.save()
    assert world.sweep() == 0
    assert world.pending() == set()


def test_what_was_calculated_long_after_the_change_is_left_alone(world):
    CatalogueItem.objects.filter(pk=world.items["a"].pk).update(recurring_price=2)
    late = world.invoices["b", "a"]
    changed = CatalogueItem.objects.get(pk=world.items["a"].pk).pricing_changed_at
    Invoice.objects.update(calculated_at=changed + changes.LONGEST_CHANGE)
    Invoice.objects.filter(pk=late.pk).update(
        calculated_at=changed + changes.LONGEST_CHANGE - dt.timedelta(milliseconds=1)
    )
    world.sweep()
    assert world.pending() == {("b", "a")}


@pytest.mark.constraint("item_pricing_changed")
def test_a_stale_copy_does_not_turn_the_time_of_the_change_back(world):
    item = CatalogueItem.objects.get(pk=world.items["a"].pk)
    CatalogueItem.objects.filter(pk=item.pk).update(recurring_price=2)
    item.recurring_price = 2
    item.active = False
    item.save()
    item.refresh_from_db()
    assert item.pricing_changed_at is not None


@pytest.mark.requirement("H-CB4")
def test_new_metering_holds_for_purchases_that_may_still_change(world):
    item = world.items["a"]
    locked = world.invoices["b", "a"]
    Invoice.objects.filter(pk=locked.pk).update(status=InvoiceStatus.APPROVING)
    builders.make_purchase(world.invoices["a", "a"], item=item)
    unmapped = builders.make_purchase(item=item, unmapped_reason="no_invoice")
    item.metering_minimum = Decimal(30)
    item.save()
    world.sweep()
    charged = dict(Purchase.objects.filter(item=item).values_list("pk", "metered_quantity"))
    frozen = locked.purchases.get()
    assert charged.pop(frozen.pk) == 1
    assert set(charged.values()) == {Decimal(30)}
    assert unmapped.pk in charged
    ids = [i.pk for i in world.invoices.values()]
    calculation.calculate_invoices(invoice_ids=ids, at=timezone.now())
    invoice = world.invoices["a", "a"]
    invoice.refresh_from_db()
    assert invoice.net_total == Decimal(60)


amounts = st.decimals(min_value=0, max_value=10**8, places=6, allow_nan=False)
quantities = st.decimals(min_value=-(10**9), max_value=10**9, places=9, allow_nan=False)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    quantity=quantities,
    minimum=amounts,
    increment=st.none() | amounts.filter(bool),
)
def test_metering_in_sql_says_what_the_pure_rule_says(quantity, minimum, increment):
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {changes.METERED}
                FROM (SELECT %s::numeric(30,15) AS quantity) p,
                     (SELECT %s::numeric(15,6) AS metering_minimum,
                             %s::numeric(15,6) AS metering_increment) i""",
            [quantity, minimum, increment],
        )
        (found,) = cursor.fetchone()
    assert found == metered_quantity(quantity, minimum, increment or Decimal(0))


def test_a_sweep_with_nothing_to_do_costs_a_constant_handful_of_queries(world):
    world.sweep()
    Invoice.objects.update(calculated_at=timezone.now() - HOUR)
    PricingSweep.objects.update(swept_at=timezone.now() + 3 * changes.LONGEST_CHANGE)
    with CaptureQueriesContext(connection) as queries:
        assert world.sweep() == 0
    assert len(queries) <= 7
