"""A clerk at Billing Export, and two platforms."""

import pytest
from django.test import Client

from billing_site.web import jobs
from tests import builders
from tests.orders.export_lines import may_export


@pytest.fixture
def no_broker(monkeypatch):
    monkeypatch.setattr(jobs.current_app, "send_task", lambda *args, **options: None)


@pytest.fixture
def exporter(db):
    user = builders.make_user()
    may_export(user)
    return user


@pytest.fixture
def desk(exporter, no_broker) -> Client:
    """The browser of somebody with ``Apps - Change Queue`` and nothing else."""
    client = Client()
    client.force_login(exporter)
    return client


@pytest.fixture
def affinity(db):
    return builders.make_platform("Affinity")


@pytest.fixture
def other(db):
    return builders.make_platform("Other")
