"""Opens an upload as a table, or refuses it with a sentence."""

import os
import re
from pathlib import Path
from typing import BinaryIO

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import DEFAULT_LIMITS, Limits
from billing_site.web.spreadsheets.tables import Table, shown
from billing_site.web.spreadsheets.text_files import open_csv
from billing_site.web.spreadsheets.workbooks import open_workbook

_UNSAFE_NAME = re.compile(
    r"""['"`;<>\\/|*?:\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"""
)
_FORMS = (
    (b"PK\x03\x04", "is an Excel workbook or a zip archive"),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "is an old .xls workbook or a workbook with a password"),
    (b"%PDF", "is a PDF document"),
    (b"MZ", "is a program"),
    (b"\x7fELF", "is a program"),
    (b"\x89PNG", "is a picture"),
    (b"GIF8", "is a picture"),
    (b"\xff\xd8\xff", "is a picture"),
    (b"\x1f\x8b", "is a compressed file"),
    (b"7z\xbc\xaf", "is a compressed archive"),
    (b"Rar!", "is a compressed archive"),
    (b"{\\rtf", "is a text document"),
)


def open_table(
    source: str | os.PathLike | BinaryIO, filename: str, limits: Limits = DEFAULT_LIMITS
) -> Table:
    """Open an uploaded .csv or .xlsx file.

    :param source: a path, or a binary file that can seek; it stays open and is the caller's to
        close, after the last row is read. A path is opened here and closed by ``Table.close()``
        (or by using the table in a ``with`` statement).
    :param filename: the name that the user gave; its ending must fit the content.
    :raises SpreadsheetRefused: the file is not what it says, is too large, or is dangerous.
    """
    _check_name(filename)
    kind = Path(filename).suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise SpreadsheetRefused(
            f"{shown(filename)} is not a .csv or .xlsx file: save the table as "
            "“CSV UTF-8 (.csv)” or “Excel workbook (.xlsx)” and upload that."
        )
    owned = isinstance(source, str | os.PathLike)
    file: BinaryIO = Path(source).open("rb") if owned else source  # type: ignore[arg-type, assignment]  # noqa: SIM115
    try:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(0)
        if size == 0:
            raise SpreadsheetRefused("The file is empty: choose a file that holds a table.")
        cap = limits.max_csv_bytes if kind == ".csv" else limits.max_workbook_bytes
        if size > cap:
            advice = "split it" if kind == ".csv" else "split it, or save it as CSV"
            raise SpreadsheetRefused(
                f"The file has {size / 1e6:,.1f} MB, at most {cap / 1e6:,.0f} MB are read: {advice}."
            )
        _check_form(file.read(512), kind)
        table = open_csv(file, limits) if kind == ".csv" else open_workbook(file, size, limits)
    except BaseException:
        if owned:
            file.close()
        raise
    table.owned_file = file if owned else None
    return table


def _check_name(filename: str) -> None:
    if len(filename) > 200 or _UNSAFE_NAME.search(filename):
        raise SpreadsheetRefused(
            f"The file name {shown(filename)} is too long or holds quotes, semicolons, slashes, "
            "angle brackets, “&”, “=” or invisible characters: rename the file, with letters, digits, blanks, dots and dashes."
        )


def _check_form(start: bytes, kind: str) -> None:
    """Refuse a file whose first bytes do not fit its name."""
    found = next((words for magic, words in _FORMS if start.startswith(magic)), None)
    if kind == ".xlsx":
        if start.startswith(b"PK\x03\x04"):
            return
        raise SpreadsheetRefused(
            f"The file is named .xlsx but {found or 'is no Excel workbook'}: open it in a "
            "spreadsheet program and save it as “Excel workbook (.xlsx)” without a password."
        )
    if found is None and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        found = "is a web page or XML document"
    if found:
        raise SpreadsheetRefused(
            f"The file is named .csv but {found}: save the table as “CSV UTF-8 (.csv)”."
        )
