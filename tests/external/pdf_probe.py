"""Lays out pages, each in a process of its own with bounds, and reports what happened.

Run as ``python -m tests.external.pdf_probe < paths``; prints one JSON object a line. An audit hook
sees every socket and every file that Python opens, whoever asks for it.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

os.environ.setdefault("QUITTANCE_ENV", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings")

MEMORY, CPU_SECONDS, WALL_SECONDS = 1_200 * 1024 * 1024, 12, 60
FORBIDDEN_FILES = ("/etc/quittance-canary", "/etc/shadow", "/etc/passwd", "/etc/hostname")


def main() -> None:
    """Warm up once, then a child for each path of the standard input."""
    import django

    django.setup()
    from invoicing.exports.invoice_pdf import RenderingFailed, render_pdf

    render_pdf("<p>warm</p>")
    for line in sys.stdin:
        path = Path(line.strip())
        page = path.read_text(encoding="utf-8", errors="replace")
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _bounded()
            reached: list[str] = []
            _watch(reached)
            outcome = {"outcome": "rendered"}
            try:
                render_pdf(page)
            except RenderingFailed as refusal:
                outcome = {"outcome": "message", "message": str(refusal)}
            except MemoryError:
                outcome = {"outcome": "bounded", "message": "memory"}
            os.write(writing, json.dumps(outcome | {"reached": reached}).encode())
            os._exit(0)
        os.close(writing)
        print(json.dumps(_outcome(child, reading) | {"path": path.name}), flush=True)


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000_000, 50_000_000))


def _watch(reached: list[str]) -> None:
    def hook(event: str, arguments: tuple) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
            reached.append(f"{event} {arguments!r}"[:300])
        elif event == "open" and str(arguments[0]) in FORBIDDEN_FILES:
            reached.append(f"open {arguments[0]}")

    sys.addaudithook(hook)


def _outcome(child: int, reading: int) -> dict:
    began = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began > WALL_SECONDS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reading)
            return {"outcome": "never ended", "reached": []}
        time.sleep(0.01)
    with os.fdopen(reading, "rb") as report:
        text = report.read()
    if text:
        return json.loads(text)
    kind = "bounded" if os.WIFSIGNALED(status) else "crashed"
    return {"outcome": kind, "message": f"status {status}", "reached": []}


if __name__ == "__main__":
    main()
