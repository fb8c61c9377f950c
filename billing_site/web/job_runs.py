"""The worker's side of a job: the lease, the counters, the outcome per row."""

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pghistory
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from billing_site.kernel.errors import DomainError
from billing_site.web.enums import ItemOutcome, JobStatus
from billing_site.web.models import Job, JobItem, Selection

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS = 0.5  # the counters reach the database at most this often
WRITE_ITEMS = 1000  # or when this many outcomes wait
MAX_ATTEMPTS = 5


class JobCancelled(Exception):
    """The owner asked to stop; raised by :meth:`JobRun.check_cancelled`."""


class LeaseLost(Exception):
    """Another worker has the job now; this one must stop without another write."""


class JobRun:
    """What a handler sees of its job. Counters are written at most twice a second."""

    def __init__(self, *, job: Job, token: uuid.UUID, clock: Callable[[], dt.datetime]) -> None:
        self.job = job
        self.pk: int = job.pk
        self.params: dict[str, Any] = job.params
        self.owner: User = job.owner
        self.now = clock
        self._token = token
        self._items: list[JobItem] = []
        self._counts = {"done": job.done, "skipped": job.skipped, "failed": job.failed}
        self._written = dict(self._counts)
        self._total = job.total
        self._result: dict[str, Any] = {}
        self._result_url = ""
        self._written_at = time.monotonic()
        self._cancelled = job.cancel_requested_at is not None

    # the handler's side

    def total(self, n: int) -> None:
        """How many rows there are to do; shown as progress from now on."""
        self._total = n
        self.flush()

    def advance(self, n: int = 1) -> None:
        """``n`` more rows are done; no line of their own."""
        self._counts["done"] += n
        self._flush_if_due()

    def item(
        self, label: str, *, note: str = "", object_id: int | None = None, url: str = ""
    ) -> None:
        """One row is done and is named in the outcome, with what is to be known of it."""
        self._record(ItemOutcome.DONE, label, note, object_id, url)

    def skip(self, label: str, reason: str, *, object_id: int | None = None, url: str = "") -> None:
        """One row was left as it was, and why."""
        self._record(ItemOutcome.SKIPPED, label, reason, object_id, url)

    def fail(self, label: str, reason: str, *, object_id: int | None = None, url: str = "") -> None:
        """One row could not be done, and why; the job goes on and ends with errors."""
        self._record(ItemOutcome.FAILED, label, reason, object_id, url)

    def result(self, *, url: str = "", warning: str = "", **values: Any) -> None:
        """Where the result is to be seen, and figures to show; JSON values only.

        :param warning: what the person has to look at although the work was done, as
            ``14 rows have errors``; it stands where the end of the job is told, in amber.
        """
        self._result_url = url or self._result_url
        self._result.update(values)
        if warning:
            self._result["warning"] = warning

    def check_cancelled(self) -> None:
        """A safe point to stop.

        :raises JobCancelled: the owner asked for it.
        :raises LeaseLost: another worker took the job over.
        """
        self._flush_if_due()
        if self._cancelled:
            raise JobCancelled

    def selection_ids(self) -> list[int]:
        """The ids that the person confirmed, ascending; retries share them."""
        return list(self._selection().ids)

    def selection_filter(self) -> QueryDict:
        """The filter under which they were selected, as it stood in the address."""
        return QueryDict(self._selection().query)

    def _selection(self) -> Selection:
        job = self.job
        while job.retry_of is not None:
            job = job.retry_of
        return job.selection

    def unfinished(self, ids: Iterable[int]) -> list[int]:
        """``ids`` without an outcome yet; what failed in a job that this one retries is tried again."""
        earlier, job = [], self.job
        while job.retry_of is not None:
            job = job.retry_of
            earlier.append(job.pk)
        items = JobItem.objects.filter(
            Q(job=self.pk) | (Q(job__in=earlier) & ~Q(outcome=ItemOutcome.FAILED)),
            object_id__isnull=False,
        )
        finished = set(items.values_list("object_id", flat=True))
        return [pk for pk in ids if pk not in finished]

    def flush(self) -> None:
        """Write counters and outcomes now; inside a transaction they share its fate.

        :raises LeaseLost: another worker took the job over.
        """
        with transaction.atomic():
            row = Job.objects.held_by(self._token).filter(pk=self.pk)
            now = self.now()
            if not row.update(
                total=self._total, heartbeat_at=now, lease_until=now + LEASE, **self._counts
            ):
                raise LeaseLost
            JobItem.objects.bulk_create(self._items, batch_size=WRITE_ITEMS)
        self._items = []
        self._written = dict(self._counts)
        self._written_at = time.monotonic()
        self._cancelled = row.filter(cancel_requested_at__isnull=False).exists()

    # inside

    def _record(
        self, outcome: ItemOutcome, label: str, reason: str, object_id: int | None, url: str
    ) -> None:
        self._counts[outcome.value] += 1
        self._items.append(
            JobItem(
                job_id=self.pk,
                object_id=object_id,
                label=_storable(label)[:200],
                outcome=outcome,
                reason=_storable(reason),
                url=url[:300],
            )
        )
        self._flush_if_due()

    def _flush_if_due(self) -> None:
        waited = time.monotonic() - self._written_at
        if waited >= WRITE_SECONDS or len(self._items) >= WRITE_ITEMS:
            self.flush()

    def finish(self, status: JobStatus, *, error: str = "") -> None:
        """Running -> a final state, with everything not written yet.

        :raises LeaseLost: another worker took the job over.
        """
        with transaction.atomic():
            try:
                with transaction.atomic():
                    self.flush()
            except DatabaseError:
                if status != JobStatus.FAILED:
                    raise
                logger.exception("job %s: its last outcomes could not be written", self.pk)
                self._items, self._counts = [], dict(self._written)
                self.flush()
            Job.objects.filter(pk=self.pk).finish(
                token=self._token,
                status=status,
                at=self.now(),
                error=_storable(error),
                result=self._result,
                result_url=self._result_url,
            )

    @property
    def final_status(self) -> JobStatus:
        return JobStatus.COMPLETED_WITH_ERRORS if self._counts["failed"] else JobStatus.COMPLETED


def _storable(text: str) -> str:
    """PostgreSQL holds no NUL; a quoted value of a user's file may."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


class Heartbeat(threading.Thread):
    """Renews a lease from a thread of its own, so that one long statement does not lose it."""

    def __init__(self, *, job_id: int, token: uuid.UUID) -> None:
        super().__init__(daemon=True, name=f"heartbeat-{job_id}")
        self._job_id = job_id
        self._token = token
        self._stopped = threading.Event()

    def run(self) -> None:
        try:
            while not self._stopped.wait(HEARTBEAT_SECONDS):
                now = timezone.now()
                held = Job.objects.filter(pk=self._job_id).held_by(self._token)
                if not held.update(heartbeat_at=now, lease_until=now + LEASE):
                    return
        finally:
            connection.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=5)


def run_job(
    *,
    job_id: int,
    handler: Callable[[JobRun], None],
    resumable: bool,
    clock: Callable[[], dt.datetime] = timezone.now,
    heartbeat: bool = False,
) -> bool:
    """Claim a job and do it; False when it is not there to be had (done, or another's).

    The end is always written: Completed, Completed with errors, Cancelled, or Failed with a
    sentence. Only a lost lease writes nothing: the job is another worker's by then.
    """
    token, now = uuid.uuid4(), clock()
    if not Job.objects.filter(pk=job_id).claim(token=token, at=now, lease_until=now + LEASE):
        return False
    job = Job.objects.select_related("owner", "retry_of").get(pk=job_id)
    if job.attempts > 1 and not resumable:
        JobItem.objects.filter(job_id=job_id).delete()
        job.done = job.skipped = job.failed = 0
    run = JobRun(job=job, token=token, clock=clock)
    beat = Heartbeat(job_id=job_id, token=token) if heartbeat else None
    if beat:
        beat.start()
    try:
        _work(run, handler)
    except LeaseLost:
        logger.warning("job %s was taken over by another worker", job_id)
    finally:
        if beat:
            beat.stop()
    return True


def _work(run: JobRun, handler: Callable[[JobRun], None]) -> None:
    try:
        with pghistory.context(user=run.owner.pk, job=run.pk):
            run.check_cancelled()
            handler(run)
    except LeaseLost:
        raise
    except JobCancelled:
        run.finish(JobStatus.CANCELLED)
    except DomainError as refusal:
        run.finish(JobStatus.FAILED, error=str(refusal))
    except Exception:  # the boundary of a worker: the row keeps the end, the log keeps the cause
        logger.exception("job %s failed", run.pk)
        run.finish(
            JobStatus.FAILED,
            error=f"Something unexpected went wrong. The log names the cause under job {run.pk}.",
        )
    else:
        run.finish(run.final_status)


def fail_dead_jobs(*, at: dt.datetime) -> int:
    """Jobs whose workers died :data:`MAX_ATTEMPTS` times are given up; how many."""
    return Job.objects.give_up(
        at=at,
        attempts=MAX_ATTEMPTS,
        error=f"The worker died {MAX_ATTEMPTS} times over this work, so it was stopped for good. "
        "Look at the memory of the machine, then start it again.",
    )


def unannounced_jobs(*, at: dt.datetime, older_than: dt.timedelta, limit: int) -> Sequence[Job]:
    """The sweep's work list: jobs that wait and of which no worker heard lately."""
    jobs = Job.objects.unannounced(at=at, since=at - older_than)
    return list(jobs.order_by("pk").only("pk", "kind")[:limit])
