"""The product's own part of a start: its environment, its preparations, its three processes.

Each preparation is skipped when nothing it depends on has changed. What says so lies beside the
data it speaks of, so that data which are gone are made again.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from billing_site.launch import layout, processes, setup
from billing_site.launch.accounts import ServiceHome
from billing_site.launch.layout import DataFolder
from billing_site.launch.processes import Process
from billing_site.launch.services import Services
from billing_site.launch.steps import Steps

HOSTS = "localhost,127.0.0.1,[::1]"
QUEUES = "calculation,documents,default"
FIRST_PAGE = "/login/"
DROPPED = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE"),
    "PYTHONDONTWRITEBYTECODE",  # without compiled files every start takes two seconds longer
)


def environment(
    mode: str, services: Services, data_dir: Path, secret_key: str, more: Mapping[str, str] = {}
) -> dict[str, str]:
    """The environment of every process of the product (see ``billing_site/env.py``)."""
    inherited = {k: v for k, v in os.environ.items() if k not in DROPPED}
    path = os.pathsep.join((str(layout.VENV_BIN), inherited.get("PATH", os.defpath)))
    return inherited | {
        "PATH": path,
        "DJANGO_SETTINGS_MODULE": "billing_site.settings",
        "QUITTANCE_ENV": mode,
        "SECRET_KEY": secret_key,
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "ALLOWED_HOSTS": HOSTS,
        "DATA_DIR": str(data_dir),
        "PYTHONUNBUFFERED": "1",
        processes.TOKEN_VARIABLE: DataFolder.at(data_dir).key,
        **more,
    }


class Application:
    """The product on one data folder.

    :param env: of its processes, from :func:`environment`.
    """

    def __init__(self, data: DataFolder, services: Services, env: dict[str, str]):
        self.data = data
        self.services = services
        self.env = env

    def migrate(self, steps: Steps) -> None:
        """Bring the database to the migrations' state."""
        files = [
            path
            for package in ("*", "*/*")
            for path in layout.ROOT.glob(f"{package}/migrations/*.py")
        ]
        digest = layout.digest_of(layout.REQUIREMENTS, *sorted(files))
        with steps.step("migrations") as step:
            if self._is_done("migrated.digest", digest):
                step.note("nothing to apply")
                return
            self._manage("migrate", "--no-input", "--verbosity", "1")
            self._done("migrated.digest", digest)
            step.note("applied")

    def collect_static(self, steps: Steps) -> None:
        """Gather the static files under their hashed names."""
        files = [
            path
            for folder in (layout.ROOT / "static", *filter(_is_ours, layout.ROOT.glob("*/static")))
            for path in folder.rglob("*")
            if path.is_file()
        ]
        sources = [layout.REQUIREMENTS, layout.ROOT / "billing_site" / "settings.py"]
        sources.append(layout.ROOT / "billing_site" / "web" / "vendor.py")
        digest = layout.digest_of_listing(files) + setup.node_digest() + layout.digest_of(*sources)
        marker = self.data.static_marker
        with steps.step("static files") as step:
            if marker.exists() and marker.read_text() == digest:
                step.note("unchanged")
                return
            said = self._manage("collectstatic", "--no-input", "--verbosity", "1")
            layout.write_atomically(marker, digest)
            step.note((said.strip().splitlines() or [""])[-1].replace("'", "").split(" to ")[0])

    def load_demo_company(self, steps: Steps) -> None:
        """Load the demo company into an empty database; a second time changes nothing."""
        commands = layout.ROOT / "approvals" / "management" / "commands"
        digest = layout.digest_of(commands / "load_demo_company.py")
        with steps.step("demo company") as step:
            if self.data.demo_logins.exists() and self._is_done("demo.digest", digest):
                step.note("there")
                return
            self._manage("load_demo_company")
            self._done("demo.digest", digest)
            step.note("loaded")

    def logins(self) -> list[dict[str, str]]:
        """The demo logins: role, username, password."""
        return layout.read_json(self.data.demo_logins).get("logins", [])

    def start_web(self, listener: socket.socket) -> Process:
        """Start the web server on a socket that already listens to nobody but 127.0.0.1."""
        return self._start(
            "web",
            [
                *("gunicorn", "billing_site.wsgi:application"),
                *("--bind", f"fd://{listener.fileno()}"),
                *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
                *("--preload", "--no-control-socket"),
                *("--timeout", "60", "--graceful-timeout", "10", "--access-logfile", "-"),
            ],
            pass_fds=(listener.fileno(),),
        )

    def start_worker(self) -> Process:
        """Start the worker for all queues."""
        command = ["celery", "-A", "billing_site.celery", "worker", "-Q", QUEUES]
        options = ["--concurrency", "2", "--loglevel", "INFO", "--without-gossip"]
        return self._start("worker", [*command, *options, "--without-mingle"])

    def start_beat(self) -> Process:
        """Start the one scheduler."""
        command = ["celery", "-A", "billing_site.celery", "beat", "--loglevel", "INFO"]
        schedule = ["--schedule", str(self.data.beat_schedule), "--pidfile", ""]
        return self._start("beat", [*command, *schedule])

    def log(self, name: str) -> Path:
        return self.data.logs / f"{name}.log"

    def _start(self, name: str, argv: list[str], pass_fds: tuple[int, ...] = ()) -> Process:
        return processes.start(
            name,
            [layout.VENV_BIN / argv[0], *argv[1:]],
            env=self.env,
            log=self.log(name),
            cwd=layout.ROOT,
            pass_fds=pass_fds,
        )

    def _manage(self, *argv: str) -> str:
        return processes.run(
            [layout.PYTHON, "manage.py", *argv],
            what=f"manage.py {argv[0]}",
            env=self.env,
            cwd=layout.ROOT,
        )

    def _is_done(self, marker: str, digest: str) -> bool:
        """Whether it was done on the embedded data; of a database from outside we know nothing."""
        if self.services.given_database:
            return False
        path = self._home.path / marker
        return path.exists() and path.read_text() == digest

    def _done(self, marker: str, digest: str) -> None:
        if not self.services.given_database:
            layout.write_atomically(self._home.path / marker, digest)

    @property
    def _home(self) -> ServiceHome:
        return self.services.home


def _is_ours(folder: Path) -> bool:
    """Whether a ``static`` folder is a source, not what was gathered in a data folder."""
    return not (folder.parent / "run.lock").exists()
