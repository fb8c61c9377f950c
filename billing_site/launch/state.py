"""One launcher per data folder, and what an earlier one left behind."""

import fcntl
import json
import os
from pathlib import Path

from billing_site.launch import processes
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder, read_json, write_atomically
from billing_site.launch.processes import Process

LEFTOVER_SECONDS = 15.0
STOPPING_SECONDS = 120.0


class AlreadyRunning(LaunchError):
    """Another launcher holds this data folder."""


class Run:
    """This launcher's claim on a data folder, held until the process ends.

    The claim is a lock of the kernel, which no crash leaves behind; the file beside it says what
    runs, for the next launcher and for ``./run doctor``.
    """

    def __init__(self, data: DataFolder):
        self.data = data
        self.address = ""
        self.processes: list[Process] = []
        self._adoptable: set[str] = set()
        self._stopping = False
        self._lock: int | None = None

    def claim(self) -> None:
        """Take the data folder.

        Where another launcher is stopping, its end is waited for.

        :raises AlreadyRunning: with the address of the copy that runs on it.
        """
        lock = os.open(self.data.lock, os.O_RDWR | os.O_CREAT, 0o600)
        is_stopping = bool(read_json(self.data.state).get("stopping"))
        patience = STOPPING_SECONDS if is_stopping else 0
        if not processes.wait_until(lambda: _locks(lock), patience, every=0.2):
            os.close(lock)
            raise already_running(self.data)
        self._lock = lock

    def end_leftovers(self) -> int:
        """Stop the web server, worker and beat of a launcher that was killed.

        PostgreSQL and Redis are adopted by their own modules.

        :returns: how many processes were still there.
        """
        left = []
        for entry in read_json(self.data.state).get("processes", []):
            if entry["adoptable"]:
                continue
            process = Process(
                entry["name"], int(entry["pid"]), entry["known_as"], token=self.data.key
            )
            if process.is_alive() or processes.session_members(process.pid, self.data.key):
                left.append(process)
        processes.stop_all(left, LEFTOVER_SECONDS, hurry=lambda: False)
        self.forget()
        return len(left)

    def note(self, process: Process, adoptable: bool) -> None:
        """Write down a process that runs.

        :param adoptable: whether the next launcher may go on with it.
        """
        self.processes = [p for p in self.processes if p.name != process.name] + [process]
        if adoptable:
            self._adoptable.add(process.name)
        self._write()

    def announce(self, address: str) -> None:
        """Write down the address people open."""
        self.address = address
        self._write()

    def announce_stop(self) -> None:
        """Write down that this launcher is on its way out."""
        self._stopping = True
        self._write()

    def forget(self) -> None:
        """Nothing runs any more."""
        self.data.state.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the data folder free."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write(self) -> None:
        content = {
            "pid": os.getpid(),
            "address": self.address,
            "stopping": self._stopping,
            "processes": [
                {
                    "name": p.name,
                    "pid": p.pid,
                    "known_as": p.known_as,
                    "adoptable": p.name in self._adoptable,
                }
                for p in self.processes
            ],
        }
        write_atomically(self.data.state, json.dumps(content, indent=1) + "\n", mode=0o600)


def already_running(data: DataFolder) -> AlreadyRunning:
    """What to tell somebody who starts a second one."""
    known = read_json(data.state)
    pid, address = known.get("pid"), known.get("address")
    where = f" at {address}" if address else ", and is still starting"
    return AlreadyRunning(
        f"Quittance is already running{where} (data in {data.path}).",
        "open that address; stop it with Ctrl-C in its terminal"
        + (f" or: kill {pid}" if pid else "")
        + "; or start a second copy with --data DIR.",
    )


def _locks(lock: int) -> bool:
    """Take the lock, unless another process holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_running(data: DataFolder) -> bool:
    """Whether a launcher holds the data folder now."""
    if not Path(data.lock).exists():
        return False
    lock = os.open(data.lock, os.O_RDWR)
    try:
        return not _locks(lock)
    finally:
        os.close(lock)
