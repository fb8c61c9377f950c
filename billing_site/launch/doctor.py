"""``./run doctor``: what is there, what is missing, and the exact command that brings it."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from billing_site.launch import discovery, layout, setup, state, system
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder, read_json

THERE, COMES, MISSING = "ok", "comes", "MISSING"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    :param verdict: there, brought by ``./run`` itself, or missing.
    :param remedy: the command that brings it; empty when nothing is to be done.
    """

    name: str
    verdict: str
    text: str
    remedy: str = ""


def examine(data: DataFolder) -> Iterator[Finding]:
    """Everything that ``./run`` and ``./run test`` need, one by one."""
    yield Finding("Python", THERE, f"{sys.version.split()[0]} ({sys.executable})")
    yield from _environment()
    yield _service("PostgreSQL", "DATABASE_URL", discovery.find_postgres)
    yield _service("Redis", "REDIS_URL", discovery.find_redis)
    for need in system.FOR_TESTS:
        if system.is_present(need):
            yield Finding(need.name, THERE, f"for {need.purpose}")
        else:
            yield Finding(need.name, MISSING, f"for {need.purpose}", system.install_command([need]))
    if state.is_running(data):
        known = read_json(data.state)
        text = (
            f"running at {known.get('address')} (process {known.get('pid')}), data in {data.path}"
        )
    else:
        text = f"not running, data in {data.path}"
    yield Finding("Quittance", THERE, text)


def print_report(data: DataFolder, say) -> int:
    """Print the findings.

    :returns: 0 when nothing is missing that ``./run`` does not bring itself.
    """
    findings = list(examine(data))
    for finding in findings:
        say(f"  {finding.verdict:<8} {finding.name:<14} {finding.text}")
        if finding.remedy:
            say(f"  {'':<8} {'':<14} what brings it: {finding.remedy}")
    missing = [f.name for f in findings if f.verdict == MISSING]
    say()
    say(f"Missing: {', '.join(missing)}." if missing else "Nothing is missing.")
    return 1 if missing else 0


def _environment() -> Iterator[Finding]:
    there = (
        (".venv", setup.venv_works()),
        ("packages", setup.venv_works() and setup.packages_are_current()),
        ("front end", setup.node_modules_are_current()),
    )
    writable = os.access(layout.ROOT, os.W_OK)
    for name, is_there in there:
        if is_there:
            yield Finding(name, THERE, "as the lock files say")
        elif writable:
            yield Finding(name, COMES, "brought by the next ./run")
        else:
            text = f"{layout.ROOT} is not yours to write"
            yield Finding(name, MISSING, text, "clone the project into a folder of your own")


def _service(name: str, variable: str, find) -> Finding:
    if os.environ.get(variable):
        return Finding(name, THERE, f"given in {variable}")
    try:
        return Finding(name, THERE, find().label)
    except LaunchError as error:
        if not setup.packages_are_current() and os.access(layout.ROOT, os.W_OK):
            return Finding(name, COMES, "with the packages, at the next ./run")
        return Finding(name, MISSING, error.message, error.remedy)
