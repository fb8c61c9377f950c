"""Where things lie: the project folder, and the data folder of one copy."""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
PYTHON = VENV_BIN / "python"
REQUIREMENTS = ROOT / "requirements.lock"
UV_REQUIREMENTS = ROOT / "requirements-uv.lock"
NODE_MODULES = ROOT / "node_modules"


def site_packages() -> Path | None:
    """The folder of the installed packages; None before they are installed."""
    found = sorted(VENV.glob("lib/python3.*/site-packages"))
    return found[-1] if found else None


def digest_of(*paths: Path) -> str:
    """Digest of the files' contents; a missing file counts as empty."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def digest_of_listing(paths: list[Path]) -> str:
    """Digest of names, sizes and times of change: cheap, for folders with many files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        stat = path.stat()
        digest.update(f"{path}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write so that a reader, or a crash, sees the old text or the new, never a half."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.replace(draft, path)


def read_json(path: Path) -> dict:
    """The file's object; empty when it is missing or not whole."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class DataFolder:
    """The folder that ``--data`` names: all that one copy of the demo keeps."""

    path: Path

    OWN_FILES: ClassVar[tuple[str, ...]] = (
        *("beat", "documents", "logs", "static", "static.digest"),
        *("demo-logins.json", "port", "run.json", "secret-key"),
    )

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "DataFolder":
        return cls(Path(os.path.realpath(path)))

    @property
    def key(self) -> str:
        """A short name of this folder, for places outside it."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:10]

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def lock(self) -> Path:
        return self.path / "run.lock"

    @property
    def state(self) -> Path:
        return self.path / "run.json"

    @property
    def demo_logins(self) -> Path:
        return self.path / "demo-logins.json"

    @property
    def static_marker(self) -> Path:
        return self.path / "static.digest"

    @property
    def beat_schedule(self) -> Path:
        return self.path / "beat" / "schedule"

    def create(self) -> None:
        """Make the folder and its parts; a new one is closed to other users."""
        if not self.path.exists():
            self.path.mkdir(parents=True)
            self.path.chmod(0o700)
        for part in (self.logs, self.path / "documents", self.beat_schedule.parent):
            part.mkdir(exist_ok=True)

    def secret_key(self) -> str:
        """This copy's SECRET_KEY: made once, readable by the owner alone."""
        path = self.path / "secret-key"
        if not path.exists():
            write_atomically(path, secrets.token_urlsafe(64), mode=0o600)
        return path.read_text()
