"""Long work as a row: start it, watch it, cancel it, retry it.

The row is the queue of record. A Celery message is sent after commit and only makes the start
quicker: when Redis is down, or loses everything, the sweep ``web.requeue_jobs`` finds the row. A
worker owns a job by a lease that it renews; a worker killed with ``kill -9`` lets the lease run
out and another one takes the job. So a handler **may run twice** and has to be repeatable.

A kind of job is a function in an app's ``jobs.py`` (found by ``autodiscover_modules``)::

    from billing_site.web.jobs import JobRun, job_kind

    @job_kind("invoicing.approve_invoices", resumable=True)
    def approve_invoices(job: JobRun) -> None:
        ids = job.selection_ids()                  # a bulk action of a list; else use job.params
        job.total(len(ids))
        for batch in batched(job.unfinished(ids), 500):
            job.check_cancelled()                  # raises JobCancelled; what is done stays done
            for outcome in services.approve_invoices(invoice_ids=batch, by=job.owner, at=job.now()):
                if outcome.refusal:
                    job.skip(outcome.label, reason=outcome.refusal, object_id=outcome.pk)
                else:
                    job.item(outcome.label, object_id=outcome.pk, url=outcome.url)
        job.result(url=reverse("invoicing:invoice-list"), approved=12)

and a view starts it::

    job = start_job(kind="invoicing.approve_invoices", title="Approve 12 invoices", owner=user,
                    params={...}, at=timezone.now())
    return redirect(job)

``job.advance(n)`` counts rows that need no line of their own. A :class:`DomainError` ends the job
as Failed with its sentence; any other exception as Failed with a reference to the log.
``resumable=True`` keeps counters and outcomes when the job is taken up again or retried, and
:meth:`JobRun.unfinished` then leaves out what already has an outcome; otherwise a second attempt
begins at zero.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.module_loading import autodiscover_modules
from kombu.exceptions import OperationalError

from billing_site.web.enums import JobStatus
from billing_site.web.errors import (
    JobNotCancellable,
    JobNotPermitted,
    JobNotRetryable,
    UnknownJobKind,
)
from billing_site.web.job_runs import JobCancelled, JobRun, LeaseLost, run_job
from billing_site.web.models import Job

__all__ = [
    "JobCancelled",
    "JobRun",
    "LeaseLost",
    "cancel_job",
    "job_kind",
    "retry_job",
    "start_job",
]

logger = logging.getLogger(__name__)

RUN_JOB_TASK = "web.run_job"
HANDLER_MODULES = ("jobs", "list_exports")  # where apps, and the lists, register their kinds

Handler = Callable[[JobRun], None]


@dataclass(frozen=True)
class JobKind:
    """What the registry knows of a kind of job."""

    name: str
    handler: Handler
    queue: str
    resumable: bool
    permission: str = ""


_KINDS: dict[str, JobKind] = {}


def job_kind(
    name: str, *, queue: str = "default", resumable: bool = False, permission: str = ""
) -> Callable[[Handler], Handler]:
    """Register a handler as ``<app>.<verb>_<objects>``; the queue is a Celery queue's name.

    :param permission: what the owner must hold at the moment the work begins, and on every retry.
    :raises ValueError: another handler has this name.
    """

    def register(handler: Handler) -> Handler:
        known = _KINDS.get(name)
        if known and known.handler.__qualname__ != handler.__qualname__:
            raise ValueError(f"job kind {name!r} is already {known.handler.__qualname__}")
        _KINDS[name] = JobKind(name, handler, queue, resumable, permission)
        return handler

    return register


def find_kind(name: str) -> JobKind:
    """The registered kind.

    :raises UnknownJobKind: nothing is registered under ``name``.
    """
    if name not in _KINDS:
        autodiscover_modules(*HANDLER_MODULES)
    try:
        return _KINDS[name]
    except KeyError:
        raise UnknownJobKind(f"This version of Quittance has no work named {name}.") from None


def start_job(
    *,
    kind: str,
    title: str,
    owner: AbstractBaseUser,
    at: dt.datetime,
    params: dict[str, Any] | None = None,
    total: int | None = None,
) -> Job:
    """Put a job on the work list; a worker hears of it once the transaction is committed.

    :param params: JSON values only, ids rather than rows.
    :raises UnknownJobKind: no handler is registered.
    """
    queue = find_kind(kind).queue
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            title=title[:200],
            owner=owner,
            params=params or {},
            total=total,
            created_at=at,
        )
        transaction.on_commit(lambda: announce(job_id=job.pk, queue=queue, at=at))
    return job


def announce(*, job_id: int, queue: str, at: dt.datetime) -> bool:
    """Tell the workers; False when the broker cannot be reached (the sweep will try again)."""
    try:
        current_app.send_task(RUN_JOB_TASK, args=[job_id], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("job %s waits for the sweep, the broker is away: %s", job_id, error)
        return False
    Job.objects.filter(pk=job_id).update(enqueued_at=at)
    return True


def announce_all(*, jobs: Iterable[Job], at: dt.datetime) -> int:
    """Announce each; stops at the first that does not get through. How many were announced."""
    announced = 0
    for job in jobs:
        try:
            queue = find_kind(job.kind).queue
        except UnknownJobKind:
            queue = "default"  # the worker that gets it ends it with the reason
        if not announce(job_id=job.pk, queue=queue, at=at):
            break
        announced += 1
    return announced


def run(*, job_id: int, heartbeat: bool = False) -> bool:
    """Do a job by the handler of its kind; False when it is not there to be had."""
    name = Job.objects.filter(pk=job_id).values_list("kind", flat=True).first()
    if name is None:
        return False
    try:
        kind = find_kind(name)
    except UnknownJobKind as refusal:
        kind = JobKind(name, _refuse(refusal), queue="default", resumable=True)
    return run_job(
        job_id=job_id,
        handler=_permitted(kind),
        resumable=kind.resumable,
        heartbeat=heartbeat,
    )


def _permitted(kind: JobKind) -> Handler:
    def handler(job: JobRun) -> None:
        if kind.permission and not job.owner.has_perm(kind.permission):
            raise JobNotPermitted(
                f"{job.owner} no longer has the right to do this. Nothing was done."
            )
        kind.handler(job)

    return handler


def _refuse(refusal: UnknownJobKind) -> Handler:
    def handler(job: JobRun) -> None:
        raise refusal

    return handler


def cancel_job(*, job: Job, at: dt.datetime) -> None:
    """Stop a waiting job at once; ask a running one to stop at its next safe point.

    :raises JobNotCancellable: it has already ended.
    """
    jobs = Job.objects.filter(pk=job.pk)
    if jobs.cancel_queued(at=at) or jobs.request_cancel(at=at):
        return
    if not jobs.active().exists():
        raise JobNotCancellable(f"“{job.title}” has already ended; there is nothing to cancel.")


def retry_job(*, job: Job, by: AbstractBaseUser, at: dt.datetime) -> Job:
    """Start the same work again as a new job; asked twice, the answer is the same new job.

    :raises JobNotRetryable: it is still at work, it ended without errors, or it is another's.
    """
    if job.owner_id != by.pk:
        raise JobNotRetryable(f"Only {job.owner} can start this again: it is done in their name.")
    kind = find_kind(job.kind)
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if not job.is_retryable:
            raise JobNotRetryable(
                f"“{job.title}” is {JobStatus(job.status).label.lower()}; "
                "only failed, cancelled or partly failed work can be started again."
            )
        existing = Job.objects.filter(retry_of=job).first()
        if existing:
            return existing
        again = Job.objects.create(
            kind=job.kind,
            title=job.title,
            owner=by,
            params=job.params,
            total=job.total,
            retry_of=job,
            created_at=at,
        )
        transaction.on_commit(lambda: announce(job_id=again.pk, queue=kind.queue, at=at))
    return again
