"""Several at once: each charge is picked up once, and nobody waits for ever."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import pytest
from django.db import connections, transaction

from inventory.models import BillingPlatform
from invoicing.models import Invoice, LineCheck, Purchase, SubscriptionItem
from invoicing.services import approval, line_charges
from invoicing.services.calculation import calculate_invoices
from orders.models import BillStatusEvent, OrderLine
from orders.services.conversion import convert_lines
from orders.services.orders import update_line
from tests import builders

pytestmark = pytest.mark.usefixtures("committed_db")
WAIT, SOON = 20, 0.4
NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
JUNE = dt.datetime(2026, 6, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as threads:
        yield threads


def closing(call, *arguments, **named):
    try:
        return call(*arguments, **named)
    finally:
        connections.close_all()


def pick_up() -> line_charges.PickUp:
    return line_charges.pick_up_ready_lines(at=NOON, today=NOON.date())


def lines_of(customer, count: int) -> list[OrderLine]:
    house = BillingPlatform.objects.get(is_in_house=True)
    order = builders.make_order(customer)
    facts = {"cli": "+441632960123", "connection_date": NOON.date()}
    lines = [
        builders.make_line(order, upfront_route=house, recurring_route=house, **facts)
        for _ in range(count)
    ]
    convert_lines(line_ids=[line.pk for line in lines], by=None, at=NOON)
    return lines


def world(count: int = 1) -> tuple[list[OrderLine], Invoice]:
    builders.make_firm()
    builders.make_vat()
    customer = builders.make_customer()
    period = {"period_from": dt.date(2026, 5, 1), "period_to": dt.date(2026, 5, 31)}
    return lines_of(customer, count), builders.make_invoice(customer, **period)


@pytest.mark.requirement("D-10", "X-2")
def test_two_pick_ups_at_once_bill_each_charge_once(pool, monkeypatch):
    monkeypatch.setattr(line_charges, "BATCH_SIZE", 7)
    world(40)
    start = threading.Barrier(4)

    def go():
        start.wait(WAIT)
        return pick_up()

    reports = [pool.submit(closing, go) for _ in range(4)]
    found = [report.result(WAIT) for report in reports]
    rest = pick_up()  # what one skipped because another had just looked at it
    assert sum(report.charges for report in [*found, rest]) == 40
    assert Purchase.objects.mapped().count() == SubscriptionItem.objects.count() == 40
    assert BillStatusEvent.objects.filter(to_status="in_billing").count() == 40
    assert not LineCheck.objects.exists()


@pytest.mark.requirement("L-12", "D-10")
def test_a_route_that_is_changed_while_its_invoice_is_approved_waits_and_is_refused(pool):
    (line,), invoice = world()
    pick_up()
    calculate_invoices(invoice_ids=[invoice.pk], at=JUNE)
    approval.lock_invoices(invoice_ids=[invoice.pk], at=JUNE)
    away, clerk = builders.make_platform(), builders.make_user()

    def send_away():
        OrderLine.objects.filter(pk=line.pk).update(upfront_route=away)

    with transaction.atomic():
        (done,) = approval.finalise_invoices(invoice_ids=[invoice.pk], by=clerk, at=JUNE)
        assert done.is_done
        changing = pool.submit(closing, send_away)
        with pytest.raises(TimeoutError):
            changing.result(SOON)
    with pytest.raises(Exception, match="is invoiced"):
        changing.result(WAIT)
    line.refresh_from_db()
    assert (line.upfront_status, line.upfront_route.is_in_house) == ("in_billing", True)


@pytest.mark.requirement("L-12")
def test_an_approval_waits_for_a_line_that_is_being_changed_and_is_refused(pool):
    (line,), invoice = world()
    pick_up()
    calculate_invoices(invoice_ids=[invoice.pk], at=JUNE)
    approval.lock_invoices(invoice_ids=[invoice.pk], at=JUNE)
    clerk = builders.make_user()
    with transaction.atomic():
        update_line(line_id=line.pk, fields={"connection_date": None}, by=clerk, at=NOON)
        approving = pool.submit(
            closing, approval.finalise_invoices, invoice_ids=[invoice.pk], by=clerk, at=JUNE
        )
        with pytest.raises(TimeoutError):
            approving.result(SOON)
    (outcome,) = approving.result(WAIT)
    assert "changed after its charge came onto this invoice" in outcome.refusal


def test_a_pick_up_passes_over_an_invoice_that_somebody_holds(pool):
    (line,), invoice = world()
    pick_up()
    update_line(line_id=line.pk, fields={"connection_date": None}, by=None, at=NOON)
    with transaction.atomic():
        Invoice.objects.select_for_update().get(pk=invoice.pk)
        report = pool.submit(closing, pick_up).result(WAIT)
        assert (report.lines, report.withdrawn) == (1, 0)
    assert pick_up().withdrawn == 1
    assert not Purchase.objects.exists()
