"""What another platform bills never reaches an invoice here: a block, not a warning (L-12)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from inventory.models import BillingPlatform, CatalogueItem
from invoicing.enums import InvoiceStatus, UnmappedReason
from invoicing.models import Invoice, PricingSweep, Purchase, SubscriptionItem
from invoicing.services.approval import finalise_invoices, lock_invoices, reopen_invoices
from invoicing.services.changes import LONGEST_CHANGE, mark_changed_pricing
from invoicing.services.purchase_mapping import (
    map_purchases,
    map_waiting_purchases,
    route_purchases,
)
from orders.models import OrderLine
from tests import builders
from tests.constraints import Case, cases, check, refused
from tests.invoicing.import_files import checked, line

pytestmark = pytest.mark.django_db

FEBRUARY = dt.datetime(2026, 2, 10, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def house() -> BillingPlatform:
    return BillingPlatform.objects.get(is_in_house=True)


def set_route(row, **routes) -> None:
    """One UPDATE, past every check in Python."""
    type(row)._base_manager.filter(pk=row.pk).update(**routes)


def opened(invoice: Invoice) -> Invoice:
    set_route(invoice, item_count=1)
    return builders.calculated(invoice)


def routed_item(route: BillingPlatform | None) -> CatalogueItem:
    return builders.make_item(upfront_route=route)


def charge(ordered: OrderLine, track: str = "upfront", **fields) -> Purchase:
    """The charge of a line on an invoice of its own contract."""
    invoice = fields.pop("invoice", None) or builders.make_invoice(ordered.order.customer)
    fields.setdefault("item", ordered.item)
    return builders.make_purchase(invoice, order_line=ordered, track=track, **fields)


def lately_mapped(route: BillingPlatform | None) -> None:
    purchase = builders.make_purchase(
        unmapped_reason="no_invoice", item=routed_item(route), customer=builders.make_customer()
    )
    Purchase.objects.filter(pk=purchase.pk).update(
        invoice=builders.make_invoice(purchase.customer),
        contract=purchase.customer.contracts.get(),
        unmapped_reason="",
    )


def locked_then(route: BillingPlatform | None, status: str) -> None:
    """The route of an item changes while a purchase of it is on an invoice that goes on."""
    item = routed_item(None)
    invoice = opened(builders.make_invoice())
    builders.make_purchase(invoice, item=item)
    set_route(item, upfront_route=route)
    Invoice.objects.filter(pk=invoice.pk).update(status=status)


def approving_line(*, tracks: dict) -> None:
    ordered = builders.make_line()
    purchase = charge(ordered)
    opened(purchase.invoice)
    Invoice.objects.filter(pk=purchase.invoice_id).update(status="approving")
    set_route(ordered, **tracks)


def two_charges(tracks: tuple[str, str]) -> None:
    ordered = builders.make_line()
    invoice = builders.make_invoice(ordered.order.customer)
    for track in tracks:
        charge(ordered, track, invoice=invoice)


def end_of(row, starts_on: dt.date, ends_on: dt.date) -> None:
    set_route(row, starts_on=starts_on, ends_on=ends_on)


DAY, DAY_BEFORE = dt.date(2026, 5, 4), dt.date(2026, 5, 3)
CASES = cases(
    Case(
        "purchase_route_is_in_house",
        lambda: builders.make_purchase(builders.make_invoice(), item=routed_item(house())),
        lambda: builders.make_purchase(
            builders.make_invoice(), item=routed_item(builders.make_platform())
        ),
    ),
    Case(
        "invoice_routes_are_in_house",
        lambda: locked_then(builders.make_platform(), "closed"),
        lambda: locked_then(builders.make_platform(), "approving"),
    ),
    Case(
        "line_route_is_not_invoiced",
        lambda: approving_line(tracks={"recurring_route": builders.make_platform()}),
        lambda: approving_line(tracks={"upfront_route": builders.make_platform()}),
    ),
    Case(
        "subscription_route_is_in_house",
        lambda: builders.make_subscription_item(
            builders.make_converted_line(
                recurring_route=house(), upfront_route=builders.make_platform()
            )
        ),
        lambda: builders.make_subscription_item(
            builders.make_converted_line(recurring_route=builders.make_platform())
        ),
    ),
    Case(
        "purchase_once_per_charge",
        lambda: two_charges(("upfront", "recurring")),
        lambda: two_charges(("upfront", "upfront")),
    ),
    Case(
        "purchase_line_iff_track",
        lambda: charge(builders.make_line()),
        lambda: charge(builders.make_line(), track=""),
    ),
    Case(
        "subscription_name_once",
        lambda: builders.make_subscription_item(),
        lambda: _second_subscription(),
    ),
    Case(
        "subscription_ends_after_start",
        lambda: end_of(builders.make_subscription_item().subscription, DAY, DAY),
        lambda: end_of(builders.make_subscription_item().subscription, DAY, DAY_BEFORE),
    ),
    Case(
        "subscription_item_ends_after_start",
        lambda: end_of(builders.make_subscription_item(), DAY, DAY),
        lambda: end_of(builders.make_subscription_item(), DAY, DAY_BEFORE),
    ),
    Case(
        "subscription_item_amounts",
        lambda: builders.make_subscription_item(quantity=Decimal("0.000001"), unit_price=0),
        lambda: builders.make_subscription_item(quantity=0),
    ),
)


def _second_subscription() -> None:
    subscription = builders.make_subscription_item().subscription
    type(subscription).objects.create(contract=subscription.contract)


@pytest.mark.requirement("L-10", "L-12", "X-2")
@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case):
    check(case)


@pytest.mark.requirement("L-10", "L-12")
@pytest.mark.constraint("purchase_route_is_in_house_update")
def test_the_database_refuses_to_put_it_there_later():
    lately_mapped(house())
    with refused("purchase_route_is_in_house"):
        lately_mapped(builders.make_platform())
    builders.make_purchase(
        item=routed_item(builders.make_platform()), unmapped_reason="external_route"
    )


@pytest.mark.requirement("X-2", "L-11")
@pytest.mark.constraint("purchase_route_is_in_house")
@pytest.mark.parametrize("track", ["upfront", "recurring"])
def test_the_route_of_the_track_decides_and_not_that_of_the_item(track):
    away = builders.make_platform()
    item = routed_item(away)
    other = "recurring" if track == "upfront" else "upfront"
    charge(builders.make_line(item=item, **{f"{other}_route": away}), track)
    with refused("purchase_route_is_in_house"):
        charge(builders.make_line(**{f"{track}_route": away}), track)


@pytest.mark.requirement("X-2", "D-11")
@pytest.mark.constraint("line_route_is_not_invoiced")
def test_a_recurring_route_that_goes_elsewhere_ends_the_item_at_once():
    item = builders.make_subscription_item()
    set_route(item.order_line, recurring_route=house())
    assert SubscriptionItem.objects.exists()
    set_route(item.order_line, recurring_route=builders.make_platform())
    assert not SubscriptionItem.objects.exists()


@pytest.mark.constraint("invoice_routes_are_in_house")
@pytest.mark.requirement("L-12")
def test_a_route_that_changes_during_approval_stops_it():
    item = routed_item(None)
    invoice = opened(builders.make_invoice())
    builders.make_purchase(invoice, item=item)
    builders.make_firm()
    assert [o.refusal for o in lock_invoices(invoice_ids=[invoice.pk], at=FEBRUARY)] == [""]
    set_route(item, upfront_route=builders.make_platform("Affinity"))
    (outcome,) = finalise_invoices(invoice_ids=[invoice.pk], by=builders.make_user(), at=FEBRUARY)
    assert outcome.refusal == (
        f"It holds {item.name}, which is billed on Affinity; reject the invoice, so that it is "
        "put right."
    )
    reopen_invoices(invoice_ids=[invoice.pk], at=FEBRUARY)
    assert mark_changed_pricing(at=timezone.now()) == 1
    assert not invoice.purchases.exists()


@pytest.mark.requirement("L-10", "L-11", "L-12")
def test_a_purchase_of_an_item_billed_elsewhere_finds_no_invoice():
    customer = builders.make_customer()
    builders.make_invoice(customer)
    facts = {"customer_code": customer.code, "unmapped_reason": "no_invoice"}
    found = {}
    for name, route in (("empty", None), ("ours", house()), ("theirs", builders.make_platform())):
        item = routed_item(route)
        found[name] = builders.make_purchase(product_code=item.code, **facts)
    away = builders.make_item(recurring_route=builders.make_platform())
    found["recurring"] = builders.make_purchase(product_code=away.code, **facts)
    map_purchases(purchase_ids=[purchase.pk for purchase in found.values()])
    reasons = {name: Purchase.objects.get(pk=p.pk).unmapped_reason for name, p in found.items()}
    assert reasons == {"empty": "", "ours": "", "theirs": "external_route", "recurring": ""}
    assert UnmappedReason.EXTERNAL_ROUTE.label == "Billed on another platform"


@pytest.mark.requirement("L-10", "L-12", "H-CB3")
@pytest.mark.constraint("item_pricing_changed")
def test_purchases_leave_and_come_back_with_the_route_of_their_item():
    customer = builders.make_customer()
    item, other = routed_item(None), routed_item(None)
    invoice = opened(builders.make_invoice(customer))
    purchase = builders.make_purchase(invoice, item=item)
    builders.make_purchase(invoice, item=other)
    line_charge = charge(
        builders.make_line(builders.make_order(customer), item=item), invoice=invoice
    )
    # calculated long after the change: still found
    Invoice.objects.update(calculated_at=timezone.now() + LONGEST_CHANGE + MINUTE)
    set_route(item, upfront_route=builders.make_platform("Affinity"))
    (outcome,) = lock_invoices(invoice_ids=[invoice.pk], at=FEBRUARY)
    assert "which is billed on Affinity; it is put right within minutes" in outcome.refusal
    assert mark_changed_pricing(at=timezone.now()) == 1
    purchase.refresh_from_db()
    assert (purchase.invoice, purchase.unmapped_reason) == (None, "external_route")
    line_charge.refresh_from_db()
    assert line_charge.invoice == invoice  # its line decides
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.PENDING
    assert PricingSweep.objects.get().swept_at is not None
    assert map_waiting_purchases() == 0
    assert route_purchases(purchase_ids=[purchase.pk])[0].reason == "external_route"

    set_route(item, upfront_route=house())
    assert map_waiting_purchases() == 1
    purchase.refresh_from_db()
    assert purchase.invoice == invoice


@pytest.mark.requirement("L-12", "D-46")
def test_a_late_purchase_cannot_be_put_on_an_invoice_when_it_is_billed_elsewhere():
    customer = builders.make_customer()
    builders.make_invoice(customer)
    item = routed_item(builders.make_platform())
    late = builders.make_purchase(
        customer=customer,
        contract=customer.contracts.get(),
        item=item,
        unmapped_reason="period_finished",
    )
    (outcome,) = route_purchases(purchase_ids=[late.pk])
    assert outcome.refusal == "Billed on another platform"
    with transaction.atomic(), refused("purchase_route_is_in_house"):
        Purchase.objects.filter(pk=late.pk).update(
            invoice=Invoice.objects.get(), unmapped_reason=""
        )


def test_an_import_does_not_change_the_charge_of_a_line(own_storage):
    purchase = charge(builders.make_line())
    row = checked(line(purchase.reference)).rows.get()
    assert row.verdict == "unchanged"
    assert "charge of an order line" in row.note
