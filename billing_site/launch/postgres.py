"""An embedded PostgreSQL: made, started, adopted, stopped.

It listens on a socket in a folder of the service account only: no port, so that two copies never
collide and no other user of the machine can reach it.
"""

import os
import re
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

from billing_site.launch import processes
from billing_site.launch.accounts import ServiceHome, program_for
from billing_site.launch.discovery import find_postgres
from billing_site.launch.errors import LaunchError
from billing_site.launch.processes import Process

NAME = "PostgreSQL"
DATABASE = "quittance"
ROLE = "quittance"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
SETTINGS = {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "100"}
KEEPING = {"shared_buffers": "256MB"}
THROWAWAY = KEEPING | {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
MEASURED = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


class EmbeddedPostgres:
    """The PostgreSQL of one service home.

    :param log: the file it writes to.
    :param settings: server settings on top of ours, e.g. :data:`THROWAWAY`.
    """

    def __init__(self, home: ServiceHome, log: Path, settings: dict[str, str] | None = None):
        self.home = home
        self.log = log
        self.settings = SETTINGS | (KEEPING if settings is None else settings)
        self.data = home.path / "postgres"
        self.process: Process | None = None
        self.adopted = False
        self.label = ""

    @property
    def url(self) -> str:
        """The value for ``DATABASE_URL``."""
        return f"postgresql://{ROLE}@{quote(str(self.home.socket_folder()), safe='')}/{DATABASE}"

    def start(self) -> Process:
        """Adopt the server that runs on these data, or make them where missing and start one.

        :raises LaunchError: when no server programs are found or it does not start.
        """
        server = find_postgres(self._major(), self.home.user)
        self.label = server.label
        program = program_for(server, self.home.user)
        self._finish_what_is_stopping()
        self.process = self._running()
        self.adopted = self.process is not None
        if self.process is None:
            if self._major() is None:
                self._initialise(program)
            self.process = self._start(program)
        return self.process

    def wait_until_ready(self) -> None:
        """Wait until it takes connections.

        :raises LaunchError: with the end of its log, when it ended instead or took too long.
        """
        process = self.process
        if process is None:
            raise LaunchError("PostgreSQL was not started.")
        processes.wait_until(lambda: self._is_ready() or not process.is_alive(), START_SECONDS)
        if not self._is_ready() or not process.is_alive():
            raise LaunchError(
                "PostgreSQL did not start.",
                f"see {self.log}; ./run reset empties the data.",
                processes.tail(self.log),
            )

    def stop(self) -> None:
        """Stop the server that runs on these data, whoever started it, in good order."""
        process = self.process or self._running()
        if process is None:
            return
        process.send(signal.SIGINT)  # "fast": connections are ended, data are written
        if not process.wait(STOP_SECONDS):
            process.send(signal.SIGQUIT)
            process.wait(STOP_SECONDS)
        self.process = None

    def _major(self) -> int | None:
        """The version that wrote the data; None when there are none."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def _initialise(self, program: Path) -> None:
        """Make the data folder and the database, beside their place, then move them there."""
        draft = self.home.path / "postgres.new"
        if draft.exists():
            shutil.rmtree(draft)
        initdb = [
            program.with_name("initdb"),
            *("--pgdata", draft, "--username", ROLE, "--auth", "trust", "--no-sync"),
            *("--encoding", "UTF8"),
        ]
        what = "making the database folder"
        try:
            self._run([*initdb, "--locale", "C.UTF-8"], what)
        except LaunchError:
            if draft.exists():
                shutil.rmtree(draft)
            self._run([*initdb, "--locale", "C"], what)
        create = f"CREATE DATABASE {DATABASE}\n"
        self._run([program, "--single", "-D", draft, "postgres"], "making the database", create)
        os.replace(draft, self.data)

    def _start(self, program: Path) -> Process:
        settings = self.settings | {"unix_socket_directories": str(self.home.socket_folder())}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return processes.start(
            NAME,
            [program, "-D", self.data, *options],
            env=self._environment(),
            log=self.log,
            cwd="/",
            user=self.home.user,
            stop_signal=signal.SIGINT,
        )

    def _run(self, argv: list, what: str, stdin: str = "") -> None:
        processes.run(
            argv,
            what=what,
            remedy=f"see {self.log}",
            env=self._environment(),
            cwd="/",
            user=self.home.user,
            stdin=stdin,
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.home.path)}

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _is_ready(self) -> bool:
        lines = self._pid_file()
        mine = self.process is not None and lines[:1] == [str(self.process.pid)]
        return mine and len(lines) > 7 and lines[7].strip() == "ready"

    def _running(self) -> Process | None:
        """The server that runs on these data; a pid file of none that lives is cleared away."""
        lines = self._pid_file()
        if not lines or not re.fullmatch(r"\d+", lines[0].strip()):
            return None
        pid = int(lines[0])
        known_as = processes.fingerprint(pid)
        command = processes.command_line(pid)
        if known_as and "postgres" in command and str(self.data) in command:
            return Process(NAME, pid, known_as, signal.SIGINT)
        self._clear_pid_file()
        return None

    def _clear_pid_file(self) -> None:
        """Remove a pid file that names a process that is gone, or a stranger.

        PostgreSQL itself would take a stranger, or a dead process that nobody has reaped yet,
        for a running server. What it checks besides, that no process of the dead server still
        works on the data, is made sure here first.
        """
        if not processes.LINUX:
            return  # PostgreSQL decides
        orphans = processes.working_in(self.data)
        for process in orphans:
            process.wait(5)  # they end by themselves when their server is gone
            process.kill_session()
        for left in self.home.socket_folder().glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _finish_what_is_stopping(self) -> None:
        """Wait for a server that got the sign to stop when its launcher was killed."""

        def is_stopping() -> bool:
            lines = self._pid_file()
            said = len(lines) > 7 and lines[7].strip() == "stopping"
            return said and self._running() is not None

        if self._running() is not None:
            time.sleep(0.2)  # the sign is on its way
            processes.wait_until(lambda: not is_stopping(), STOP_SECONDS)
