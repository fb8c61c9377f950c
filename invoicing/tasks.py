"""Celery's way into invoicing. A task names ids and calls one service.

The work list is in the rows (Pending, missing periods), never in the queue: a lost message costs
one sweep, and a message that comes twice finds nothing left to do. Services import no tasks.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from billing_site.kernel.periods import local_date
from invoicing.models import Invoice, TransformationResult
from invoicing.services import (
    calculation,
    changes,
    line_charges,
    periods,
    purchase_mapping,
    transformations,
)

logger = logging.getLogger(__name__)

DOCUMENT_SWEEP_LIMIT = 500
AWAITED_DOCUMENTS = 20  # the newest: somebody may be looking at the page where they appear
FIRST, LAST = 0, 9  # priorities of messages on Redis; the lower number is taken first
SWEEP_LIMIT = 100_000  # invoices; the rest at the next sweep
BEAT_LOCKS = {
    "invoicing.create_due_invoices": 7_302_001,
    "invoicing.sweep_pending": 7_302_002,
    "invoicing.sweep_unrendered": 7_302_003,
    "invoicing.map_waiting_purchases": 7_302_004,
    "invoicing.pick_up_order_lines": 7_302_005,
}


# Queueing


@contextmanager
def one_at_a_time(name: str) -> Iterator[bool]:
    """Hold the advisory lock of a periodic task; False when another process holds it."""
    key = BEAT_LOCKS[name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        held = cursor.fetchone()[0]
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def send(task: Any, *, priority: int = FIRST, **arguments: Any) -> None:
    """Send a message; without Redis it is left to the next sweep."""
    try:
        task.apply_async(kwargs=arguments, retry=False, priority=priority)
    except OperationalError:
        logger.warning("%s could not be queued; the sweep will find its work.", task.name)


def after_commit(call: Callable[..., None], **arguments: Any) -> None:
    """Call after the transaction that is open, or at once when there is none."""
    transaction.on_commit(partial(call, **arguments))


# Periods and calculation


def enqueue_pending() -> None:
    """Have Pending invoices calculated soon: callers use it after a change (D-48)."""
    after_commit(send, task=sweep_pending_invoices)


def enqueue_due_invoices(*, customer_id: int) -> None:
    """Have the invoices of a customer made soon, after it was saved (CB-15)."""
    after_commit(send, task=create_due_invoices, customer_ids=[customer_id])


@shared_task(name="invoicing.create_due_invoices")
def create_due_invoices(*, customer_ids: list[int] | None = None) -> int:
    """Make missing invoices; beat asks every five minutes for all customers (CB-16)."""
    if customer_ids is not None:
        made = periods.create_due_invoices(at=timezone.now(), customer_ids=customer_ids)
    else:
        with one_at_a_time("invoicing.create_due_invoices") as mine:
            made = periods.create_due_invoices(at=timezone.now()) if mine else 0
    if made:
        after_commit(send, task=map_waiting_purchases)
        enqueue_pending()
    return made


@shared_task(name="invoicing.map_waiting_purchases")
def map_waiting_purchases() -> int:
    """Put purchases on invoices that they could not find before (H-CB5, D-47)."""
    with one_at_a_time("invoicing.map_waiting_purchases") as mine:
        moved = purchase_mapping.map_waiting_purchases() if mine else 0
    if moved:
        enqueue_pending()
    return moved


@shared_task(name="invoicing.pick_up_order_lines")
def pick_up_order_lines() -> int:
    """Charges of order lines that are due in-house come onto invoices and subscriptions (D-10)."""
    now = timezone.now()
    with one_at_a_time("invoicing.pick_up_order_lines") as mine:
        if not mine:
            return 0
        today = local_date(now, settings.TIME_ZONE)
        report = line_charges.pick_up_ready_lines(at=now, today=today)
    if report.charges or report.withdrawn:
        enqueue_pending()
    return report.lines


@shared_task(name="invoicing.sweep_pending_invoices")
def sweep_pending_invoices() -> int:
    """Carry on changes from below, then queue every Pending invoice in batches of ids."""
    with one_at_a_time("invoicing.sweep_pending") as mine:
        if not mine:
            return 0
        changes.mark_changed_pricing(at=timezone.now())
        ids = list(
            Invoice.objects.pending().order_by("pk").values_list("pk", flat=True)[:SWEEP_LIMIT]
        )
    for start in range(0, len(ids), calculation.BATCH_SIZE):
        send(task=calculate_invoices, invoice_ids=ids[start : start + calculation.BATCH_SIZE])
    return len(ids)


@shared_task(name="invoicing.calculate_invoices")
def calculate_invoices(*, invoice_ids: list[int]) -> dict[str, int]:
    """Calculate those of the invoices that are still Pending."""
    report = calculation.calculate_invoices(invoice_ids=invoice_ids, at=timezone.now())
    return {"calculated": report.calculated, "failed": len(report.failed)}


# Documents


def enqueue_documents() -> None:
    """Have the documents of approved invoices made soon: callers use it after an approval."""
    after_commit(send, task=sweep_unrendered_documents)


@shared_task(name="invoicing.sweep_unrendered_documents")
def sweep_unrendered_documents() -> int:
    """Queue the documents that wait, the newest ahead of a backlog; give up those over which
    workers died again and again.
    """
    with one_at_a_time("invoicing.sweep_unrendered") as mine:
        if not mine:
            return 0
        now = timezone.now()
        transformations.give_up_dead_results(at=now)
        waiting = TransformationResult.objects.waiting(now).values_list("pk", flat=True)
        awaited = list(waiting.order_by("-pk")[:AWAITED_DOCUMENTS])
        others = waiting.exclude(pk__in=awaited).order_by("pk")
        ids = list(others[: DOCUMENT_SWEEP_LIMIT - len(awaited)])
    for result_id in awaited:
        send(task=render_result, result_id=result_id)
    for result_id in ids:
        send(task=render_result, result_id=result_id, priority=LAST)
    return len(awaited) + len(ids)


@shared_task(name="invoicing.render_result")
def render_result(*, result_id: int) -> bool:
    """Make one document, unless another worker has it or it is there."""
    return transformations.render_result(result_id=result_id, clock=timezone.now)
