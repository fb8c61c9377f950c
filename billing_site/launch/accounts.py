"""The account and the folder of the embedded services.

PostgreSQL refuses to run as root. An ordinary user runs the services as himself, inside the data
folder. Root runs them as an unprivileged account, in a folder of that account under
``/var/lib/quittance-embedded``; the mode of no existing folder is ever changed.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from billing_site.launch.discovery import Server
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.processes import as_user

ROOT_BASE = Path("/var/lib/quittance-embedded")
THROWAWAY_PREFIX = "quittance-throwaway-"
ACCOUNTS = ("quittance", "postgres", "nobody")
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own limit is 104 to 108


@dataclass(frozen=True)
class ServiceHome:
    """The folder that holds the services' data, and who owns it.

    :param user: the account to run them under; None = the one we run under.
    """

    path: Path
    user: str | None

    OWN_FILES: ClassVar[tuple[str, ...]] = (
        *("postgres", "postgres.new", "redis", "migrated.digest", "demo.digest"),
    )

    def make(self, name: str) -> Path:
        """A folder inside, owned by the service account and closed to others."""
        folder = self.path / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        """Hand a file or folder of ours to the service account."""
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def socket_folder(self) -> Path:
        """A folder whose path is short enough for a socket, closed to other users.

        :raises LaunchError: when somebody else made the folder that we would use.
        """
        folder = self.path / "socket"
        if len(os.fsencode(folder)) + len("/.s.PGSQL.5432") < SOCKET_PATH_LIMIT:
            return self.make("socket")
        key = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        folder = Path("/tmp") / f"quittance-{key}"  # noqa: S108  ownership is checked below
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.give(folder)
        found = folder.lstat()
        owner = pwd.getpwnam(self.user).pw_uid if self.user else os.getuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise LaunchError(
                f"{folder} belongs to somebody else.", "give a shorter --data folder."
            )
        return folder


def service_account() -> str | None:
    """Who runs the services: an unprivileged account when we are root, else None (ourselves)."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise LaunchError(
        "PostgreSQL does not run as root, and there is no unprivileged account to run it.",
        "useradd --system quittance",
    )


def home_of(data: DataFolder) -> ServiceHome:
    """The services' home that belongs to a data folder; made when missing.

    Data that an ordinary user once made inside the data folder is used as it is, also by root.
    """
    inside = data.path / "postgres"
    if inside.exists():
        owner = inside.stat().st_uid
        if owner == os.geteuid():
            return ServiceHome(data.path, None)
        if os.geteuid() != 0:
            raise LaunchError(
                f"{inside} belongs to another user.", "give a --data folder of your own."
            )
        return ServiceHome(data.path, pwd.getpwuid(owner).pw_name)
    user = service_account()
    if user is None:
        return ServiceHome(data.path, None)
    home = ServiceHome(ROOT_BASE / f"{data.path.name[:20]}-{data.key}", user)
    ROOT_BASE.mkdir(mode=0o755, exist_ok=True)
    if home.path.exists():
        return ServiceHome(home.path, pwd.getpwuid(home.path.stat().st_uid).pw_name)
    home.path.mkdir(mode=0o700)
    home.give(home.path)
    return home


def throwaway_home() -> ServiceHome:
    """A new home for services that are thrown away with their data after use."""
    user = service_account()
    if user is None:
        return ServiceHome(Path(tempfile.mkdtemp(prefix=THROWAWAY_PREFIX)), None)
    ROOT_BASE.mkdir(mode=0o755, exist_ok=True)
    home = ServiceHome(Path(tempfile.mkdtemp(prefix=THROWAWAY_PREFIX, dir=ROOT_BASE)), user)
    home.give(home.path)
    return home


def program_for(server: Server, user: str | None) -> Path:
    """The server's program, or a copy of it that the service account can run.

    Root's ``.venv`` may lie where no other account may read.
    """
    folders, parent = server.folders, server.parent
    program = server.program.relative_to(parent)
    if user is None or not folders or _can_run(parent / program, user):
        return parent / program
    files = sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
    listing = "".join(f"{path}|{path.stat().st_size}\n" for path in files)
    key = hashlib.sha256(listing.encode()).hexdigest()[:12]
    copy = ROOT_BASE / "programs" / f"{folders[0].name}-{key}"
    if not copy.exists():
        ROOT_BASE.mkdir(mode=0o755, exist_ok=True)
        copy.parent.mkdir(mode=0o755, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=copy.parent))
        for folder in folders:
            shutil.copytree(folder, draft / folder.name, symlinks=True)
        _open_to_all(draft)
        try:
            os.replace(draft, copy)
        except OSError:  # another launcher was faster
            shutil.rmtree(draft)
    if not _can_run(copy / program, user):
        raise LaunchError(f"the account {user} cannot run {copy / program}.")
    return copy / program


def _open_to_all(folder: Path) -> None:
    """Let everybody read a folder of ours, and run its programs."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            runs = path.is_dir() or mode & 0o100
            path.chmod(mode | (0o755 if runs else 0o644))


def _can_run(program: Path, user: str) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], cwd="/", capture_output=True, check=False, **as_user(user)
        )
    except PermissionError:
        return False
    return done.returncode == 0
