"""``./run`` itself, as a user has it: start, second start, hard kills, Ctrl-C, reset."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from billing_site.launch import accounts, layout, processes, setup
from billing_site.launch.layout import DataFolder

from .conftest import VARIABLES

pytestmark = pytest.mark.serial
START_SECONDS = 180.0
SECOND_START_SECONDS = 15.0  # what the product promises on two cores


class Copy:
    """A copy of the demo on a data folder, started as the user starts it."""

    def __init__(self, data: DataFolder, screen: Path):
        self.data = data
        self.screen = screen
        self.process: subprocess.Popen | None = None

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [layout.ROOT / "run", *arguments, "--data", self.data.path],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def start(self) -> None:
        """Start it and wait until everything runs."""
        with self.screen.open("w") as screen:
            self.process = subprocess.Popen(
                [layout.ROOT / "run", "--data", self.data.path],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        processes.wait_until(
            lambda: "Everything runs" in self.text() or self.process.poll() is not None,
            START_SECONDS,
        )
        assert "Everything runs" in self.text(), self.text()

    def text(self) -> str:
        return self.screen.read_text()

    def address(self) -> str:
        return re.search(r"http://127\.0\.0\.1:\d+/", self.text())[0]

    def seconds_to_first_page(self) -> float:
        return float(re.search(r"answers after ([\d.]+) s", self.text())[1])

    def pids(self) -> list[int]:
        """Every process that belongs to this copy."""
        started = [p["pid"] for p in json.loads(self.data.state.read_text())["processes"]]
        below = [m for pid in started for m in processes.session_members(pid, self.data.key)]
        return sorted({*started, *below})

    def first_page(self) -> int:
        with urllib.request.urlopen(self.address() + "login/", timeout=30) as answer:
            return answer.status

    @staticmethod
    def environment() -> dict[str, str]:
        dropped = {*VARIABLES, "DJANGO_SETTINGS_MODULE", "QUITTANCE_ENV", "DATA_DIR", "SECRET_KEY"}
        return {k: v for k, v in os.environ.items() if k not in dropped}


@pytest.fixture
def copy(tmp_path):
    if not (setup.venv_works() and setup.packages_are_current()):
        message = "./run has not set up .venv here: call ./run test"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)
    copy = Copy(DataFolder.at(tmp_path / "data"), tmp_path / "screen.txt")
    yield copy
    if copy.process is not None and copy.process.poll() is None:
        copy.process.terminate()
        copy.process.wait(90)
    copy.command("reset", "--yes")


def gone(pids: list[int], seconds: float = 10) -> bool:
    return processes.wait_until(
        lambda: not [pid for pid in pids if processes.fingerprint(pid)], seconds
    )


def test_the_life_of_a_copy(copy):
    # The first start: from an empty folder to the first page and the logins.
    copy.start()
    assert copy.first_page() == 200
    for step in ("PostgreSQL", "Redis", "migrations", "demo company", "web", "worker", "beat"):
        assert re.search(rf"^  {step} +[\d.]+ s", copy.text(), re.MULTILINE), step
    logins = json.loads(copy.data.demo_logins.read_text())["logins"]
    assert logins
    assert all(login["username"] in copy.text() for login in logins)
    running = copy.pids()
    assert len(running) >= 7  # five services, a web worker, two pool workers

    # Started twice, it says so and harms nothing; nor does a reset.
    for refused in (copy.command(), copy.command("reset", "--yes")):
        assert refused.returncode == 1
        assert f"already running at {copy.address()}" in refused.stdout
    assert copy.pids() == running
    assert copy.first_page() == 200
    assert "running at" in copy.command("doctor").stdout

    # The launcher is killed hard: the next start adopts or cleans, and finds its data.
    address = copy.address()
    copy.process.kill()
    copy.process.wait()
    copy.start()
    assert copy.address() == address
    assert copy.seconds_to_first_page() < SECOND_START_SECONDS
    assert re.search(r"demo company +[\d.]+ s +there", copy.text())
    assert re.search(r"migrations +[\d.]+ s +nothing to apply", copy.text())
    assert re.search(r"static files +[\d.]+ s +unchanged", copy.text())
    second = copy.pids()
    assert not [pid for pid in set(running) - set(second) if processes.fingerprint(pid)]

    # Everything is killed hard, databases included.
    copy.process.kill()
    for pid in second:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    copy.process.wait()
    copy.start()
    assert copy.first_page() == 200

    # A process that ends on its own after a while is started again.
    time.sleep(max(0.0, 21 - copy.seconds_to_first_page()))
    beat = next(
        p for p in json.loads(copy.data.state.read_text())["processes"] if p["name"] == "beat"
    )
    os.kill(beat["pid"], signal.SIGKILL)
    assert processes.wait_until(lambda: "beat ended on its own" in copy.text(), 10)

    # Ctrl-C leaves no process.
    time.sleep(1)
    last = copy.pids()
    copy.process.send_signal(signal.SIGINT)
    assert copy.process.wait(90) == 0
    assert "Stopped." in copy.text()
    assert gone(last)
    assert not copy.data.state.exists()

    # Reset empties; nothing of ours is left.
    assert copy.command("reset", "--yes").returncode == 0
    assert not (copy.data.path / "secret-key").exists()
    assert not list(accounts.ROOT_BASE.glob(f"*-{copy.data.key}"))


def test_a_start_that_fails_says_why_and_leaves_no_process(copy, monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "NO-SUCH-LEVEL")
    failed = copy.command()
    assert failed.returncode == 1
    assert "NO-SUCH-LEVEL" in failed.stdout
    assert "Remedy:" in failed.stdout or "failed" in failed.stdout
    assert not copy.data.state.exists()
    home = accounts.home_of(copy.data).path
    assert not (home / "postgres" / "postmaster.pid").exists()
