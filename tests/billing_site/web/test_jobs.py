"""Long work as a row: leases, kills, redelivery, cancelling, retrying, a broker that is away."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from billing_site.web import job_runs, jobs, tasks
from billing_site.web.enums import FINAL, RETRYABLE, JobStatus
from billing_site.web.errors import JobNotCancellable, JobNotRetryable, UnknownJobKind
from billing_site.web.job_runs import LEASE, MAX_ATTEMPTS, JobRun, LeaseLost
from billing_site.web.models import Job, JobItem
from tests.billing_site.web import handlers
from tests.billing_site.web.conftest import NOW, make_job
from tests.builders import make_user

LATER = NOW + dt.timedelta(seconds=61)


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """Messages instead of a broker."""
    messages = []

    def send_task(name, args, **options):
        messages.append((name, args[0], options["queue"]))

    monkeypatch.setattr(jobs.current_app, "send_task", send_task)
    handlers.SEEN.clear()
    return messages


@pytest.fixture
def allowed(anna):
    anna.user_permissions.add(Permission.objects.get(codename="change_group"))
    return anna


def run(job: Job) -> Job:
    assert jobs.run(job_id=job.pk)
    return Job.objects.get(pk=job.pk)


def outcomes(job: Job) -> list[tuple[int, str]]:
    return list(job.items.order_by("pk").values_list("object_id", "outcome"))


def test_a_job_is_a_row_first_and_a_message_after_commit(
    anna, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start_job(kind="test.nothing", title="Nothing", owner=anna, at=NOW)
        assert sent == []

    assert sent == [("web.run_job", job.pk, "default")]
    job.refresh_from_db()
    assert (job.status, job.enqueued_at) == (JobStatus.QUEUED, NOW)


def test_work_that_rolls_back_sends_no_message(committed_db, sent):
    owner = make_user(username="roll")
    with transaction.atomic():
        jobs.start_job(kind="test.nothing", title="Nothing", owner=owner, at=NOW)
        transaction.set_rollback(True)
    assert sent == []
    assert not Job.objects.exists()


def test_an_unknown_kind_is_refused_at_once(anna):
    with pytest.raises(UnknownJobKind, match=r"test\.missing"):
        jobs.start_job(kind="test.missing", title="?", owner=anna, at=NOW)


def test_a_job_starts_without_a_broker_and_the_sweep_announces_it(
    anna, monkeypatch, sent, django_capture_on_commit_callbacks
):
    def away(*args, **options):
        raise OperationalError("Error 111 connecting to Redis")

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(jobs.current_app, "send_task", away)
        job = jobs.start_job(kind="test.nothing", title="Nothing", owner=anna, at=NOW)
        assert tasks.requeue_jobs() == 0
    job.refresh_from_db()
    assert (job.status, job.enqueued_at) == (JobStatus.QUEUED, None)

    assert tasks.requeue_jobs() == 1
    assert sent == [("web.run_job", job.pk, "default")]
    assert tasks.requeue_jobs() == 0, "announced a moment ago"


def test_the_sweep_repeats_a_message_that_nobody_answered(anna, sent):
    now = timezone.now()
    make_job(anna, enqueued_at=now - dt.timedelta(seconds=59))
    lost = make_job(anna, enqueued_at=now - dt.timedelta(seconds=62))

    assert tasks.requeue_jobs() == 1
    assert [message[1] for message in sent] == [lost.pk]


def test_a_job_runs_to_its_end(anna):
    job = run(make_job(anna))

    assert (job.status, job.done, job.attempts) == (JobStatus.COMPLETED, 1, 1)
    assert job.finished_at is not None
    assert job.lease_token is None


def test_a_message_delivered_twice_does_the_work_once(anna):
    job = make_job(anna)
    run(job)

    assert not jobs.run(job_id=job.pk)
    assert not jobs.run(job_id=10**9)
    job.refresh_from_db()
    assert job.done == 1


def test_a_job_at_work_is_not_claimed_again_until_its_lease_ends(anna):
    job = make_job(anna)
    mine = Job.objects.filter(pk=job.pk)
    assert mine.claim(token=uuid.uuid4(), at=NOW, lease_until=NOW + LEASE) == 1

    assert mine.claim(token=uuid.uuid4(), at=NOW + LEASE, lease_until=LATER + LEASE) == 0
    assert mine.claim(token=uuid.uuid4(), at=LATER, lease_until=LATER + LEASE) == 1
    job.refresh_from_db()
    assert job.attempts == 2


def test_of_many_workers_one_claims(committed_db):
    job = make_job(make_user(username="race"))

    def claim(_):
        try:
            return Job.objects.filter(pk=job.pk).claim(
                token=uuid.uuid4(), at=NOW, lease_until=NOW + LEASE
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(claim, range(12))) == 1


def test_a_killed_worker_loses_no_row_and_doubles_none(allowed):
    job = make_job(allowed, kind="test.rows", params={"ids": [1, 2, 3, 4], "die_after": 2})
    with pytest.raises(KeyboardInterrupt):
        jobs.run(job_id=job.pk)
    job.refresh_from_db()
    assert (job.status, job.done) == (JobStatus.RUNNING, 2)
    assert not jobs.run(job_id=job.pk), "the lease is still held"

    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert tasks.requeue_jobs() == 1
    job = run(job)

    assert (job.status, job.done, job.attempts) == (JobStatus.COMPLETED, 4, 2)
    assert handlers.SEEN == [1, 2, 3, 4]
    assert outcomes(job) == [(1, "done"), (2, "done"), (3, "done"), (4, "done")]


def test_a_second_attempt_at_work_that_cannot_resume_begins_at_zero(anna):
    job = make_job(anna, status=JobStatus.QUEUED, attempts=1, done=7)
    JobItem.objects.create(job=job, label="old", outcome="done")

    job = run(job)

    assert job.done == 1
    assert not job.items.exists()


def test_a_worker_that_lost_its_lease_writes_nothing_more(anna):
    job = make_job(anna)
    token = uuid.uuid4()
    Job.objects.filter(pk=job.pk).claim(token=token, at=NOW, lease_until=NOW + LEASE)
    job.refresh_from_db()
    slow = JobRun(job=job, token=token, clock=lambda: LATER)
    Job.objects.filter(pk=job.pk).claim(token=uuid.uuid4(), at=LATER, lease_until=LATER + LEASE)

    slow.item("late", object_id=1)
    with pytest.raises(LeaseLost):
        slow.flush()
    with pytest.raises(LeaseLost):
        slow.finish(JobStatus.COMPLETED)

    job.refresh_from_db()
    assert (job.status, job.done) == (JobStatus.RUNNING, 0)
    assert not job.items.exists()


def test_work_that_kills_its_worker_again_and_again_is_given_up(anna, sent):
    past = timezone.now() - dt.timedelta(minutes=5)
    deadly = make_job(
        anna,
        status=JobStatus.RUNNING,
        attempts=MAX_ATTEMPTS,
        started_at=past,
        lease_token=uuid.uuid4(),
        lease_until=past,
    )
    once_more = make_job(
        anna,
        status=JobStatus.RUNNING,
        attempts=MAX_ATTEMPTS - 1,
        started_at=past,
        lease_token=uuid.uuid4(),
        lease_until=past,
    )

    tasks.requeue_jobs()

    deadly.refresh_from_db()
    assert deadly.status == JobStatus.FAILED
    assert "died 5 times" in deadly.error
    assert [message[1] for message in sent] == [once_more.pk]


def test_a_heartbeat_keeps_the_lease_while_one_statement_takes_long(committed_db, monkeypatch):
    monkeypatch.setattr(job_runs, "HEARTBEAT_SECONDS", 0.02)
    job = make_job(make_user(username="slow"))
    token, now = uuid.uuid4(), timezone.now()
    Job.objects.filter(pk=job.pk).claim(token=token, at=now, lease_until=now)
    beat = job_runs.Heartbeat(job_id=job.pk, token=token)
    beat.start()
    try:
        for _ in range(200):
            job.refresh_from_db()
            if job.lease_until > now + LEASE / 2:
                break
            beat.join(timeout=0.02)
    finally:
        beat.stop()
    assert job.lease_until > now + LEASE / 2
    assert not beat.is_alive()


def test_a_refusal_ends_the_job_with_its_sentence(anna):
    job = run(make_job(anna, kind="test.refuse"))

    assert job.status == JobStatus.FAILED
    assert job.error == "Row 7, column Quantity: 'abc' is not a number."


def test_an_unexpected_error_tells_no_secret_and_keeps_what_was_done(anna, caplog):
    job = run(make_job(anna, kind="test.crash"))

    assert job.status == JobStatus.FAILED
    assert "secret" not in job.error
    assert f"job {job.pk}" in job.error
    assert "a secret of the code" in caplog.text
    assert outcomes(job) == [(1, "done")]


def test_the_outcome_of_each_row_is_kept(allowed):
    params = {"ids": [1, 2, 3], "skip": [2], "bad": [3]}
    job = run(make_job(allowed, kind="test.rows", params=params))

    assert job.status == JobStatus.COMPLETED_WITH_ERRORS
    assert (job.done, job.skipped, job.failed, job.total) == (1, 1, 1, 3)
    assert outcomes(job) == [(1, "done"), (2, "skipped"), (3, "failed")]
    assert job.items.get(object_id=2).reason == "Already done."


def test_work_is_done_only_by_an_owner_who_still_has_the_right(anna):
    job = run(make_job(anna, kind="test.rows", params={"ids": [1]}))

    assert job.status == JobStatus.FAILED
    assert "no longer has the right" in job.error
    assert handlers.SEEN == []


def test_a_job_of_a_kind_that_was_removed_fails_with_a_sentence(anna):
    job = run(make_job(anna, kind="test.missing"))

    assert job.status == JobStatus.FAILED
    assert "test.missing" in job.error


def test_a_waiting_job_is_cancelled_at_once(anna):
    job = make_job(anna)
    jobs.cancel_job(job=job, at=NOW)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert not jobs.run(job_id=job.pk)


def test_a_running_job_stops_at_its_next_safe_point(allowed, monkeypatch):
    job = make_job(allowed, kind="test.rows", params={"ids": [1, 2, 3]})
    flush = JobRun.flush

    def flush_then_cancel(self):
        flush(self)
        if handlers.SEEN == [1]:
            jobs.cancel_job(job=job, at=NOW)
            flush(self)

    monkeypatch.setattr(JobRun, "flush", flush_then_cancel)
    job = run(job)

    assert (job.status, job.done) == (JobStatus.CANCELLED, 1)
    assert handlers.SEEN == [1]


@pytest.mark.parametrize("status", FINAL)
def test_what_has_ended_cannot_be_cancelled(anna, status):
    with pytest.raises(JobNotCancellable, match="already ended"):
        jobs.cancel_job(job=make_job(anna, status=status), at=NOW)


def test_a_retry_is_a_new_job_that_does_only_what_is_left(allowed):
    params = {"ids": [1, 2, 3], "bad": [3]}
    first = run(make_job(allowed, kind="test.rows", params=params))

    again = jobs.retry_job(job=first, by=allowed, at=LATER)
    Job.objects.filter(pk=again.pk).update(params={"ids": [1, 2, 3]})
    again = run(again)

    assert handlers.SEEN == [1, 2, 3, 3]
    assert outcomes(again) == [(3, "done")]
    assert again.status == JobStatus.COMPLETED
    first.refresh_from_db()
    assert first.status == JobStatus.COMPLETED_WITH_ERRORS


def test_retry_pressed_twice_starts_one_job(anna):
    job = make_job(anna, status=JobStatus.FAILED)

    assert jobs.retry_job(job=job, by=anna, at=NOW) == jobs.retry_job(job=job, by=anna, at=LATER)
    assert Job.objects.filter(retry_of=job).count() == 1


@pytest.mark.parametrize("status", sorted(set(JobStatus.values) - set(RETRYABLE)))
def test_work_that_runs_or_went_well_is_not_retried(anna, status):
    lease = {"lease_token": uuid.uuid4(), "lease_until": LATER}
    job = make_job(anna, status=status, **(lease if status == JobStatus.RUNNING else {}))
    with pytest.raises(JobNotRetryable):
        jobs.retry_job(job=job, by=anna, at=NOW)


def test_nobody_retries_in_the_name_of_another(anna, bert):
    with pytest.raises(JobNotRetryable, match="Only anna"):
        jobs.retry_job(job=make_job(anna, status=JobStatus.FAILED), by=bert, at=NOW)


def test_the_time_left_follows_the_pace_so_far(anna):
    running = {"status": JobStatus.RUNNING, "lease_token": uuid.uuid4(), "lease_until": LATER}
    job = make_job(anna, total=100, done=20, skipped=5, started_at=NOW, **running)

    assert job.remaining(at=NOW + dt.timedelta(seconds=10)) == dt.timedelta(seconds=30)
    assert job.percent == 25
    assert make_job(anna, total=100, started_at=NOW, **running).remaining(at=LATER) is None


def test_audit_events_of_a_job_carry_its_owner_and_number(allowed, monkeypatch):
    import pghistory

    seen = {}

    def look(job: JobRun) -> None:
        seen.update(pghistory.runtime._tracker.value.metadata)

    job = make_job(allowed)
    job_runs.run_job(job_id=job.pk, handler=look, resumable=False)
    assert seen == {"user": allowed.pk, "job": job.pk}
