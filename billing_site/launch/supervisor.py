"""``./run``: bring everything up in order, watch it, and take everything down again."""

import contextlib
import http.client
import signal
import socket
import time
from collections.abc import Callable

from billing_site.launch import accounts, application, layout, processes, setup, system
from billing_site.launch.application import FIRST_PAGE, Application
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.processes import Process
from billing_site.launch.services import Services
from billing_site.launch.state import Run
from billing_site.launch.steps import Steps

PREFERRED_PORTS = range(8000, 8050)
START_SECONDS = 90.0
STOP_SECONDS = 60.0
RESTART_AFTER = 20.0  # a process that ends sooner than that is not started again


class StopRequested(BaseException):
    """Ctrl-C, or a signal that says the same."""


class Supervisor:
    """Everything that ``./run`` starts on one data folder.

    :param port: the port asked for; None for a free one.
    """

    def __init__(self, data: DataFolder, port: int | None, steps: Steps):
        self.data = data
        self.port = port
        self.steps = steps
        self.run = Run(data)
        self.listener: socket.socket | None = None
        self.services: Services | None = None
        self.app_processes: dict[str, Process] = {}
        self.started_at: dict[str, float] = {}
        self.log_begins: dict[str, int] = {}
        self.stopping = False
        self.hurry = False

    def serve(self) -> int:
        """Start, print the address, stay until told to stop, stop everything.

        :returns: the exit code.
        :raises LaunchError: when something does not start; what was started is stopped.
        """
        self.data.create()
        self.run.claim()
        self._listen_to_signals()
        try:
            self._start()
            self._watch()
        except StopRequested:
            return 0
        finally:
            self._stop()
            self.run.release()
        return 0

    def _start(self) -> None:
        left = self.run.end_leftovers()
        if left:
            self.steps.say(f"  Stopped {left} processes of a run that was killed.")
        self.listener = listen(self.port, self.data)
        setup.prepare(self.steps)
        self._bring_pdf_libraries()
        self.services = Services(accounts.home_of(self.data), self.data.logs)
        self.services.start(self.steps, started=lambda p: self.run.note(p, adoptable=True))
        env = application.environment("demo", self.services, self.data.path, self.data.secret_key())
        app = self.app = Application(self.data, self.services, env)
        app.migrate(self.steps)
        app.collect_static(self.steps)
        web = self._start_process("web", self._start_web)
        app.load_demo_company(self.steps)
        port = self.listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        with self.steps.step("web") as step:
            self._wait_for(web, lambda: first_page_status(port) is not None)
            status = first_page_status(port)
            if status != 200:
                log = app.log("web")
                raise LaunchError(
                    f"The first page answers with status {status}.",
                    f"see {log}",
                    processes.tail(log),
                )
            step.note("the first page answers")
        self.run.announce(address)
        self._print_address(address)
        worker = self._start_process("worker", app.start_worker)
        beat = self._start_process("beat", app.start_beat)
        for process, sign in ((worker, " ready."), (beat, "beat: Starting")):
            with self.steps.step(process.name) as step:
                self._wait_for(process, self._log_says(process.name, sign))
                step.note("ready")
        self.steps.say(f"\nEverything runs. Logs: {self.data.logs}\nCtrl-C stops it.")

    def _bring_pdf_libraries(self) -> None:
        if all(system.is_present(need) for need in system.FOR_RUNNING):
            return
        with self.steps.step("PDF libraries") as step:
            missing = system.bring(system.FOR_RUNNING)
            step.note("installed by apt" if not missing else "missing")
        if missing:
            self.steps.say(
                "    Everything works but the PDFs, until you call:\n"
                f"    {system.install_command(missing)}"
            )

    def _start_process(self, name: str, start: Callable[[], Process]) -> Process:
        log = self.app.log(name)
        self.log_begins[name] = log.stat().st_size if log.exists() else 0
        process = start()
        self.app_processes[name] = process
        self.started_at[name] = time.monotonic()
        self.run.note(process, adoptable=False)
        return process

    def _start_web(self) -> Process:
        if self.listener is None:
            raise LaunchError("The web server has no port yet.")
        return self.app.start_web(self.listener)

    def _log_says(self, name: str, sign: str) -> Callable[[], bool]:
        begin = self.log_begins[name]

        def says() -> bool:
            with self.app.log(name).open("rb") as log:
                log.seek(begin)
                return sign.encode() in log.read()

        return says

    def _wait_for(self, process: Process, is_ready: Callable[[], bool]) -> None:
        processes.wait_until(lambda: is_ready() or not process.is_alive(), START_SECONDS, 0.1)
        if not process.is_alive() or not is_ready():
            log = self.app.log(process.name)
            raise LaunchError(
                f"The {process.name} did not start.", f"see {log}", processes.tail(log)
            )

    def _print_address(self, address: str) -> None:
        say = self.steps.say
        say(f"\nQuittance answers after {self.steps.total():.1f} s:  {address}\n")
        logins = self.app.logins()
        if logins:
            columns = ("role", "username", "password")
            widths = [max(len(c), *(len(login[c]) for login in logins)) for c in columns]
            for row in ({c: c for c in columns}, *logins):
                line = "  ".join(f"{row[c]:<{w}}" for c, w in zip(columns, widths, strict=True))
                say(f"  {line.rstrip()}")
            say()

    def _watch(self) -> None:
        """Stay; start again what ended on its own, as long as it does not end at once."""
        starters = {
            "web": self._start_web,
            "worker": self.app.start_worker,
            "beat": self.app.start_beat,
        }
        while True:
            time.sleep(0.5)
            for process in self.services.processes() if self.services else ():
                if not process.is_alive():
                    raise LaunchError(f"{process.name} ended on its own.", self._see_logs())
            for name, process in list(self.app_processes.items()):
                if process.is_alive():
                    continue
                log = self.app.log(name)
                if time.monotonic() - self.started_at[name] < RESTART_AFTER:
                    raise LaunchError(
                        f"The {name} ended on its own.", f"see {log}", processes.tail(log)
                    )
                process.kill_session()
                self.steps.say(f"The {name} ended on its own and is started again (see {log}).")
                self._start_process(name, starters[name])

    def _see_logs(self) -> str:
        return f"see the logs in {self.data.logs}"

    def _stop(self) -> None:
        self.stopping = True
        anything = self.app_processes or (self.services and self.services.processes())
        if anything:
            self.steps.say("\nStopping (Ctrl-C again does not wait for the work under way) ...")
            self.run.announce_stop()
        if self.listener is not None:
            self.listener.close()
        processes.stop_all(self.app_processes.values(), STOP_SECONDS, lambda: self.hurry)
        if self.services is not None:
            self.services.stop()
        self.run.forget()
        if anything:
            self.steps.say("Stopped.")

    def _listen_to_signals(self) -> None:
        def stop(number, frame) -> None:
            if self.stopping:
                self.hurry = True
            else:
                self.stopping = True
                raise StopRequested

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ./run stays
            signal.signal(signal.SIGHUP, stop)


def listen(port: int | None, data: DataFolder) -> socket.socket:
    """A socket on 127.0.0.1: at the port asked for, or that of the last time, or a free one.

    :raises LaunchError: when the port asked for is taken or not allowed.
    """
    remembered = data.path / "port"
    ports = [port] if port is not None else [*_read_port(remembered), *PREFERRED_PORTS, 0]
    for candidate in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            # A program that listens on all addresses leaves 127.0.0.1 free to bind on some systems.
            listener.listen(128)
        except OSError as error:
            listener.close()
            if port is not None:
                raise LaunchError(
                    f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}).",
                    "give another --port, or none for a free one.",
                ) from error
            continue
        if port is None:
            layout.write_atomically(remembered, str(listener.getsockname()[1]))
        return listener
    raise LaunchError("There is no free port on 127.0.0.1.")


def first_page_status(port: int) -> int | None:
    """The HTTP status of the first page; None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        try:
            connection.request("GET", FIRST_PAGE)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


def _read_port(path) -> list[int]:
    try:
        return [int(path.read_text())]
    except (OSError, ValueError):
        return []
