"""Reads uploads, each in a process of its own with 512 MB and 20 s, and reports what happened.

Run as ``python -m tests.external.upload_probe < paths``; prints one JSON object a line. It imports
no Django, so that the memory it reports is the reader's.
"""

import io
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from billing_site.web.spreadsheets.cells import parse_date, parse_decimal, parse_text
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.errors import CellError, SpreadsheetRefused
from billing_site.web.spreadsheets.marks import needs_mark
from billing_site.web.spreadsheets.reading import open_table
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx

MEMORY, SECONDS = 512 * 1024 * 1024, 20
PARSERS: dict[str, Callable[[str], Any]] = {
    "contract": lambda text: parse_text(text, 100),
    "product": lambda text: parse_text(text, 100),
    "quantity": lambda text: parse_decimal(text, 13, 9),
    "price": lambda text: parse_decimal(text, 13, 9),
    "date": parse_date,
}
COLUMNS = [
    Column("contract", "contract"),
    Column("product", "product"),
    Column("quantity", "quantity", Kind.DECIMAL),
    Column("price", "price", Kind.MONEY),
    Column("date", "date", Kind.DATE),
]


def read(path_or_file: Any, filename: str) -> dict[str, Any]:
    """Outcome ``refused``, ``row_errors`` or ``accepted``; messages, warnings and typed rows."""
    try:
        with open_table(path_or_file, filename) as table:
            places = {cell.key: cell.position for cell in table.header}
            missing = [name for name in PARSERS if name not in places]
            if missing:
                return {"outcome": "refused", "messages": [f"no column {missing[0]}"]}
            rows, messages = [], []
            for number, cells, problems in table.rows():
                bad = {p.position for p in problems}
                messages += [f"row {number}: {p.sentence}" for p in problems]
                values = []
                for name, parse in PARSERS.items():
                    if places[name] in bad:
                        continue
                    try:
                        values.append(parse(cells[places[name]]))
                    except CellError as error:
                        messages.append(f"row {number}, {name}: {error}")
                if len(values) == len(PARSERS) and None not in bad:
                    rows.append(values)
    except SpreadsheetRefused as error:
        return {"outcome": "refused", "messages": [str(error)]}
    return {
        "outcome": "row_errors" if messages else "accepted",
        "messages": messages,
        "warnings": table.warnings,
        "rows": rows,
    }


def export_is_safe(rows: list[list[Any]]) -> bool:
    """No exported text begins a formula, and importing the export gives the same rows."""
    for kind in ("csv", "xlsx"):
        stream = io.BytesIO()
        if kind == "csv":
            write_csv(stream, COLUMNS, rows)
        else:
            write_xlsx(stream, COLUMNS, rows, sheet_title="Export")
        if read(stream, f"export.{kind}").get("rows") != rows:
            return False
        if kind == "csv":
            for _, cells, _ in open_table(stream, "export.csv").rows():
                if any(needs_mark(cell) and cell[0] != "'" for cell in cells[:2]):
                    return False
    return True


def probe(path: str) -> dict[str, Any]:
    """Read one upload in a child process under the bounds of R11."""
    result_end, child_end = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            signal.alarm(SECONDS)
            found = read(path, os.path.basename(path))
            found["export_is_safe"] = export_is_safe(found.pop("rows", []))
            os.write(child_end, json.dumps(found).encode())
        except BaseException as error:
            os.write(
                child_end, json.dumps({"outcome": "exception", "messages": [repr(error)]}).encode()
            )
        os._exit(0)
    os.close(child_end)
    with os.fdopen(result_end, "rb") as stream:
        data = stream.read()
    _, status, usage = os.wait4(child, 0)
    found = json.loads(data) if data else {"outcome": f"killed ({status})", "messages": []}
    return found | {
        "path": path,
        "seconds": time.monotonic() - started,
        "memory": usage.ru_maxrss * 1024,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(probe(line.rstrip("\n"))), flush=True)
