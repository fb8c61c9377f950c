"""Celery's side of jobs: ids in, one call."""

import datetime as dt

from celery import shared_task
from django.utils import timezone

from billing_site.web import job_runs, jobs

SILENCE = dt.timedelta(seconds=60)
SWEEP_LIMIT = 500


@shared_task(name=jobs.RUN_JOB_TASK)
def run_job(job_id: int) -> None:
    """Do a job if it still waits; harmless when delivered twice."""
    jobs.run(job_id=job_id, heartbeat=True)


@shared_task(name="web.requeue_jobs")
def requeue_jobs() -> int:
    """Announce again what waits in the table and may have been lost on the way."""
    now = timezone.now()
    job_runs.fail_dead_jobs(at=now)
    waiting = job_runs.unannounced_jobs(at=now, older_than=SILENCE, limit=SWEEP_LIMIT)
    return jobs.announce_all(jobs=waiting, at=now)
