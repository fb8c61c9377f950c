"""``./run check``: the fast checks, without any service."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from billing_site.launch import layout, processes
from billing_site.launch.errors import LaunchError
from billing_site.launch.steps import Steps

NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
# In pieces, so that this file does not hold what it looks for.
FORBIDDEN_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("deb", "debian", "org"),
    )
)
FORBIDDEN_FOLDERS = tuple(f"/{name}/" for name in ("work", "root"))


@dataclass(frozen=True)
class Check:
    """A command that has to succeed.

    :param remedy: the command that mends what it finds, if one does.
    """

    name: str
    argv: tuple[str, ...]
    remedy: str = ""
    env: dict[str, str] = field(default_factory=dict)


def all_checks(data_dir: str) -> list[Check]:
    """The checks in their order, the quickest first.

    :param data_dir: an empty folder for settings that ask for one.
    """
    testing = NOWHERE | {"QUITTANCE_ENV": "test", "SECRET_KEY": "for-checks", "DATA_DIR": data_dir}
    production = NOWHERE | {
        "QUITTANCE_ENV": "production",
        "SECRET_KEY": "".join(chr(33 + n) for n in range(64)),
        "ALLOWED_HOSTS": "billing.example.com",
        "CSRF_TRUSTED_ORIGINS": "https://billing.example.com",
        "DATA_DIR": data_dir,
    }
    quiet = "ignore:Got an error checking a consistent migration history"
    deploy = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    return [
        Check("format", ("ruff", "format", "--check", "."), "ruff format ."),
        Check("lint", ("ruff", "check", "."), "ruff check --fix ."),
        Check("templates", ("djlint", "templates", "--lint", "--quiet")),
        Check("imports", ("lint-imports",)),
        Check("types", ("mypy", "."), env=testing),
        Check(
            "migrations",
            ("python", "-W", quiet, "manage.py", "makemigrations", "--check", "--dry-run"),
            "python manage.py makemigrations",
            env=testing,
        ),
        Check("deployment", ("python", *deploy), env=production),
    ]


def run_checks(steps: Steps) -> list[str]:
    """Run every check, also after one has failed.

    :returns: the names of those that failed; why is on the screen.
    """
    failed = []
    with tempfile.TemporaryDirectory(prefix="quittance-check-") as data_dir:
        for check in all_checks(data_dir):
            with steps.step(check.name) as step:
                error = _run(check)
                step.note("failed" if error else "ok")
            if error:
                failed.append(check.name)
                steps.fail(error)
    with steps.step("house rules") as step:
        findings = list(house_rule_findings(tracked_files()))
        step.note("failed" if findings else "ok")
    if findings:
        failed.append("house rules")
        steps.say("\n".join(f"    {finding}" for finding in findings))
    return failed


def tracked_files() -> list[Path]:
    """The files that are, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=layout.ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        skipped = {".venv", "node_modules", "var", ".git"}
        paths = (p for p in layout.ROOT.rglob("*") if not skipped & set(p.parts))
        return sorted(p for p in paths if p.is_file())
    names = listed.decode().split("\0")
    return sorted(layout.ROOT / name for name in names if name and (layout.ROOT / name).is_file())


def house_rule_findings(files: list[Path]) -> Iterator[str]:
    """Where a registry's host or a path of one machine stands in a file of ours.

    :returns: lines ``file:line: what``.
    """
    own_folders = [str(p) for p in (layout.ROOT, Path.home()) if len(p.parts) > 2]
    folders = "|".join(map(re.escape, (*FORBIDDEN_FOLDERS, *own_folders)))
    hosts = "|".join(map(re.escape, FORBIDDEN_HOSTS))
    pattern = re.compile(rf"(?P<host>{hosts})|(?<![\w.}}~/-])(?P<folder>{folders})")
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            match = pattern.search(line)
            if match:
                kind = "a registry's host" if match["host"] else "a path of one machine"
                yield f"{path.relative_to(layout.ROOT)}:{number}: {kind}: {match[0]}"


def _run(check: Check) -> LaunchError | None:
    program, *arguments = check.argv
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | check.env
    try:
        processes.run(
            [layout.VENV_BIN / program, *arguments],
            what=check.name,
            remedy=check.remedy,
            env=env,
            cwd=layout.ROOT,
        )
    except LaunchError as error:
        return error
    return None
