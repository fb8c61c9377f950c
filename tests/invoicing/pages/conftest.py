"""People of each role, logged in."""

import pytest
from django.test import Client

from tests import builders


def logged_in(*roles: str) -> Client:
    client = Client()
    client.force_login(builders.make_user(*roles))
    return client


@pytest.fixture
def finance(db) -> Client:
    return logged_in("Finance")


@pytest.fixture
def auditor(db) -> Client:
    return logged_in("Auditor")


@pytest.fixture
def stranger(db) -> Client:
    """Somebody with an account and no role."""
    return logged_in()
