"""Processes: start them, recognise them later, stop them.

Every process we start leads a session of its own (a Ctrl-C in the terminal reaches the launcher
alone, which then stops the others in order), writes to a log file (no pipe that breaks when the
launcher dies) and, on Linux, is told by the kernel when the launcher dies. Where it lives on
nevertheless, the next launcher recognises it by process number and time of start together, so
that a number used again by a stranger is never taken for ours.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from billing_site.launch.errors import LaunchError

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
TOKEN_VARIABLE = "QUITTANCE_LAUNCH"  # noqa: S105  the name of a variable
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def fingerprint(pid: int) -> str | None:
    """What tells this process from a later one with the same number; None when it is gone.

    A process that has ended but was not yet reaped counts as gone.
    """
    if LINUX:
        stat = _stat_fields(pid)
        if stat is None or stat[0] in "ZX":
            return None
        return f"{_boot()}:{stat[19]}"
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return " ".join(listed[1:]) if listed and not listed[0].startswith("Z") else None


def is_alive(pid: int, known_as: str | None) -> bool:
    """Whether the process of that number and fingerprint still runs."""
    return known_as is not None and fingerprint(pid) == known_as


def command_line(pid: int) -> str:
    """The process's command line; empty when it is gone or not ours to read."""
    if LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, UnicodeDecodeError):
            return ""
    command = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@dataclass
class Process:
    """A process that we started, or one that an earlier launcher started (``popen`` is None).

    :param token: what its environment and that of its children hold in ``QUITTANCE_LAUNCH``.
    """

    name: str
    pid: int
    known_as: str | None
    stop_signal: int = signal.SIGTERM
    token: str = ""
    popen: subprocess.Popen | None = field(default=None, repr=False)

    def is_alive(self) -> bool:
        if self.popen is not None:
            return self.popen.poll() is None
        return is_alive(self.pid, self.known_as)

    def send(self, number: int) -> None:
        """Signal the process alone, not its children, if it still lives."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether the process ended within the time."""
        return wait_until(lambda: not self.is_alive(), seconds)

    def kill_session(self) -> None:
        """End the process and whatever it started, at once."""
        self.send(signal.SIGKILL)
        self.wait(5)
        for pid in session_members(self.pid, self.token):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def start(
    name: str,
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: dict[str, str],
    log: Path,
    cwd: Path | str,
    user: str | None = None,
    stop_signal: int = signal.SIGTERM,
    pass_fds: tuple[int, ...] = (),
) -> Process:
    """Start a process that writes to the log and ends with the launcher.

    :param user: the account to run under; only root may name one.
    :param stop_signal: what ends it in good order; also sent by the kernel when we die.
    """
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [os.fspath(part) for part in argv],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
            preexec_fn=end_with_us(stop_signal),
            **as_user(user),
        )
    token = env.get(TOKEN_VARIABLE, "")
    return Process(name, popen.pid, fingerprint(popen.pid), stop_signal, token, popen)


def as_user(user: str | None) -> dict:
    """Arguments for :mod:`subprocess` that run a command under another account."""
    if user is None:
        return {}
    import grp
    import pwd

    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    return {"user": user, "group": group, "extra_groups": []}


def stop_all(processes: Iterable[Process], seconds: float, hurry: Callable[[], bool]) -> None:
    """Ask all to stop at once, wait, and end what does not stop.

    :param hurry: asked while waiting; when it says yes, the waiting is over.
    """
    remaining = list(processes)
    for process in remaining:
        process.send(process.stop_signal)
    wait_until(lambda: hurry() or not any(p.is_alive() for p in remaining), seconds)
    for process in remaining:
        process.kill_session()


def session_members(leader: int, token: str) -> list[int]:
    """The processes that a process of ours started and that live on (Linux only).

    They carry the token in their environment, so that a stranger with the same session number is
    left alone.
    """
    members: list[int] = []
    if not LINUX or not token:
        return members
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        stat = _stat_fields(pid)
        if stat is None or stat[0] in "ZX" or int(stat[3]) != leader:
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0"):
            members.append(pid)
    return members


def working_in(folder: Path) -> list[Process]:
    """The processes whose working folder that is (Linux only)."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == str(folder):
                pid = int(entry.name)
                found.append(Process(f"process in {folder.name}", pid, fingerprint(pid)))
        except OSError:  # it has ended, or is not ours to look at
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    what: str,
    remedy: str = "",
    env: dict[str, str] | None = None,
    cwd: Path | str | None = None,
    user: str | None = None,
    stdin: str = "",
) -> str:
    """Run a command to its end.

    :returns: what it printed.
    :raises LaunchError: with the end of its output, when it fails or cannot start.
    """
    try:
        done = subprocess.run(
            [os.fspath(part) for part in argv],
            env=env,
            cwd=cwd,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            preexec_fn=end_with_us(signal.SIGTERM),
            **as_user(user),
        )
    except OSError as error:
        raise LaunchError(f"{what}: {argv[0]} cannot be started ({error})", remedy) from error
    if done.returncode:
        last_lines = "\n".join(done.stdout.splitlines()[-25:])
        raise LaunchError(f"{what} failed (exit code {done.returncode}).", remedy, last_lines)
    return done.stdout


def end_with_us(number: int) -> Callable[[], None] | None:
    """What the child does first: ask the kernel for that signal when we die (Linux only)."""
    if _libc is None:
        return None
    launcher = os.getpid()

    def ask() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != launcher:
            os._exit(1)

    return ask


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; the name before may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
