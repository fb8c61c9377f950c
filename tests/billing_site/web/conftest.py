"""People, jobs and a list of our own for the tests of the workplace."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from billing_site.web.enums import FINAL, JobStatus
from billing_site.web.models import Job
from tests.builders import make_user

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def anna(db):
    return make_user(username="anna", first_name="Anna", last_name="Roth")


@pytest.fixture
def bert(db):
    return make_user(username="bert")


@pytest.fixture
def chief(db):
    """Staff who may see everybody's jobs."""
    user = make_user(username="chief", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_all_jobs"))
    return user


@pytest.fixture
def as_anna(client, anna):
    client.force_login(anna)
    return client


def make_job(owner, **fields) -> Job:
    """A job row in any state, with the times that its state asks for."""
    status = fields.setdefault("status", JobStatus.QUEUED)
    created_at = fields.setdefault("created_at", NOW)
    if status in FINAL:
        fields.setdefault("finished_at", created_at + dt.timedelta(seconds=40))
    defaults = {"kind": "test.nothing", "title": "A job"}
    return Job.objects.create(owner=owner, **(defaults | fields))


def in_future() -> dt.datetime:
    return timezone.now() + dt.timedelta(minutes=5)
