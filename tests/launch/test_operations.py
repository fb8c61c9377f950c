"""docs/operations.md says what is so: variables, queues, units, and backup commands that work."""

import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from billing_site.launch import application, discovery, layout

DOCUMENT = (layout.ROOT / "docs" / "operations.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def section(title: str) -> str:
    """The commands of the first block below a heading."""
    below = DOCUMENT.split(f"### {title}\n", 1)[1]
    return re.search(r"```sh\n(.*?)```", below, re.DOTALL)[1]


def test_every_environment_variable_is_explained():
    source = (layout.ROOT / "billing_site" / "env.py").read_text()
    read = set(re.findall(r'(?:required|variables\.get)\(\s*"([A-Z_]+)"', source))
    explained = set(re.findall(r"^\| `([A-Z_]+)`", DOCUMENT, re.MULTILINE))
    assert read
    assert explained == read


def test_the_queues_are_those_of_the_settings():
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    queues = routed | {settings.CELERY_TASK_DEFAULT_QUEUE}
    explained = set(re.findall(r"^\| worker for `(\w+)`", DOCUMENT, re.MULTILINE))
    assert explained == queues
    assert set(application.QUEUES.split(",")) == queues
    for queue in queues:
        assert f"quittance-worker@{queue}" in DOCUMENT


def test_the_queue_names_in_redis_carry_the_prefix_of_the_settings():
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    assert f"redis-cli llen {prefix}calculation" in DOCUMENT


def test_every_unit_can_be_read_and_starts_a_program_of_the_lock_file():
    units = [block for block in blocks("ini") if "[Service]" in block]
    assert len(units) == 3
    for text in units:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read_string(text)
        program = Path(shlex.split(unit["Service"]["ExecStart"])[0]).name
        assert (program + "==") in layout.REQUIREMENTS.read_text()
        assert unit["Service"]["EnvironmentFile"] == "/etc/quittance/env"
        assert unit["Service"]["User"] == "quittance"


@pytest.mark.serial
@pytest.mark.django_db(transaction=True)
def test_backup_and_restore_bring_everything_back(tmp_path):
    """The documented commands, as they stand, on a database with all our triggers."""
    with connection.cursor() as cursor:
        cursor.execute("insert into auth_group (name) values ('kept by the backup')")
        expected = counted(cursor)
    known = connection.get_connection_params()
    source = psycopg.conninfo.make_conninfo(
        **{k: known[k] for k in ("host", "port", "user", "password", "dbname") if known.get(k)}
    )
    data, restored_data = tmp_path / "data", tmp_path / "restored"
    (data / "documents" / "2026").mkdir(parents=True)
    (data / "documents" / "2026" / "R2026-0001.pdf").write_bytes(b"%PDF-")
    restored_data.mkdir()
    target_name = f"{known['dbname']}_restored"
    target = psycopg.conninfo.make_conninfo(source, dbname=target_name)
    maintenance = psycopg.conninfo.make_conninfo(source, dbname="postgres")
    call(section("Backup"), source, data, tmp_path)
    with psycopg.connect(maintenance, autocommit=True) as admin:
        admin.execute(f'drop database if exists "{target_name}"')
        admin.execute(f'create database "{target_name}"')
        try:
            call(section("Restore"), target, restored_data, tmp_path)
            with psycopg.connect(target) as restored, restored.cursor() as cursor:
                assert counted(cursor) == expected
        finally:
            admin.execute(f'drop database "{target_name}" with (force)')
    assert (restored_data / "documents" / "2026" / "R2026-0001.pdf").read_bytes() == b"%PDF-"


def counted(cursor) -> dict[str, int]:
    """Rows per table, and how many triggers and constraints there are."""
    cursor.execute("select tablename from pg_tables where schemaname = 'public' order by 1")
    counts = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'select count(*) from "{table}"')
        counts[table] = cursor.fetchone()[0]
    for catalogue in ("pg_trigger where not tgisinternal", "pg_constraint where connamespace > 0"):
        cursor.execute(f"select count(*) from {catalogue}")
        counts[catalogue] = cursor.fetchone()[0]
    assert counts["pg_trigger where not tgisinternal"] > 0
    return counts


def call(commands: str, database_url: str, data: Path, folder: Path) -> None:
    """Run documented commands with the PostgreSQL programs of the newest server here."""
    programs = discovery.find_postgres().program.parent
    done = subprocess.run(
        ["sh", "-eux", "-c", commands],
        cwd=folder,
        env=os.environ
        | {
            "PATH": os.pathsep.join((str(programs), os.environ["PATH"])),
            "DATABASE_URL": database_url,
            "DATA_DIR": str(data),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
