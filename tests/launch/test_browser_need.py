"""Without Chromium the browser tests are skipped with the command, and fail where CI runs them."""

import os
import subprocess
import sys

import pytest

from billing_site.launch import layout, system

TEST = "tests/browser/test_browser.py::test_the_browser_runs_scripts"


def run_browser_test(**variables: str) -> subprocess.CompletedProcess:
    dropped = ("CI", "QUITTANCE_BROWSER", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS")
    env = {k: v for k, v in os.environ.items() if k not in dropped}
    env |= {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://h/0"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", TEST, "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=layout.ROOT,
        env=env | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "code", "outcome"),
    [
        ({"CHROMIUM": "/nonexistent", "QUITTANCE_BROWSER": "optional"}, 0, "1 skipped"),
        ({"CHROMIUM": "/nonexistent", "CI": "true"}, 1, "1 error"),
    ],
)
def test_without_chromium(variables, code, outcome):
    done = run_browser_test(**variables)
    assert done.returncode == code, done.stdout + done.stderr
    assert outcome in done.stdout
    assert system.install_command([system.CHROMIUM]) in " ".join(done.stdout.split())
