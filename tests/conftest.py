"""Shared pytest fixtures."""

import os

import psycopg
import pytest
from django.db import connection, connections


@pytest.fixture
def committed_db(django_db_setup, django_db_blocker):
    """A copy of the test database in which tests really commit, for races and for workers.

    The copy is dropped afterwards, so append-only rows need no cleaning and the rows that
    migrations made stay as they are. Threads see it too; close their connections.
    """
    with django_db_blocker.unblock():
        settings = connection.settings_dict
        original, copy = settings["NAME"], f"{settings['NAME']}_copy_{os.getpid()}"
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
            admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
            settings["NAME"] = copy
            try:
                yield
            finally:
                connections.close_all()
                settings["NAME"] = original
                admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
