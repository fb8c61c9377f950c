"""Shared pytest fixtures."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import hypothesis
import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases

# Many cases with random seeds where a person works; the same cases every time where machines do.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


@pytest.fixture
def client_for(db) -> Callable[..., Client]:
    """A browser of somebody with the roles named, e.g. ``client_for("Finance")``."""
    from tests.builders import make_user

    def log_in(*roles: str, **fields) -> Client:
        client = Client()
        client.force_login(make_user(*roles, **fields))
        return client

    return log_in


@pytest.fixture
def assert_max_queries() -> Callable[[int], object]:
    """``with assert_max_queries(7): ...`` fails with the queries when there are more."""

    @contextmanager
    def at_most(limit: int) -> Iterator[CaptureQueriesContext]:
        with CaptureQueriesContext(connection) as captured:
            yield captured
        listing = "\n".join(query["sql"][:300] for query in captured.captured_queries)
        assert len(captured) <= limit, f"{len(captured)} queries, not {limit}:\n{listing}"

    return at_most


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment,
    django_db_blocker,
    django_db_keepdb,
    django_db_createdb,
    django_db_modify_db_settings,
):
    """The test database, for every test that asks for it by whatever fixture.

    pytest-django's own would leave the real database in place for ``committed_db``, which it does
    not know.
    """
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0,
            interactive=False,
            keepdb=django_db_keepdb and not django_db_createdb,
            aliases={"default"},
        )
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(django_db_setup, django_db_blocker):
    """A copy of the test database in which tests really commit, for races and for workers.

    The copy is dropped afterwards, so append-only rows need no cleaning and the rows that
    migrations made stay as they are. Threads see it too; close their connections.
    """
    with django_db_blocker.unblock():
        settings = connection.settings_dict
        original, copy = settings["NAME"], f"{settings['NAME']}_copy_{os.getpid()}"
        assert original.startswith("test_"), "this would copy the real database"
        connections.close_all()
        server = {
            "host": settings["HOST"],
            "port": settings["PORT"],
            "user": settings["USER"],
            "password": settings["PASSWORD"],
            "dbname": "postgres",
        }
        with psycopg.connect(
            **{key: value for key, value in server.items() if value}, autocommit=True
        ) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [original],
            )
            admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
            settings["NAME"] = copy
            try:
                yield
            finally:
                connections.close_all()
                settings["NAME"] = original
                admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')


@pytest.fixture
def own_storage(settings, tmp_path):
    """Uploads and documents of one test, in a folder of its own."""
    folder = tmp_path / "storage"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder},
        }
    }
    return folder
