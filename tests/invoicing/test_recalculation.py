"""Recalculation on request, and the tasks that look for work."""

import datetime as dt

import pytest
from django.db import connection, connections
from django.utils import timezone

from invoicing import tasks
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.services.recalculation import request_recalculation
from tests import builders

pytestmark = pytest.mark.django_db


def in_status(status: str) -> Invoice:
    invoice = builders.make_invoice()
    if status != "pending":
        error = {"error": "no price"} if status == "error" else {}
        way = ["open", status] if status in ("approving", "closed") else [status]
        for step in way:
            Invoice.objects.filter(pk=invoice.pk).update(
                status=step, calculated_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC), **error
            )
    return invoice


@pytest.mark.requirement("CB-14", "N-4", "CB-9", "CB-11", "CB-13")
def test_each_invoice_has_its_outcome():
    statuses = ["open", "error", "pending", "approving", "closed"]
    invoices = [in_status(status) for status in statuses]
    ids = [invoice.pk for invoice in invoices]
    outcomes = request_recalculation(invoice_ids=[*ids, 0, ids[0]], at=timezone.now())
    assert [o.invoice_id for o in outcomes] == [*ids, 0]
    assert [bool(o.refusal) for o in outcomes] == [False, False, False, True, True, True]
    assert "reject it first" in outcomes[3].refusal
    assert "closed" in outcomes[4].refusal
    assert [Invoice.objects.get(pk=pk).status for pk in ids] == [
        "pending",
        "pending",
        "pending",
        "approving",
        "closed",
    ]


def test_an_invoice_calculated_after_the_request_is_left_alone():
    invoice = in_status("open")
    at = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    (outcome,) = request_recalculation(invoice_ids=[invoice.pk], at=at)
    assert outcome.refusal == ""
    assert Invoice.objects.get().status == InvoiceStatus.OPEN


@pytest.fixture
def sent(monkeypatch) -> list:
    messages: list = []
    monkeypatch.setattr(
        tasks, "send", lambda task, **arguments: messages.append((task.name, arguments))
    )
    return messages


@pytest.mark.requirement("D-48", "CB-8")
def test_the_sweep_queues_pending_invoices_in_batches(sent, monkeypatch):
    monkeypatch.setattr(tasks.calculation, "BATCH_SIZE", 2)
    ids = [builders.make_invoice().pk for _ in range(3)]
    in_status("open")
    assert tasks.sweep_pending_invoices() == 3
    assert sent == [
        ("invoicing.calculate_invoices", {"invoice_ids": ids[:2]}),
        ("invoicing.calculate_invoices", {"invoice_ids": ids[2:]}),
    ]
    for _ in range(2):  # delivered twice
        for _, arguments in sent:
            tasks.calculate_invoices(**arguments)
    assert not Invoice.objects.pending().exists()
    assert tasks.sweep_pending_invoices() == 0


@pytest.mark.requirement("D-48", "CB-15", "CB-16")
def test_due_invoices_are_made_and_queued(sent, django_capture_on_commit_callbacks):
    customer = builders.make_customer(bill_from=timezone.now().date())
    with django_capture_on_commit_callbacks(execute=True):
        tasks.enqueue_due_invoices(customer_id=customer.pk)
    assert sent == [("invoicing.create_due_invoices", {"customer_ids": [customer.pk]})]
    with django_capture_on_commit_callbacks(execute=True):
        assert tasks.create_due_invoices() == 1
        assert tasks.create_due_invoices() == 0
        assert tasks.create_due_invoices(customer_ids=[customer.pk]) == 0
    assert sent[1:] == [
        ("invoicing.map_waiting_purchases", {}),
        ("invoicing.sweep_pending_invoices", {}),
    ]


def test_a_beat_that_another_process_is_in_does_nothing(sent, monkeypatch):
    builders.make_invoice()
    builders.make_customer(bill_from=timezone.now().date())
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            for key in tasks.BEAT_LOCKS.values():
                cursor.execute("SELECT pg_advisory_lock(%s)", [key])
        assert tasks.sweep_pending_invoices() == 0
        assert tasks.create_due_invoices() == 0
    finally:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        other.close()
    assert sent == []
    assert tasks.sweep_pending_invoices() == 1


def test_without_redis_the_work_waits_for_the_sweep(monkeypatch, caplog):
    from kombu.exceptions import OperationalError

    def refuse(**_):
        raise OperationalError("no Redis")

    monkeypatch.setattr(tasks.sweep_pending_invoices, "apply_async", refuse)
    tasks.send(task=tasks.sweep_pending_invoices)
    assert "the sweep will find its work" in caplog.text


def test_the_tasks_are_those_of_the_schedule(settings):
    from billing_site.celery import app

    app.loader.import_default_modules()
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    ours = {"invoicing.create_due_invoices", "invoicing.sweep_pending_invoices"}
    assert ours <= names & set(app.tasks)
    assert connection.alias == "default"
