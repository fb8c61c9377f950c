"""``./run test`` and ``./run bench``: services of their own, then the suite or a benchmark."""

import os
import signal
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from billing_site.launch import application, checks, layout, postgres, processes, setup, system
from billing_site.launch.errors import LaunchError
from billing_site.launch.services import throwaway_services
from billing_site.launch.steps import Steps

NO_TESTS = 5  # pytest's exit code
ALONE = "browser or serial"
PHASES = (
    ("side by side", ("-n", "2", "--dist", "worksteal", "-m", f"not ({ALONE})")),
    ("one by one", ("-n", "0", "-m", ALONE)),
)


def run_tests(steps: Steps, arguments: list[str]) -> int:
    """Run the checks and the whole suite, or with arguments just pytest with them.

    :returns: 0 when everything passed and at least one test ran.
    """
    setup.prepare(steps)
    env = _browser_environment(steps)
    failed_checks = [] if arguments else checks.run_checks(steps)
    with (
        throwaway_services(steps, postgres.THROWAWAY) as services,
        tempfile.TemporaryDirectory(prefix="quittance-tests-") as folder,
    ):
        if not services.given_redis:
            env["QUITTANCE_REDIS_PER_WORKER"] = "yes"  # see tests/environment.py
        env = application.environment("test", services, Path(folder), "only-for-tests", env)
        steps.say()
        if arguments:
            return _pytest(arguments, env)
        counts: Counter[str] = Counter()
        codes = []
        for number, (name, options) in enumerate(PHASES):
            report = Path(folder) / f"report-{number}.xml"
            with steps.step(f"tests {name}") as step:
                steps.say()
                codes.append(_pytest([*options, f"--junitxml={report}"], env))
                step.note(_outcome(codes[-1]))
            counts += _counts(report)
    if failed_checks:
        steps.say(f"\nFailed checks: {', '.join(failed_checks)}")
    minutes = steps.total() / 60
    steps.say(f"\nThe whole took {minutes:.1f} minutes.")
    steps.say(
        f"Tests: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"
    )
    ended_well = all(code in (0, NO_TESTS) for code in codes)
    return 0 if ended_well and counts["passed"] and not failed_checks else 1


def run_benchmarks(steps: Steps, arguments: list[str]) -> int:
    """Run the benchmarks, or the one that is named, on a database of their own.

    The database writes to disk as in production: the figures are not those of the tests.

    :returns: the benchmark's exit code.
    """
    setup.prepare(steps)
    with (
        throwaway_services(steps, postgres.MEASURED) as services,
        tempfile.TemporaryDirectory(prefix="quittance-bench-") as folder,
    ):
        env = application.environment("demo", services, Path(folder), "only-for-benchmarks")
        steps.say()
        return _call([layout.PYTHON, "-m", "benchmarks", *arguments], env)


def _browser_environment(steps: Steps) -> dict[str, str]:
    """Bring what the tests need; say what the browser tests do without Chromium."""
    with steps.step("test tools") as step:
        missing = system.bring(system.FOR_TESTS)
        step.note("there" if not missing else "missing: " + ", ".join(n.name for n in missing))
    if missing:
        steps.say(f"    What brings them: {system.install_command(missing)}")
    required = os.environ.get("CI", "").lower() == "true"
    return {
        "QUITTANCE_BROWSER": "required" if required else "optional",
        "CHROMIUM": system.chromium() or "",
    }


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    return _call([layout.PYTHON, "-m", "pytest", *arguments], env)


def _call(argv: list, env: dict[str, str]) -> int:
    """Run a command on this screen.

    :returns: its exit code.
    """
    try:
        called = subprocess.Popen(
            [os.fspath(part) for part in argv],
            env=env,
            cwd=layout.ROOT,
            preexec_fn=processes.end_with_us(signal.SIGTERM),
        )
    except OSError as error:
        raise LaunchError(f"{argv[0]} cannot be started ({error}).") from error
    try:
        return called.wait()
    except BaseException:
        called.terminate()
        try:
            called.wait(10)
        except subprocess.TimeoutExpired:
            called.kill()
        raise


def _outcome(code: int) -> str:
    """What pytest's exit code says; below zero it was ended from outside."""
    if code < 0:
        return f"failed: ended by {signal.Signals(-code).name}"
    return {0: "passed", NO_TESTS: "none"}.get(code, f"failed (exit code {code})")


def _counts(report: Path) -> Counter[str]:
    """Passed, failed and skipped tests of a JUnit report; none when there is no report."""
    counts: Counter[str] = Counter()
    if not report.exists():
        return counts
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314  our own file
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts["failed"] += failed
        counts["skipped"] += skipped
        counts["passed"] += int(suite.get("tests", 0)) - failed - skipped
    return counts
