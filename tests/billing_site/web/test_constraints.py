"""What the database refuses about jobs and selections."""

import datetime as dt
import uuid

import pytest

from billing_site.web.enums import FINAL, JOB_TRANSITIONS, JobStatus
from billing_site.web.models import Job, JobItem, Selection
from tests import builders
from tests.constraints import Case, cases, check, refused

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC)
LEASE = {"lease_token": uuid.UUID(int=1), "lease_until": NOW}


def new_job(status: str = "queued", **fields) -> Job:
    if status == "running":
        fields = LEASE | fields
    if status in FINAL:
        fields = {"finished_at": NOW} | fields
    return Job.objects.create(
        kind="test",
        title="Test",
        owner=builders.make_user(),
        status=status,
        created_at=NOW,
        **fields,
    )


def move(job: Job, status: str) -> None:
    ended = {"finished_at": NOW if status in FINAL else None}
    lease = LEASE if status == "running" else {"lease_token": None, "lease_until": None}
    Job.objects.filter(pk=job.pk).update(status=status, **ended, **lease)


def new_item(job: Job | None = None, **fields) -> JobItem:
    fields.setdefault("outcome", "done")
    return JobItem.objects.create(job=job or new_job(), label="row", **fields)


def two_items(*ids: int | None) -> None:
    job = new_job()
    for object_id in ids:
        new_item(job, object_id=object_id)


def new_selection(**fields) -> Selection:
    fields = {"whole_filter": True, "ids": [1, 2], "count": 2} | fields
    return Selection.objects.create(
        owner=builders.make_user(), list_key="test", created_at=NOW, **fields
    )


CASES = cases(
    Case(
        "job_leased_iff_running",
        holds=lambda: new_job("running"),
        refused=lambda: new_job("running", lease_until=None),
    ),
    Case(
        "job_finished_iff_final",
        holds=lambda: new_job("failed"),
        refused=lambda: new_job("failed", finished_at=None),
    ),
    Case(
        "job_status_path",
        holds=lambda: move(new_job("queued"), "running"),
        refused=lambda: move(new_job("queued"), "completed"),
    ),
    Case(
        "job_item_outcome_is_known",
        holds=lambda: new_item(outcome="done"),
        refused=lambda: new_item(outcome="maybe", reason="x"),
    ),
    Case(
        "job_item_once_per_object",
        holds=lambda: two_items(1, 2, None, None),
        refused=lambda: two_items(1, 1),
    ),
    Case(
        "job_item_has_reason",
        holds=lambda: new_item(outcome="skipped", reason="Not in the past."),
        refused=lambda: new_item(outcome="skipped", reason=""),
    ),
    Case(
        "selection_excludes_from_filter_only",
        holds=lambda: new_selection(whole_filter=True, excluded_ids=[3]),
        refused=lambda: new_selection(whole_filter=False, excluded_ids=[3]),
    ),
    Case(
        "selection_counts_its_ids",
        holds=lambda: new_selection(ids=[1], count=1),
        refused=lambda: new_selection(ids=[1], count=2),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)


def test_a_selection_is_never_empty():
    with refused("selection_counts_its_ids"):
        new_selection(ids=[], count=0)


@pytest.mark.parametrize("target", JobStatus.values)
@pytest.mark.parametrize("source", JobStatus.values)
def test_the_database_knows_the_same_map_as_the_code(source, target):
    job = new_job(source)
    if source == target or target in JOB_TRANSITIONS.get(source, ()):
        move(job, target)
    else:
        with refused("job_status_path"):
            move(job, target)
