"""The embedded services for real: both ways of discovery, as root and as an ordinary user."""

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from billing_site.launch import accounts, discovery, layout, postgres, processes, services
from billing_site.launch.accounts import ServiceHome
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.postgres import EmbeddedPostgres
from billing_site.launch.redis import EmbeddedRedis

pytestmark = pytest.mark.serial
AS_ROOT = os.geteuid() == 0


@pytest.fixture(autouse=True)
def wheels_of_the_tests(monkeypatch, wheels):
    """The wheels beside the Python that runs the tests, wherever that is."""
    monkeypatch.setattr(layout, "site_packages", lambda: wheels)


@pytest.fixture(params=["machine", "wheel"])
def way(request, monkeypatch, server_programs):
    """Both ways of discovery, each alone, whatever this machine has."""
    monkeypatch.setenv("QUITTANCE_POSTGRES", request.param)
    monkeypatch.setenv("QUITTANCE_REDIS", request.param)
    return request.param


@pytest.fixture
def both(home):
    """The two services of a home; whatever runs of them is stopped after the test."""
    both = services.Services(home, home.path, postgres.THROWAWAY)
    yield both
    both.stop()


def count_rows(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")
        return connection.execute("select count(*) from kept").fetchone()[0]


def ping(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return client.ping()


def test_both_services_start_answer_and_stop(way, both, steps):
    both.start(steps)
    assert count_rows(both.database_url) == 1
    assert ping(both.redis_url)
    started = both.processes()
    both.stop()
    assert [p.name for p in started if p.is_alive()] == []
    place = "the wheel" if way == "wheel" else "programs"
    assert place in both.redis.label


@pytest.mark.skipif(not AS_ROOT, reason="only root runs them under another account")
def test_root_runs_them_under_an_unprivileged_account(way, both, steps):
    both.start(steps)
    uids = {Path(f"/proc/{p.pid}").stat().st_uid for p in both.processes()}
    assert uids == {pwd.getpwnam(accounts.service_account()).pw_uid}
    assert 0 not in uids


@pytest.mark.skipif(not AS_ROOT, reason="only root runs them under another account")
def test_root_changes_the_mode_of_no_parent_folder(way, both, steps):
    folders = [*both.home.path.parents, *layout.ROOT.parents, layout.ROOT, Path.home()]
    before = [(folder, folder.stat().st_mode) for folder in folders]
    both.start(steps)
    assert [(folder, folder.stat().st_mode) for folder in folders] == before


def test_an_ordinary_user_runs_them_in_the_data_folder(way, open_wheels):
    user = "nobody" if AS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
    script = Path(__file__).with_name("as_ordinary_user.py")
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        os.chmod(parent, 0o755)
        data = Path(parent) / "data"
        data.mkdir(mode=0o700)
        command = [sys.executable, script, layout.ROOT, open_wheels, data, user]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    uid = pwd.getpwnam(user).pw_uid
    assert uid != 0
    assert seen["uid"] == uid
    assert set(seen["owners"]) <= {uid}
    assert seen["home"] == str(data)
    assert seen["answers"] is True
    assert seen["left"] == []


def test_the_server_that_this_machine_really_has_works(both, steps, monkeypatch):
    monkeypatch.setenv("QUITTANCE_POSTGRES", "machine")
    try:
        found = discovery.find_postgres(user=both.home.user)
    except LaunchError:
        # Not a way left untried: the other tests start programs found on the machine and the
        # wheels alike, whatever it has. This one adds the server that an administrator installed.
        pytest.skip("this machine has no PostgreSQL of its own; programs and wheels are both tried")
    both.start(steps)
    assert found.label in both.postgres.label
    assert count_rows(both.database_url) == 1


def test_data_are_there_after_a_stop(both, steps):
    both.start(steps)
    count_rows(both.database_url)
    both.stop()
    both.start(steps)
    assert count_rows(both.database_url) == 2
    assert not both.postgres.adopted


def test_a_new_launcher_adopts_what_still_runs(home, both, steps):
    both.start(steps)
    first = [p.pid for p in both.processes()]
    again = services.Services(home, home.path, postgres.THROWAWAY)
    again.start(steps)
    assert [p.pid for p in again.processes()] == first
    assert again.postgres.adopted
    assert again.redis.adopted
    assert count_rows(again.database_url) == 1
    again.stop()
    assert not any(processes.fingerprint(pid) for pid in first)


def test_services_killed_hard_start_again_with_their_data(home, steps):
    both = services.Services(home, home.path)
    both.start(steps)
    count_rows(both.database_url)
    with redis.Redis.from_url(both.redis_url) as client:
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 2000)
    for process in both.processes():
        process.send(signal.SIGKILL)
        process.wait(5)
    again = services.Services(home, home.path)
    again.start(steps)
    try:
        assert count_rows(again.database_url) == 2
        with redis.Redis.from_url(again.redis_url) as client:
            assert client.get("kept") == b"yes"
    finally:
        again.stop()


def test_a_pid_file_that_names_a_stranger_harms_nobody(home, steps):
    server = EmbeddedPostgres(home, home.path / "log", postgres.THROWAWAY)
    server.start()
    server.wait_until_ready()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    stranger = subprocess.Popen(["sleep", "60"], **processes.as_user(home.user))
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    try:
        server.start()
        server.wait_until_ready()
        assert stranger.poll() is None
        assert server.process.pid != stranger.pid
    finally:
        server.stop()
        assert stranger.poll() is None
        stranger.kill()
        stranger.wait()


def test_a_remembered_port_taken_by_another_program_is_given_up(home):
    first = EmbeddedRedis(home, home.path / "log")
    first.start()
    first.wait_until_ready()
    port = first.port
    first.stop()
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        again = EmbeddedRedis(home, home.path / "log")
        again.start()
        again.wait_until_ready()
        assert again.port != port
        again.stop()


def test_redis_answers_nobody_without_the_password(both, steps):
    both.start(steps)
    with (
        redis.Redis(port=both.redis.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_postgres_opens_no_port(both, steps):
    both.start(steps)
    with psycopg.connect(both.database_url) as connection:
        assert connection.execute("show listen_addresses").fetchone()[0] == ""
    socket_folder = both.home.socket_folder()
    assert socket_folder.stat().st_mode & 0o077 == 0


def test_a_long_data_folder_still_gets_a_socket(tmp_path):
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)
    deep.mkdir(parents=True)
    folder = ServiceHome(deep, None).socket_folder()
    try:
        assert len(str(folder)) < 60
        assert folder.stat().st_mode & 0o077 == 0
    finally:
        folder.rmdir()


def test_what_a_killed_test_run_left_is_stopped_and_removed(wheels):
    left = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, os; sys.path.insert(0, sys.argv[1])\n"
            "from pathlib import Path\n"
            "from billing_site.launch import layout, postgres, processes, services\n"
            "from billing_site.launch.steps import Steps\n"
            "layout.site_packages = lambda: Path(sys.argv[2])\n"
            "processes._libc = None  # as on a system where children outlive their parent\n"
            "manager = services.throwaway_services(Steps(sys.stderr), postgres.THROWAWAY)\n"
            "running = manager.__enter__()\n"
            "print(running.home.path, *[p.pid for p in running.processes()], flush=True)\n"
            "os._exit(1)\n",
            layout.ROOT,
            wheels,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    folder, *pids = left.stdout.split()
    assert len(pids) == 2, left.stderr
    assert all(processes.fingerprint(int(pid)) for pid in pids)
    services.remove_dead_throwaways()
    assert not any(processes.fingerprint(int(pid)) for pid in pids)
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
    ],
)
def test_a_given_url_that_does_not_work_is_an_error_and_nothing_else_is_tried(
    home, steps, monkeypatch, variable, url
):
    monkeypatch.setenv(variable, url)
    monkeypatch.setattr(layout, "PYTHON", Path(sys.executable))
    both = services.Services(home, home.path, postgres.THROWAWAY)
    try:
        with pytest.raises(LaunchError, match=variable):
            both.start(steps)
        assert variable in steps.out.getvalue() or variable not in [
            p.name for p in both.processes()
        ]
    finally:
        both.stop()


def test_services_of_a_given_url_are_not_started(home, steps, monkeypatch, both):
    both.start(steps)
    monkeypatch.setenv("DATABASE_URL", both.database_url)
    monkeypatch.setenv("REDIS_URL", both.redis_url)
    monkeypatch.setattr(layout, "PYTHON", Path(sys.executable))
    given = services.Services(home, home.path)
    given.start(steps)
    assert given.processes() == []
    assert given.database_url == both.database_url
    given.stop()
    assert all(p.is_alive() for p in both.processes())


def test_the_home_of_a_data_folder_stays_the_same(tmp_path):
    first = accounts.home_of(DataFolder.at(tmp_path))
    try:
        assert accounts.home_of(DataFolder.at(tmp_path)) == first
        assert accounts.home_of(DataFolder.at(tmp_path / ".")) == first
    finally:
        if first.path != tmp_path:
            first.path.rmdir()


@pytest.mark.skipif(not processes.LINUX, reason="the kernel of Linux is asked")
def test_a_killed_server_that_nobody_reaps_is_no_hindrance(home):
    server = EmbeddedPostgres(home, home.path / "log", postgres.THROWAWAY)
    server.start()
    server.wait_until_ready()
    dead = server.process
    os.kill(dead.pid, signal.SIGKILL)  # it stays a zombie: its Popen is not asked
    processes.wait_until(lambda: processes.fingerprint(dead.pid) is None, 5)
    again = EmbeddedPostgres(home, home.path / "log", postgres.THROWAWAY)
    again.start()
    again.wait_until_ready()
    try:
        assert not again.adopted
        assert count_rows(again.url) == 1
    finally:
        again.stop()
        dead.popen.wait()
