"""The database of a benchmark: made for it, dropped after it, never the one with the data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextmanager
def bench_database() -> Iterator[None]:
    """Make ``<name>_bench`` beside the database of DATABASE_URL and point Django to it.

    Begins before Django is set up. The tables are made by the migrations.

    :raises SystemExit: DATABASE_URL is not set.
    """
    given = os.environ.get("DATABASE_URL")
    if not given:
        raise SystemExit("DATABASE_URL is not set: postgresql://user:password@host:5432/name")
    parts = urlsplit(given)
    name = f"{parts.path.lstrip('/')}_bench"
    maintenance = urlunsplit(parts._replace(path="/postgres"))
    _execute(maintenance, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _execute(maintenance, "CREATE DATABASE {}", name)
    os.environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{name}"))
    try:
        _set_up()
        yield
    finally:
        os.environ["DATABASE_URL"] = given
        _execute(maintenance, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _execute(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
