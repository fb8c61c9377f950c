"""Pages that try to fetch, to read files or to burn: nothing is reached, everything ends (R10)."""

import json
import socket
import subprocess
import sys
import threading

import pytest

from tests.external.shared_data import ROOT, shared_file

PAGES = 40
HIT_PORT = 58999  # the pages of the corpus name it


@pytest.fixture
def hits():
    """Counts connections to the address that the pages try to reach."""
    counted: list[object] = []
    server = socket.create_server(("127.0.0.1", HIT_PORT))
    server.settimeout(0.2)
    over = threading.Event()

    def count() -> None:
        while not over.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            counted.append(address)
            connection.close()

    thread = threading.Thread(target=count)
    thread.start()
    yield counted
    over.set()
    thread.join()
    server.close()


@pytest.mark.requirement("R10")
def test_no_page_reaches_network_or_files_and_every_page_ends(hits):
    folder = shared_file("attacks")
    cases = [
        case
        for case in json.loads((folder / "manifest.json").read_text())
        if case["kind"] == "pdf_html"
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.external.pdf_probe"],
        input="".join(f"{folder / case['path']}\n" for case in cases),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=900,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(results) == len(cases) == PAGES, done.stderr[-2000:]
    assert [result for result in results if result["reached"]] == []
    assert hits == []
    endings = {result["path"]: result["outcome"] for result in results}
    bad = {name: end for name, end in endings.items() if end in ("crashed", "never ended")}
    assert not bad
    assert list(endings.values()).count("rendered") >= 25  # the corpus was really laid out
