"""Recognising, stopping and outliving: the processes of the launcher."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from billing_site.launch import layout, processes
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.processes import Process
from billing_site.launch.state import AlreadyRunning, Run, is_running

ON_LINUX = pytest.mark.skipif(not processes.LINUX, reason="the kernel of Linux does this")
TOKEN = "token-of-the-test"
ENV = {"PATH": os.environ["PATH"], processes.TOKEN_VARIABLE: TOKEN}


def start(script: str, log: Path, token: str = TOKEN) -> Process:
    env = ENV | {processes.TOKEN_VARIABLE: token}
    return processes.start("child", ["sh", "-c", script], env=env, log=log, cwd="/")


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def data(tmp_path) -> DataFolder:
    data = DataFolder.at(tmp_path / "data")
    data.create()
    return data


def test_a_process_is_known_again_and_one_that_ended_is_not(log):
    child = start("exec sleep 60", log)
    known_as = child.known_as
    assert processes.is_alive(child.pid, known_as)
    child.kill_session()
    assert not processes.is_alive(child.pid, known_as)


def test_another_process_with_the_same_number_is_a_stranger():
    assert not processes.is_alive(os.getpid(), "some-boot:1")
    assert processes.is_alive(os.getpid(), processes.fingerprint(os.getpid()))


def test_a_process_that_was_never_there_is_not_alive():
    assert processes.fingerprint(2**22 + 1) is None
    assert not processes.is_alive(2**22 + 1, None)


def test_only_the_process_itself_gets_the_signal(log):
    child = start(
        'trap "echo child; exit" TERM; (trap "echo grandchild" TERM; sleep 3) & wait', log
    )
    processes.wait_until(lambda: len(processes.session_members(child.pid, TOKEN)) >= 2, 5)
    child.send(signal.SIGTERM)
    assert child.wait(5)
    assert "grandchild" not in log.read_text()
    child.kill_session()


@ON_LINUX
def test_what_a_killed_process_started_is_ended_too(log):
    child = start("sleep 60 & sleep 60 & wait", log)
    assert processes.wait_until(lambda: len(processes.session_members(child.pid, TOKEN)) == 3, 5)
    child.send(signal.SIGKILL)
    child.wait(5)
    assert len(processes.session_members(child.pid, TOKEN)) == 2
    child.kill_session()
    assert processes.wait_until(lambda: not processes.session_members(child.pid, TOKEN), 5)


def test_a_process_that_does_not_stop_is_ended_after_the_wait(log):
    child = start('trap "" TERM; echo up; while true; do sleep 0.1; done', log)
    processes.wait_until(lambda: "up" in log.read_text(), 5)
    processes.stop_all([child], seconds=0.3, hurry=lambda: False)
    assert not child.is_alive()


def test_a_second_ctrl_c_ends_the_wait(log):
    child = start('trap "" TERM; echo up; while true; do sleep 0.1; done', log)
    processes.wait_until(lambda: "up" in log.read_text(), 5)
    processes.stop_all([child], seconds=600, hurry=lambda: True)
    assert not child.is_alive()


@ON_LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_when_the_launcher_dies(tmp_path, number):
    code = (
        "import os, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from billing_site.launch import processes\n"
        "child = processes.start('child', ['sleep', '60'], env=dict(os.environ),\n"
        "    log=Path(sys.argv[2]), cwd='/')\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code, layout.ROOT, tmp_path / "log"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with launcher:
        pid = int(launcher.stdout.readline())
        assert processes.fingerprint(pid)
        launcher.send_signal(number)
        launcher.wait(5)
    assert processes.wait_until(lambda: processes.fingerprint(pid) is None, 5)


def test_a_command_that_fails_tells_its_last_lines_and_the_remedy():
    with pytest.raises(LaunchError) as error:
        processes.run(["sh", "-c", "echo why; exit 3"], what="trying", remedy="do this")
    text = error.value.text()
    assert "trying failed (exit code 3)" in text
    assert "why" in text
    assert "Remedy: do this" in text


def test_a_program_that_is_missing_is_named():
    with pytest.raises(LaunchError, match="no-such-program"):
        processes.run(["no-such-program"], what="trying")


def test_the_second_launcher_is_told_the_address_of_the_first(data):
    first, second = Run(data), Run(data)
    first.claim()
    first.announce("http://127.0.0.1:8123/")
    with pytest.raises(AlreadyRunning, match=r"already running at http://127\.0\.0\.1:8123/"):
        second.claim()
    assert is_running(data)
    first.release()
    second.claim()
    second.release()
    assert not is_running(data)


def test_a_launcher_that_is_stopping_is_waited_for(data):
    first, second = Run(data), Run(data)
    first.claim()
    first.announce_stop()
    ending = threading.Timer(0.5, first.release)
    ending.start()
    second.claim()
    ending.join()
    second.release()


def test_a_claim_does_not_outlive_its_process(data):
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from billing_site.launch.layout import DataFolder\n"
        "from billing_site.launch.state import Run\n"
        "run = Run(DataFolder.at(sys.argv[2])); run.claim(); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, layout.ROOT, data.path], check=False)
    run = Run(data)
    run.claim()
    run.release()


def test_leftovers_are_ended_and_strangers_and_databases_left_alone(data, log):
    left = start("sleep 60 & wait", log, token=data.key)
    database = start("exec sleep 60", log, token=data.key)
    left.name, database.name = "worker", "PostgreSQL"
    stranger = start("exec sleep 60", log)
    run = Run(data)
    run.note(left, adoptable=False)
    run.note(database, adoptable=True)
    content = json.loads(data.state.read_text())
    content["processes"].append(
        {"name": "web", "pid": stranger.pid, "known_as": "other-boot:1", "adoptable": False}
    )
    data.state.write_text(json.dumps(content))
    try:
        assert Run(data).end_leftovers() == 1
        assert not left.is_alive()
        assert database.is_alive()
        assert stranger.is_alive()
    finally:
        database.kill_session()
        stranger.kill_session()
    assert not data.state.exists()


def test_a_state_file_that_is_not_whole_is_no_hindrance(data):
    data.state.write_text('{"processes": [{"na')
    assert Run(data).end_leftovers() == 0


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(data):
    secret = data.secret_key()
    assert len(secret) >= 50
    assert data.secret_key() == secret
    assert (data.path / "secret-key").stat().st_mode & 0o777 == 0o600
