"""PostgreSQL and Redis together, as the commands need them."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from billing_site.launch import accounts, layout, postgres, processes
from billing_site.launch.accounts import ServiceHome
from billing_site.launch.errors import LaunchError
from billing_site.launch.postgres import EmbeddedPostgres
from billing_site.launch.processes import Process
from billing_site.launch.redis import EmbeddedRedis
from billing_site.launch.steps import Steps

OWNER_FILE = "owner.json"


class Services:
    """The PostgreSQL and the Redis that a command uses, given from outside or embedded.

    :param home: where embedded ones keep their data.
    :param logs: the folder of their logs.
    """

    def __init__(
        self,
        home: ServiceHome,
        logs: Path,
        postgres_settings: dict[str, str] | None = None,
        keep: bool = True,
    ):
        self.given_database = os.environ.get("DATABASE_URL", "")
        self.given_redis = os.environ.get("REDIS_URL", "")
        self.home = home
        self.postgres = EmbeddedPostgres(home, logs / "postgres.log", postgres_settings)
        self.redis = EmbeddedRedis(home, logs / "redis.log", keep)

    @property
    def database_url(self) -> str:
        return self.given_database or self.postgres.url

    @property
    def redis_url(self) -> str:
        return self.given_redis or self.redis.url

    def start(self, steps: Steps, started: Callable[[Process], None] = lambda process: None):
        """Start both, then wait for both.

        :param started: told of every process as soon as it runs.
        :raises LaunchError: when one cannot be had.
        """
        with steps.step("PostgreSQL") as step:
            if self.given_database:
                _check_database(self.given_database)
                step.note("of DATABASE_URL")
            else:
                started(self.postgres.start())
                self.postgres.wait_until_ready()
                step.note(self.postgres.label + _adopted(self.postgres.adopted))
        with steps.step("Redis") as step:
            if self.given_redis:
                _check_redis(self.given_redis)
                step.note("of REDIS_URL")
            else:
                started(self.redis.start())
                self.redis.wait_until_ready()
                step.note(self.redis.label + _adopted(self.redis.adopted))

    def stop(self) -> None:
        """Stop what is embedded; what was given is left alone."""
        if not self.given_redis:
            self.redis.stop()
        if not self.given_database:
            self.postgres.stop()

    def processes(self) -> list[Process]:
        """The embedded processes that were started or adopted."""
        return [p for p in (self.postgres.process, self.redis.process) if p is not None]


@contextmanager
def throwaway_services(steps: Steps, settings: dict[str, str]) -> Iterator[Services]:
    """Services with data of their own, on free ports, that are gone afterwards.

    :param settings: settings of PostgreSQL, e.g. ``postgres.THROWAWAY`` for tests.
    """
    remove_dead_throwaways()
    home = accounts.throwaway_home()
    owner = f'{{"pid": {os.getpid()}, "known_as": "{processes.fingerprint(os.getpid())}"}}\n'
    layout.write_atomically(home.path / OWNER_FILE, owner)
    services = Services(home, home.path, settings, keep=False)
    try:
        services.start(steps)
        yield services
    finally:
        services.stop()
        _remove(home)


def remove_dead_throwaways() -> None:
    """Stop and remove what killed launchers of ours left behind."""
    root = os.geteuid() == 0
    base = accounts.ROOT_BASE if root else Path(tempfile.gettempdir())
    for owner in base.glob(f"{accounts.THROWAWAY_PREFIX}*/{OWNER_FILE}"):
        with contextlib.suppress(FileNotFoundError):
            if owner.stat().st_uid != os.geteuid():
                continue
            known = layout.read_json(owner)
            if processes.is_alive(int(known.get("pid", 0)), known.get("known_as")):
                continue
            home = ServiceHome(owner.parent, None)
            Services(home, home.path).stop()
            _remove(home)


def _remove(home: ServiceHome) -> None:
    socket_folder = home.socket_folder()
    shutil.rmtree(home.path)
    if socket_folder.parent != home.path:
        shutil.rmtree(socket_folder)


def _adopted(adopted: bool) -> str:
    return ", still running from before" if adopted else ""


def _check_database(url: str) -> None:
    _try_connection(
        "import os, psycopg; psycopg.connect(os.environ['URL'], connect_timeout=5).close()",
        url,
        "DATABASE_URL",
        f"start that server, make its database (createdb {postgres.DATABASE}), or unset the "
        "variable for an embedded PostgreSQL.",
    )


def _check_redis(url: str) -> None:
    _try_connection(
        "import os, redis; redis.Redis.from_url(os.environ['URL'], socket_timeout=5).ping()",
        url,
        "REDIS_URL",
        "start that server, or unset the variable for an embedded Redis.",
    )


def _try_connection(code: str, url: str, variable: str, remedy: str) -> None:
    tried = subprocess.run(
        [layout.PYTHON, "-c", code],
        env=os.environ | {"URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        reason = tried.stderr.strip().splitlines()[-1:]
        raise LaunchError(f"{variable} does not work.", remedy, "\n".join(reason))
