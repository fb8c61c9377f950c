"""Changes that come while invoices are being calculated are never lost (CB-8, CB-9)."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from decimal import Decimal

import pytest
from django.db import connections, transaction
from django.utils import timezone

from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice, PricingRule
from invoicing.services import calculation, periods, rules
from invoicing.services.recalculation import request_recalculation
from ledger.models import Customer, CustomerCluster
from tests import builders

pytestmark = pytest.mark.usefixtures("committed_db")
WAIT = 20  # seconds, far above what anything here takes
SOON = 0.4  # long enough to see that somebody waits


class Pause:
    """Stops a calculation after it has read its purchases, until it may go on."""

    def __init__(self, monkeypatch):
        self.reached, self.go_on = threading.Event(), threading.Event()
        real = calculation._read_usage

        def paused(*arguments):
            found = real(*arguments)
            self.reached.set()
            assert self.go_on.wait(WAIT)
            return found

        monkeypatch.setattr(calculation, "_read_usage", paused)
        self.restore = lambda: monkeypatch.setattr(calculation, "_read_usage", real)


@pytest.fixture
def pause(monkeypatch):
    return Pause(monkeypatch)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as threads:
        yield threads


def closing(call: Callable, *arguments, **named):
    """Call in a thread, and close the thread's connection."""
    try:
        return call(*arguments, **named)
    finally:
        connections.close_all()


def calculate(*invoices: Invoice) -> calculation.CalculationReport:
    ids = [invoice.pk for invoice in invoices]
    return calculation.calculate_invoices(invoice_ids=ids, at=timezone.now())


def priced_invoice() -> Invoice:
    builders.make_rule(value=Decimal(1), name="Price")
    builders.make_vat("0")
    invoice = builders.make_invoice()
    builders.make_purchase(invoice)
    return invoice


def status(invoice: Invoice) -> str:
    return Invoice.objects.values_list("status", flat=True).get(pk=invoice.pk)


def waits(future) -> bool:
    try:
        future.result(SOON)
    except TimeoutError:
        return True
    return False


@pytest.mark.requirement("CB-8", "CB-9")
def test_a_purchase_that_arrives_while_its_invoice_is_calculated_is_not_lost(pause, pool):
    invoice = priced_invoice()

    def arrive():
        with transaction.atomic():
            builders.make_purchase(invoice, quantity=Decimal(10))
            Invoice.objects.filter(pk=invoice.pk).move_to_pending()

    running = pool.submit(closing, calculate, invoice)
    assert pause.reached.wait(WAIT)
    arriving = pool.submit(closing, arrive)
    assert waits(arriving)
    pause.go_on.set()
    assert running.result(WAIT).calculated == 1
    arriving.result(WAIT)

    assert status(invoice) == InvoiceStatus.PENDING
    assert calculate(invoice).calculated == 1
    assert Invoice.objects.get().net_total == Decimal(11)


def test_an_invoice_that_somebody_is_changing_is_passed_over_and_stays_pending(pool):
    invoice = priced_invoice()
    other = builders.make_invoice()
    with transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).move_to_pending()
        report = pool.submit(closing, calculate, invoice, other).result(WAIT)
        assert report.calculated == 1
    assert (status(invoice), status(other)) == (InvoiceStatus.PENDING, InvoiceStatus.OPEN)


@pytest.mark.requirement("H-CB3")
def test_a_rule_that_changes_while_invoices_are_calculated_is_not_lost(pause, pool):
    invoice = priced_invoice()
    rule = PricingRule.objects.get(name="Price")
    running = pool.submit(closing, calculate, invoice)
    assert pause.reached.wait(WAIT)
    changing = pool.submit(closing, rules.update_rule, rule_id=rule.pk, value=Decimal(7))
    assert waits(changing)
    pause.go_on.set()
    running.result(WAIT)
    changing.result(WAIT)
    assert status(invoice) == InvoiceStatus.PENDING
    calculate(invoice)
    assert Invoice.objects.get().net_total == Decimal(7)


@pytest.mark.requirement("H-CB3")
def test_a_calculation_waits_for_a_rule_that_is_being_changed(pool):
    invoice = priced_invoice()
    rule = PricingRule.objects.get(name="Price")
    with transaction.atomic():
        rules.update_rule(rule_id=rule.pk, value=Decimal(7))
        # the purchase of another invoice arrives, and is calculated, before the rule is committed
        late = builders.make_invoice()
        builders.make_purchase(late)
        running = pool.submit(closing, calculate, invoice)
        assert waits(running)
    running.result(WAIT)
    calculate(invoice, late)
    assert set(Invoice.objects.values_list("net_total", flat=True)) == {Decimal(7)}


def test_a_rule_is_deleted_while_its_invoices_are_calculated(pause, pool):
    invoice = priced_invoice()
    rule = PricingRule.objects.get(name="Price")
    running = pool.submit(closing, calculate, invoice)
    assert pause.reached.wait(WAIT)
    deleting = pool.submit(closing, rules.delete_rule, rule_id=rule.pk)
    assert waits(deleting)
    pause.go_on.set()
    running.result(WAIT)
    deleting.result(WAIT)
    assert status(invoice) == InvoiceStatus.PENDING
    assert calculate(invoice).failed


@pytest.mark.requirement("CB-14")
def test_a_recalculation_that_is_asked_for_meanwhile_happens(pause, pool):
    invoice = priced_invoice()
    running = pool.submit(closing, calculate, invoice)
    assert pause.reached.wait(WAIT)
    at = timezone.now() + dt.timedelta(minutes=1)
    asking = pool.submit(closing, request_recalculation, invoice_ids=[invoice.pk], at=at)
    assert waits(asking)
    pause.go_on.set()
    running.result(WAIT)
    (outcome,) = asking.result(WAIT)
    assert outcome.refusal == ""
    assert status(invoice) == InvoiceStatus.PENDING


def test_a_change_never_reopens_an_invoice_that_was_locked_meanwhile(pool):
    customer = builders.make_customer()
    invoice = builders.make_invoice(customer, status=InvoiceStatus.OPEN)
    cluster = [customer.cluster_id]
    with transaction.atomic():
        assert Invoice.objects.filter(pk=invoice.pk).lock() == 1
        # a set that joins other tables: the status must be looked at again after the wait
        moving = pool.submit(closing, _move, cluster)
        assert waits(moving)
    assert moving.result(WAIT) == 0
    assert status(invoice) == InvoiceStatus.APPROVING


def _move(cluster: list[int]) -> int:
    with transaction.atomic():
        rows = Invoice.objects.filter(customer__cluster__path__contains=cluster)
        return rows.move_to_pending()


def test_workers_share_the_same_invoices_without_doing_one_twice(pool):
    priced_invoice()
    rule = CustomerCluster.objects.first()
    for _ in range(20):
        builders.make_purchase(builders.make_invoice(builders.make_customer(cluster=rule)))
    invoices = list(Invoice.objects.all())
    reports = [pool.submit(closing, calculate, *invoices) for _ in range(4)]
    assert sum(report.result(WAIT).calculated for report in reports) == 21
    assert not Invoice.objects.exclude(status=InvoiceStatus.OPEN).exists()


@pytest.mark.requirement("CB-16", "CB-1")
def test_the_same_periods_are_made_once_by_four_workers(pool):
    for _ in range(6):
        builders.make_customer(bill_from=dt.date(2026, 3, 1))
    at = dt.datetime(2026, 5, 10, 12, tzinfo=dt.UTC)
    made = [pool.submit(closing, periods.create_due_invoices, at=at) for _ in range(4)]
    assert sum(future.result(WAIT) for future in made) == 18
    assert Invoice.objects.count() == 18


@pytest.mark.requirement("H-CB6")
def test_a_frequency_that_changes_meanwhile_makes_no_overlapping_periods(pool):
    customer = builders.make_customer(bill_from=dt.date(2026, 3, 1))
    at = dt.datetime(2026, 5, 10, 12, tzinfo=dt.UTC)
    with transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(frequency_count=3)
        making = pool.submit(closing, periods.create_due_invoices, at=at)
        assert waits(making)
    making.result(WAIT)
    periods.create_due_invoices(at=at)
    spans = list(customer.invoices.order_by("period_from").values_list("period_from", "period_to"))
    assert spans == [
        (dt.date(2026, 1, 1), dt.date(2026, 3, 31)),
        (dt.date(2026, 4, 1), dt.date(2026, 6, 30)),
    ]
