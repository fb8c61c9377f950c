"""The whole product for a browser test: web and worker as processes on a database of their own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from playwright.sync_api import Page, expect

ROOT = Path(settings.BASE_DIR)
STARTS_WITHIN = 90.0
STOPS_WITHIN = 20.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _database_url() -> str:
    given = connection.settings_dict
    login = quote(given["USER"], safe="")
    if given["PASSWORD"]:
        login += ":" + quote(given["PASSWORD"], safe="")
    host = quote(given["HOST"], safe="")  # the folder of a socket has slashes
    if given["PORT"]:
        host += f":{given['PORT']}"
    return f"postgresql://{login}@{host}/{given['NAME']}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def log_in(page: Page, address: str, username: str, password: str) -> None:
    """By the form, to the overview."""
    page.goto(f"{address}/login/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title(re.compile("Overview"))


@contextmanager
def running_product(folder: Path) -> Iterator[str]:
    """The address of the running product; web and worker are stopped afterwards."""
    port = _free_port()
    env = os.environ | {
        "QUITTANCE_ENV": "test",
        "DATABASE_URL": _database_url(),
        "REDIS_URL": settings.ENV.redis_url,
        "DATA_DIR": str(folder),
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    (folder / "static").mkdir(exist_ok=True)
    web = [sys.executable, "-m", "gunicorn", "billing_site.wsgi", "--bind", f"127.0.0.1:{port}"]
    worker = [sys.executable, "-m", "celery", "-A", "billing_site.celery", "worker"]
    commands = {
        "web": [*web, "--threads", "4", "--no-control-socket"],
        "worker": [*worker, "-Q", "calculation,documents,default", "--concurrency", "1"],
    }
    processes = []
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
                )
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + STARTS_WITHIN
        while not _answers(f"{address}/healthz"):
            assert processes[0].poll() is None, (folder / "web.log").read_text()
            assert time.monotonic() < deadline, "the web server did not answer in time"
            time.sleep(0.2)
        yield address
    except BaseException as error:  # what the product said tells more than what the page showed
        for name in commands:
            error.add_note(f"{name}:\n{(folder / f'{name}.log').read_text()[-4000:]}")
        raise
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
