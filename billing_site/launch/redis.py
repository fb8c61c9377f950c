"""An embedded Redis or Valkey: started, adopted, stopped.

It listens on 127.0.0.1 on a port that is remembered with its data, and asks for a password that
is made once. It keeps the queue of the work under way; what has to be done lies in PostgreSQL.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from billing_site.launch import processes
from billing_site.launch.accounts import ServiceHome, program_for
from billing_site.launch.discovery import find_redis
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import read_json, write_atomically
from billing_site.launch.processes import Process

NAME = "Redis"
START_SECONDS = 30.0
STOP_SECONDS = 20.0


class EmbeddedRedis:
    """The Redis of one service home.

    :param keep: whether the data are written to disk.
    """

    def __init__(self, home: ServiceHome, log: Path, keep: bool = True):
        self.home = home
        self.log = log
        self.keep = keep
        self.process: Process | None = None
        self.adopted = False
        self.label = ""
        self.port = 0
        self.password = ""

    @property
    def url(self) -> str:
        """The value for ``REDIS_URL``."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> Process:
        """Adopt the server that runs on these data, or start one.

        :raises LaunchError: when no server program is found.
        """
        server = find_redis(self.home.user)
        self.label = server.label
        # Another product or version may not read these files: each gets a folder of its own.
        folder = self.home.make("redis")
        folder = self._make(folder / f"{server.product.lower()}-{server.version[0]}")
        self._read_connection(folder)
        self.process = self._running(folder)
        self.adopted = self.process is not None
        if self.process is None:
            if not _is_free(self.port):
                self.port = free_port()
            self._write_connection(folder)
            self.process = processes.start(
                NAME,
                [program_for(server, self.home.user), folder / "redis.conf"],
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                log=self.log,
                cwd="/",
                user=self.home.user,
            )
        return self.process

    def wait_until_ready(self) -> None:
        """Wait until it answers.

        :raises LaunchError: with the end of its log, when it ended instead or took too long.
        """
        process = self.process
        if process is None:
            raise LaunchError("Redis was not started.")
        processes.wait_until(lambda: self.answers() or not process.is_alive(), START_SECONDS)
        if not process.is_alive() or not self.answers():
            raise LaunchError("Redis did not start.", f"see {self.log}", processes.tail(self.log))

    def stop(self) -> None:
        """Stop the server that runs on these data, whoever started it, in good order."""
        running = [self.process] if self.process else list(self._all_running())
        for process in running:
            process.send(process.stop_signal)
            if not process.wait(STOP_SECONDS):
                process.kill_session()
        self.process = None

    def answers(self) -> bool:
        """Whether it takes our password and answers PING."""
        request = f"AUTH {self.password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(request)
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(4096)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _make(self, folder: Path) -> Path:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.home.give(folder)
        return folder

    def _read_connection(self, folder: Path) -> None:
        known = read_json(folder / "connection.json")
        self.port = int(known.get("port", 0)) or free_port()
        self.password = str(known.get("password", "")) or secrets.token_urlsafe(24)

    def _write_connection(self, folder: Path) -> None:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{folder}"',
            f'pidfile "{folder}/server.pid"',
            f"requirepass {self.password}",
            "maxmemory-policy noeviction",
            "daemonize no",
            "databases 64",
            *(["appendonly yes"] if self.keep else ["appendonly no", 'save ""']),
        ]
        connection = f'{{"port": {self.port}, "password": "{self.password}"}}\n'
        for name, text in (
            ("connection.json", connection),
            ("redis.conf", "\n".join(lines) + "\n"),
        ):
            write_atomically(folder / name, text, mode=0o600)
            self.home.give(folder / name)

    def _running(self, folder: Path) -> Process | None:
        """The server that runs on these data and is well; one that is not well is ended."""
        try:
            pid = int((folder / "server.pid").read_text())
        except (OSError, ValueError):
            return None
        known_as = processes.fingerprint(pid)
        command = processes.command_line(pid)
        if known_as is None or not ("redis" in command or "valkey" in command):
            return None
        process = Process(NAME, pid, known_as)
        if process.wait(0.3):  # it was told to stop when its launcher was killed
            return None
        if processes.wait_until(lambda: self.answers() or not process.is_alive(), 3):
            return process if process.is_alive() else None
        if _working_folder(pid) == str(folder):
            process.kill_session()
        return None

    def _all_running(self) -> Iterator[Process]:
        for folder in (self.home.path / "redis").glob("*-*"):
            self._read_connection(folder)
            process = self._running(folder)
            if process:
                yield process


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _working_folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
