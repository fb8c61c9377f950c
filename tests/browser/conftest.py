"""A real Chromium for the browser tests: the machine's, with nothing from outside.

``./run test`` brings Chromium where it may. Where there is none, the tests are skipped with the
command that brings it, or fail when ``QUITTANCE_BROWSER`` is ``required`` (as it is in CI).
"""

import os
import shutil
from pathlib import Path

import pytest

from billing_site.launch import system

# Playwright keeps an event loop in the thread of the test, which Django would refuse.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

HERE = Path(__file__).parent
OURS = (
    "http://localhost",
    "http://127.0.0.1",
    "data:",
    "blob:",
    "about:",
    "chrome",
)  # its PDF viewer
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items):
    """Everything in this folder is a browser test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; without one the test is skipped, or fails where it is required."""
    found = system.chromium()
    if found is not None and shutil.which(found):
        return found
    command = system.install_command([system.CHROMIUM])
    message = f"There is no Chromium for the browser tests. What brings it: {command}"
    in_ci = "required" if os.environ.get("CI", "").lower() == "true" else "optional"
    if os.environ.get("QUITTANCE_BROWSER", in_ci) == "required":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, chromium):
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {
        **browser_context_args,
        "viewport": {"width": 1440, "height": 900},
        "locale": "en-GB",
        "timezone_id": "UTC",
        "reduced_motion": "reduce",
    }


@pytest.fixture(autouse=True)
def clean_pages(context):
    """Whatever a test does: nothing is asked from outside, no script fails, the CSP holds."""
    faults: list[str] = []

    def note_request(request) -> None:
        if not request.url.startswith(OURS):
            faults.append(f"a page asked for {request.url}")

    def note_message(message) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(message.text)

    context.on("request", note_request)
    context.on("console", note_message)
    context.on("weberror", lambda error: faults.append(f"a script failed: {error.error}"))
    yield
    assert not faults, "\n".join(faults)
