"""Which invoice a purchase is on, or why it is on none."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invoicing.enums import InvoiceStatus, InvoiceType, UnmappedReason
from invoicing.models import Purchase
from invoicing.rules.metering import metered_quantity
from invoicing.services import purchase_mapping
from invoicing.services.approval import finalise_invoices, reopen_invoices
from invoicing.services.purchase_mapping import (
    map_purchases,
    map_waiting_purchases,
    route_purchases,
)
from tests import builders

pytestmark = pytest.mark.django_db

JANUARY_15 = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)


def waiting(customer=None, item=None, **fields) -> Purchase:
    """An unmapped purchase of a customer and an item, with a reason that is not true."""
    fields.setdefault("customer_code", customer.code if customer else "nobody")
    fields.setdefault("product_code", item.code if item else "nothing")
    fields.setdefault("unmapped_reason", UnmappedReason.NO_INVOICE)
    fields.setdefault("purchased_at", JANUARY_15)
    return builders.make_purchase(**fields)


def mapped(purchase: Purchase):
    (outcome,) = map_purchases(purchase_ids=[purchase.pk])
    purchase.refresh_from_db()
    assert (outcome.reason, outcome.invoice_id) == (purchase.unmapped_reason, purchase.invoice_id)
    return outcome


@pytest.fixture
def customer():
    return builders.make_customer(bill_from=dt.date(2026, 1, 1))


@pytest.fixture
def item():
    return builders.make_item()


@pytest.mark.requirement("CB-18", "H-CB5")
def test_a_purchase_is_put_on_the_invoice_of_its_day_which_waits_for_calculation(customer, item):
    invoice = builders.make_invoice(customer, status=InvoiceStatus.OPEN)
    builders.make_invoice(customer, period_from=dt.date(2026, 2, 1), period_to=dt.date(2026, 2, 28))
    purchase = waiting(customer, item)
    assert mapped(purchase).invoice_id == invoice.pk
    assert (purchase.customer, purchase.contract, purchase.item) == (
        customer,
        invoice.contract,
        item,
    )
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.PENDING


@pytest.mark.requirement("CB-18", "R15")
@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Europe/Berlin", "2026-01-31T22:59:59Z", dt.date(2026, 1, 31)),
        ("Europe/Berlin", "2026-01-31T23:00:00Z", dt.date(2026, 2, 1)),
        ("Pacific/Kiritimati", "2025-12-31T10:00:00Z", dt.date(2026, 1, 1)),
        ("Pacific/Kiritimati", "2025-12-31T09:59:59Z", dt.date(2025, 12, 31)),
    ],
)
def test_the_day_is_that_of_the_customers_time_zone(item, zone, moment, day):
    customer = builders.make_customer(time_zone=zone)
    builders.make_invoice(customer)
    purchase = waiting(customer, item, purchased_at=dt.datetime.fromisoformat(moment))
    outcome = mapped(purchase)
    assert purchase.purchased_on == day
    assert bool(outcome.invoice_id) == (day.month == 1 and day.year == 2026)


def locked(customer, status):
    return builders.make_invoice(customer, status=status)


@pytest.mark.requirement("H-CB5", "K-15")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"customer_code": "other"}, UnmappedReason.UNKNOWN_CUSTOMER),
        ({"product_code": "other"}, UnmappedReason.UNKNOWN_PRODUCT),
        ({"unit": "MB"}, UnmappedReason.OTHER_UNIT),
        ({"currency": "USD"}, UnmappedReason.NO_CONTRACT),
        ({"invoice_reference": "other"}, UnmappedReason.UNKNOWN_REFERENCE),
        (
            {"purchased_at": dt.datetime(2025, 12, 15, tzinfo=dt.UTC)},
            UnmappedReason.BEFORE_BILL_FROM,
        ),
        ({"purchased_at": dt.datetime(2026, 2, 15, tzinfo=dt.UTC)}, UnmappedReason.NO_INVOICE),
        ({"customer_code": "other", "currency": "USD"}, UnmappedReason.UNKNOWN_CUSTOMER),
        ({"product_code": "other", "currency": "USD"}, UnmappedReason.UNKNOWN_PRODUCT),
    ],
)
def test_every_reason_is_given_in_a_fixed_order(customer, item, change, reason):
    builders.make_invoice(customer)
    purchase = waiting(customer, item, **change)
    assert mapped(purchase).reason == reason


@pytest.mark.requirement("H-CB5")
def test_a_suspended_customer_is_a_reason_even_with_an_invoice(item):
    customer = builders.make_customer(suspended=True, suspended_reason="Dispute")
    builders.make_invoice(customer)
    assert mapped(waiting(customer, item)).reason == UnmappedReason.CUSTOMER_SUSPENDED


@pytest.mark.requirement("CB-18")
def test_the_month_of_bill_from_is_billed_from_its_first_day(item):
    customer = builders.make_customer(bill_from=dt.date(2026, 1, 20))
    invoice = builders.make_invoice(customer)
    assert mapped(waiting(customer, item)).invoice_id == invoice.pk


@pytest.mark.requirement("D-46", "D-47")
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (InvoiceStatus.APPROVING, UnmappedReason.INVOICE_LOCKED),
        (InvoiceStatus.CLOSED, UnmappedReason.PERIOD_FINISHED),
    ],
)
def test_a_purchase_for_a_locked_invoice_is_kept_with_the_reason(customer, item, status, reason):
    invoice = locked(customer, status)
    assert mapped(waiting(customer, item)).reason == reason
    invoice.refresh_from_db()
    assert invoice.status == status


def test_the_contract_is_that_of_the_currency_and_day_the_default_one_first(customer, item):
    dollar = builders.make_contract(customer, currency="USD")
    ended = builders.make_contract(customer, currency="USD", ends_on=dt.date(2026, 1, 14))
    invoice = builders.make_invoice(customer, contract=dollar)
    builders.make_invoice(customer, contract=ended)
    assert mapped(waiting(customer, item, currency="USD")).invoice_id == invoice.pk
    dollar.ends_on = dt.date(2026, 1, 14)
    dollar.save()
    late = waiting(customer, item, currency="USD")
    assert mapped(late).reason == UnmappedReason.NO_CONTRACT


@pytest.mark.requirement("CB-25")
def test_an_invoice_reference_routes_to_the_customers_ad_hoc_invoice(customer, item):
    builders.make_invoice(customer)
    ad_hoc = builders.make_invoice(customer, type=InvoiceType.AD_HOC, reference="PROJECT-1")
    assert mapped(waiting(customer, item, invoice_reference="PROJECT-1")).invoice_id == ad_hoc.pk
    other = builders.make_customer()
    builders.make_invoice(other)
    foreign = waiting(other, item, invoice_reference="PROJECT-1")
    assert mapped(foreign).reason == UnmappedReason.UNKNOWN_REFERENCE


def test_what_is_on_an_invoice_stays_there(customer, item):
    february = builders.make_invoice(
        customer, period_from=dt.date(2026, 2, 1), period_to=dt.date(2026, 2, 28)
    )
    builders.make_invoice(customer)
    purchase = builders.make_purchase(february, item=item)
    assert mapped(purchase).invoice_id == february.pk


@pytest.mark.requirement("D-46")
def test_a_late_purchase_is_routed_to_the_earliest_open_invoice_and_keeps_its_day(customer, item):
    locked(customer, InvoiceStatus.CLOSED)
    march = builders.make_invoice(
        customer, period_from=dt.date(2026, 3, 1), period_to=dt.date(2026, 3, 31)
    )
    february = builders.make_invoice(
        customer,
        period_from=dt.date(2026, 2, 1),
        period_to=dt.date(2026, 2, 28),
        status=InvoiceStatus.OPEN,
    )
    purchase = waiting(customer, item)
    mapped(purchase)
    (outcome,) = route_purchases(purchase_ids=[purchase.pk])
    assert outcome.invoice_id == february.pk != march.pk
    purchase.refresh_from_db()
    assert purchase.purchased_on == dt.date(2026, 1, 15)
    february.refresh_from_db()
    assert february.status == InvoiceStatus.PENDING


def test_only_late_purchases_are_routed_and_only_to_an_open_invoice(customer, item):
    locked(customer, InvoiceStatus.CLOSED)
    late = waiting(customer, item)
    mapped(late)
    stray = waiting(None, item)
    mapped(stray)
    outcomes = route_purchases(purchase_ids=[late.pk, stray.pk])
    assert [outcome.refusal for outcome in outcomes] == [
        "Its period is finished",
        "Unknown customer",
    ]


@pytest.mark.requirement("H-CB5")
def test_waiting_purchases_find_their_way_once_the_reason_is_gone(customer, item):
    stray = waiting(customer, None, product_code="LATER")
    known = waiting(customer, item)
    finished = waiting(customer, item, unmapped_reason=UnmappedReason.PERIOD_FINISHED)
    assert map_waiting_purchases() == 0
    builders.make_invoice(customer)
    builders.make_item(code="LATER")
    assert map_waiting_purchases() == 2
    assert map_waiting_purchases() == 0
    assert set(Purchase.objects.mapped()) == {stray, known}
    finished.refresh_from_db()
    assert finished.unmapped_reason == UnmappedReason.PERIOD_FINISHED


@pytest.mark.requirement("H-CB16")
def test_what_arrived_in_approval_is_late_when_the_invoice_is_approved(
    customer, item, django_capture_on_commit_callbacks
):
    builders.make_firm()
    invoice = locked(customer, InvoiceStatus.APPROVING)
    purchase = waiting(customer, item)
    mapped(purchase)
    with django_capture_on_commit_callbacks(execute=True):
        finalise_invoices(invoice_ids=[invoice.pk], by=builders.make_user(), at=JANUARY_15)
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.APPROVED
    purchase.refresh_from_db()
    assert purchase.unmapped_reason == UnmappedReason.PERIOD_FINISHED


@pytest.mark.parametrize(
    "fields",
    [
        {"unit": "UNIT"},
        {"unit": ""},
        {"unit": "MB", "total_override": Decimal(5)},
        {"unit": "MB", "unit_price_override": Decimal(5)},
    ],
)
def test_the_unit_matters_only_where_our_price_counts(customer, item, fields):
    invoice = builders.make_invoice(customer)
    purchase = waiting(customer, item, **fields)
    mapped(purchase)
    assert purchase.invoice == invoice


@pytest.mark.requirement("D-47")
def test_what_arrived_in_approval_is_taken_in_when_the_invoice_reopens(customer, item):
    invoice = locked(customer, InvoiceStatus.APPROVING)
    purchase = waiting(customer, item)
    mapped(purchase)
    reopen_invoices(invoice_ids=[invoice.pk], at=JANUARY_15)
    purchase.refresh_from_db()
    assert purchase.invoice == invoice
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.PENDING


def test_the_metered_quantity_is_that_of_the_pure_rule():
    """500 random quantities, minimums and increments; the seed is fixed."""
    pick = random.Random(20261122)
    customer = builders.make_customer()
    category = builders.make_category()
    builders.make_invoice(customer)
    wanted = {}
    for _ in range(25):
        least = Decimal(pick.choice(["0", "30", "0.5", "7.25"]))
        step = pick.choice([None, Decimal("6"), Decimal("60"), Decimal("0.3"), Decimal("0.000007")])
        item = builders.make_item(
            category=category, metering_minimum=least, metering_increment=step
        )
        for _ in range(20):
            quantity = Decimal(pick.randint(-(10**6), 10**6)).scaleb(-pick.randint(0, 6))
            purchase = waiting(customer, item, quantity=quantity)
            wanted[purchase.pk] = metered_quantity(quantity, least, step or Decimal(0))
    map_purchases(purchase_ids=list(wanted))
    found = dict(Purchase.objects.mapped().values_list("pk", "metered_quantity"))
    assert len(found) == 500
    assert found == wanted


def test_the_number_of_queries_does_not_grow_with_the_purchases(
    customer, item, django_assert_num_queries
):
    builders.make_invoice(customer)
    few = [waiting(customer, item).pk]
    many = [waiting(customer, item).pk for _ in range(30)]
    with CaptureQueriesContext(connection) as one:
        map_purchases(purchase_ids=few)
    with django_assert_num_queries(len(one)):
        map_purchases(purchase_ids=many)


def test_a_batch_of_waiting_purchases_is_followed_by_the_next(customer, item, monkeypatch):
    monkeypatch.setattr(purchase_mapping, "BATCH_SIZE", 2)
    builders.make_invoice(customer)
    for _ in range(5):
        waiting(customer, item)
    assert map_waiting_purchases() == 5
