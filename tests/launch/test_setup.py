"""When the set-up does something, and when not; which npm; what is said without rights."""

import os
import stat
from pathlib import Path

import pytest

from billing_site.launch import layout, setup, system
from billing_site.launch.errors import LaunchError


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project folder with lock files and a ``.venv`` whose tools only write down their calls."""
    for name in ("requirements.lock", "requirements-uv.lock", "package.json", "package-lock.json"):
        (tmp_path / name).write_text(f"{name} one==1\n")
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    for tool in ("python", "uv"):
        program = venv / "bin" / tool
        program.write_text(f'#!/bin/sh\necho {tool} "$@" >> {tmp_path}/calls\n')
        program.chmod(0o755)
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    monkeypatch.setattr(layout, "VENV", venv)
    monkeypatch.setattr(layout, "VENV_BIN", venv / "bin")
    monkeypatch.setattr(layout, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(layout, "REQUIREMENTS", tmp_path / "requirements.lock")
    monkeypatch.setattr(layout, "UV_REQUIREMENTS", tmp_path / "requirements-uv.lock")
    monkeypatch.setattr(setup, "PACKAGES_MARKER", venv / "packages.digest")
    modules = tmp_path / "node_modules"
    modules.mkdir()
    monkeypatch.setattr(layout, "NODE_MODULES", modules)
    monkeypatch.setattr(setup, "NODE_MARKER", modules / ".digest")
    return tmp_path


def calls(project: Path) -> list[str]:
    path = project / "calls"
    return path.read_text().splitlines() if path.exists() else []


def npm_in(folder: Path, exit_code: int) -> list[str]:
    folder.mkdir()
    program = folder / "npm"
    program.write_text(
        f'#!/bin/sh\necho {folder.name} "$@" >> {folder.parent}/calls\nexit {exit_code}\n'
    )
    program.chmod(0o755)
    return [str(program)]


def test_packages_are_installed_once_with_their_hashes(project):
    setup.ensure_packages()
    assert all("--require-hashes" in call for call in calls(project))
    assert [call.split()[0] for call in calls(project)] == ["python", "uv"]
    assert setup.ensure_packages() == "there"
    assert len(calls(project)) == 2


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-uv.lock"])
def test_packages_are_installed_again_when_a_lock_changed(project, lock):
    setup.ensure_packages()
    (project / lock).write_text("two==2\n")
    assert not setup.packages_are_current()
    setup.ensure_packages()
    assert len(calls(project)) == 4


def test_an_installation_that_failed_is_tried_again(project):
    (project / ".venv" / "bin" / "uv").write_text("#!/bin/sh\necho no network; exit 1\n")
    with pytest.raises(LaunchError) as error:
        setup.ensure_packages()
    assert "no network" in error.value.text()
    assert not setup.packages_are_current()


def test_front_end_packages_run_no_scripts_and_are_brought_once(project, monkeypatch):
    npm = npm_in(project / "machine", 0)
    monkeypatch.setattr(setup, "npm_commands", lambda: [("the machine", npm)])
    assert setup.ensure_node_modules() == "npm of the machine"
    assert "ci --ignore-scripts" in calls(project)[0]
    assert setup.ensure_node_modules() == "there"
    (project / "package-lock.json").write_text("{}")
    setup.ensure_node_modules()
    assert len(calls(project)) == 2


def test_npm_of_the_wheel_helps_where_that_of_the_machine_fails(project, monkeypatch):
    commands = [
        ("the machine", npm_in(project / "machine", 1)),
        ("the wheel", npm_in(project / "wheel", 0)),
    ]
    monkeypatch.setattr(setup, "npm_commands", lambda: commands)
    assert setup.ensure_node_modules() == "npm of the wheel"
    assert [call.split()[0] for call in calls(project)] == ["machine", "wheel"]


def test_the_wheel_brings_a_node_that_runs(wheels, monkeypatch):
    monkeypatch.setattr(layout, "site_packages", lambda: wheels)
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    [(origin, npm)] = setup.npm_commands()
    assert origin == "the wheel"
    assert setup.run([*npm, "--version"], what="npm")[0].isdigit()


def test_a_home_that_cannot_be_written_gets_a_cache_of_the_project(project, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    assert setup.tool_environment()["UV_CACHE_DIR"].startswith(str(project))
    monkeypatch.setenv("HOME", str(project))
    assert "UV_CACHE_DIR" not in setup.tool_environment()


def test_a_project_of_another_user_is_refused_with_the_way_out(project, monkeypatch):
    monkeypatch.setattr(setup.os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(LaunchError, match="may not write") as refusal:
        setup.ensure_packages()
    assert "clone" in refusal.value.remedy


def test_a_venv_whose_python_is_gone_does_not_count(project):
    python = project / ".venv" / "bin" / "python"
    assert setup.venv_works()
    python.unlink()
    python.symlink_to("/nonexistent/python")
    assert not setup.venv_works()


@pytest.mark.parametrize(
    ("uid", "command"),
    [
        (0, "apt-get install -y --no-install-recommends chromium"),
        (1000, "sudo apt-get install -y --no-install-recommends chromium"),
    ],
)
def test_the_exact_command_is_named(monkeypatch, uid, command):
    monkeypatch.setattr(system.os, "geteuid", lambda: uid)
    monkeypatch.setattr(
        system.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None
    )
    assert system.install_command([system.CHROMIUM]) == command


def test_an_ordinary_user_installs_nothing(monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system, "is_present", lambda need: need is not system.PANGO)
    monkeypatch.setattr(system, "install_by_apt", lambda packages: pytest.fail("tried to install"))
    assert system.bring(system.FOR_RUNNING) == [system.PANGO]


def test_root_installs_what_is_missing_and_nothing_else(monkeypatch):
    installed: list[str] = []
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        system, "is_present", lambda need: need is not system.PANGO or bool(installed)
    )
    monkeypatch.setattr(system, "install_by_apt", installed.extend)
    assert system.bring(system.FOR_RUNNING) == []
    assert "libpango-1.0-0" in installed
    assert "fonts-dejavu-core" not in installed


def test_the_run_file_is_small_and_executable():
    run = layout.ROOT / "run"
    assert run.stat().st_mode & stat.S_IXUSR
    assert len(run.read_text().splitlines()) < 20


def test_continuous_integration_runs_the_same_command():
    ci = layout.ROOT / ".ci" / "run"
    assert ci.stat().st_mode & stat.S_IXUSR
    assert ci.read_text().splitlines()[-1] == "exec ./run test"
