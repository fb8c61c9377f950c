"""The house rules find what they forbid, the doctor tells, the steps show times."""

import io
import os
import subprocess
import sys

import pytest

from billing_site.launch import checks, commands, doctor, layout, setup, system
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.steps import Steps
from billing_site.launch.supervisor import first_page_status, listen


@pytest.fixture
def findings(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROOT", tmp_path)

    def find(text: str | bytes) -> list[str]:
        path = tmp_path / "file.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(checks.house_rule_findings([path]))

    return find


@pytest.mark.parametrize("host", checks.FORBIDDEN_HOSTS)
def test_a_registrys_host_is_found_with_its_line(findings, host):
    assert findings(f"fine\nhttps://{host}/simple\n") == [f"file.txt:2: a registry's host: {host}"]


@pytest.mark.parametrize("folder", checks.FORBIDDEN_FOLDERS)
def test_a_path_of_one_machine_is_found(findings, folder):
    assert findings(f"cd {folder}project") == [f"file.txt:1: a path of one machine: {folder}"]


def test_the_folder_of_this_very_clone_is_found(findings, tmp_path):
    assert findings(f"open('{tmp_path}/x')")


@pytest.mark.parametrize(
    "text",
    [
        "docs/work/flow.md",
        "https://example.com/root/page",
        "postgresql://user@host/name",
        b"\xff\xfe binary " + checks.FORBIDDEN_FOLDERS[0].encode(),
    ],
)
def test_what_only_looks_alike_is_left_alone(findings, text):
    assert findings(text) == []


def test_the_project_keeps_its_house_rules():
    assert list(checks.house_rule_findings(checks.tracked_files())) == []


def test_every_check_runs_even_after_one_failed(monkeypatch, steps):
    listed = [
        checks.Check("first", ("python", "-c", "raise SystemExit('reason')"), "mend it"),
        checks.Check("second", ("python", "-c", "pass")),
    ]
    monkeypatch.setattr(checks, "all_checks", lambda folder: listed)
    monkeypatch.setattr(checks, "tracked_files", list)
    monkeypatch.setattr(layout, "VENV_BIN", layout.Path(sys.executable).parent)
    assert checks.run_checks(steps) == ["first"]
    shown = steps.out.getvalue()
    assert "reason" in shown
    assert "Remedy: mend it" in shown
    assert "second" in shown


def test_steps_show_their_time_and_what_came_of_them():
    times = iter([0.0, 1.0, 3.5])
    steps = Steps(io.StringIO(), clock=lambda: next(times))
    with steps.step("PostgreSQL") as step:
        step.note("started")
    assert steps.out.getvalue() == "  PostgreSQL          2.5 s  started\n"


def test_a_step_that_fails_is_shown_as_failed():
    steps = Steps(io.StringIO())
    with pytest.raises(LaunchError), steps.step("Redis"):
        raise LaunchError("no")
    assert steps.out.getvalue().endswith("failed\n")


@pytest.fixture
def report(tmp_path):
    def of() -> tuple[int, str]:
        lines: list[str] = []
        code = doctor.print_report(DataFolder.at(tmp_path), lambda text="": lines.append(text))
        return code, "\n".join(lines)

    return of


def test_the_doctor_names_everything(report, monkeypatch, wheels):
    monkeypatch.setattr(layout, "site_packages", lambda: wheels)
    _, text = report()
    for name in ("Python", ".venv", "front end", "PostgreSQL", "Redis", "pango", "Chromium"):
        assert name in text
    assert "not running" in text


def test_the_doctor_names_the_command_for_what_is_missing(report, monkeypatch, wheels):
    monkeypatch.setattr(layout, "site_packages", lambda: wheels)
    monkeypatch.setattr(system, "is_present", lambda need: need is not system.CHROMIUM)
    code, text = report()
    assert code == 1
    assert "Missing: Chromium." in text
    assert system.install_command([system.CHROMIUM]) in text


def test_the_doctor_tells_a_missing_database_with_its_remedy(report, monkeypatch, tmp_path):
    monkeypatch.setattr(layout, "site_packages", lambda: tmp_path)
    monkeypatch.setattr(setup, "packages_are_current", lambda: True)
    monkeypatch.setenv("QUITTANCE_POSTGRES", "wheel")
    code, text = report()
    assert code == 1
    assert "set DATABASE_URL=" in text


def test_the_doctor_is_content_with_a_given_database(report, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@host/name")
    assert "given in DATABASE_URL" in report()[1]


def test_a_port_asked_for_and_taken_is_refused_with_the_way_out(tmp_path):
    data = DataFolder.at(tmp_path)
    with listen(None, data) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError, match=f"Port {port}") as refusal:
            listen(port, data)
        assert "--port" in refusal.value.remedy


def test_a_free_port_is_found_where_the_remembered_one_is_taken(tmp_path):
    data = DataFolder.at(tmp_path)
    with listen(None, data) as first, listen(None, data) as second:
        assert first.getsockname()[1] != second.getsockname()[1]
        assert second.getsockname()[0] == "127.0.0.1"


def test_the_port_of_the_last_time_is_used_again(tmp_path):
    data = DataFolder.at(tmp_path)
    with listen(None, data) as first:
        port = first.getsockname()[1]
    with listen(None, data) as again:
        assert again.getsockname()[1] == port


def test_nobody_answering_is_no_status(tmp_path):
    with listen(None, DataFolder.at(tmp_path)) as listener:
        port = listener.getsockname()[1]
    assert first_page_status(port) is None


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.5", ""])
def test_what_is_no_port_is_refused(port, capsys):
    with pytest.raises(SystemExit) as end:
        commands.main(["--port", port])
    assert end.value.code == 2
    assert "1 to 65535" in capsys.readouterr().err or port == "-1"


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        commands.main(["dance"])
    assert end.value.code == 2
    assert "dance" in capsys.readouterr().err


def test_reset_without_anybody_to_ask_deletes_nothing(tmp_path):
    data = tmp_path / "data"
    (data / "documents").mkdir(parents=True)
    (data / "documents" / "a.pdf").write_text("x")
    done = subprocess.run(
        [layout.ROOT / "run", "reset", "--data", data],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 1
    assert "--yes" in done.stdout
    assert (data / "documents" / "a.pdf").exists()


def test_reset_deletes_ours_and_leaves_what_is_not_ours(tmp_path, steps):
    data = DataFolder.at(tmp_path / "data")
    data.create()
    data.secret_key()
    (data.path / "documents" / "a.pdf").write_text("x")
    (data.path / "notes.txt").write_text("mine")
    assert commands.reset(data, steps, ask=False) == 0
    left = {path.name for path in data.path.iterdir()}
    assert "notes.txt" in left
    assert not left & {"documents", "secret-key", "logs", "static"}


def test_reset_of_nothing_says_so(tmp_path, steps):
    assert commands.reset(DataFolder.at(tmp_path / "none"), steps, ask=False) == 0
    assert "no data" in steps.out.getvalue()
