"""Opens the zip archive of a workbook within bounds: nothing is unpacked to disk.

The directory is bounded before Python's ``zipfile`` reads it, and every part is counted while it
is inflated, because the sizes that an archive states can lie.
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
from billing_site.web.spreadsheets.tables import shown

_END = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_MAX_DIRECTORY = 1_000_000
_RATIO_FREE = 1_000_000  # parts up to this size may shrink as far as they like
_SAVE_AGAIN = "open it in a spreadsheet program and save it again as “Excel workbook (.xlsx)”"
_BLOCK = 1 << 16


class Archive:
    """The parts of a workbook, by name.

    :raises SpreadsheetRefused: from every method, when the archive is broken or beyond a bound.
    """

    def __init__(self, file: BinaryIO, size: int, limits: Limits) -> None:
        self.limits = limits
        self.inflated = 0
        _check_directory(file, size, limits)
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
            raise SpreadsheetRefused(f"The workbook is damaged: {_SAVE_AGAIN}.") from error
        self._check_parts()

    def has(self, name: str) -> bool:
        return name in self.zip.NameToInfo

    def inflate(self, name: str) -> Iterator[bytes]:
        """The content of one part, block by block, counted against the bounds."""
        part = 0
        try:
            info = self.zip.getinfo(name)
            with self.zip.open(info) as stream:
                while block := stream.read(_BLOCK):
                    part += len(block)
                    self.inflated += len(block)
                    if part > _RATIO_FREE and part > info.compress_size * self.limits.max_ratio:
                        raise SpreadsheetRefused(_bomb())
                    if part > self.limits.max_unpacked:
                        raise SpreadsheetRefused(_too_large(part, self.limits))
                    yield block
        except KeyError as error:
            raise SpreadsheetRefused(
                f"The workbook lacks its part {shown(name)}: {_SAVE_AGAIN}."
            ) from error
        # zipfile raises NotImplementedError for a compression that it does not know
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise SpreadsheetRefused(
                f"The part {shown(name)} of the workbook is damaged: {_SAVE_AGAIN}."
            ) from error

    def _check_parts(self) -> None:
        infos = self.zip.infolist()
        names: set[str] = set()
        for info in infos:
            name = info.filename
            if (
                name.startswith(("/", "\\"))
                or "\\" in name
                or ":" in name
                or ".." in name.split("/")
                or "\0" in name
            ):
                raise SpreadsheetRefused(
                    f"The workbook holds a part with the unsafe name {shown(name)}: {_SAVE_AGAIN}."
                )
            if name.lower() in names:
                raise SpreadsheetRefused(
                    f"The workbook holds the part {shown(name)} twice: {_SAVE_AGAIN}."
                )
            names.add(name.lower())
            if info.flag_bits & 0x1:
                raise SpreadsheetRefused(
                    "The workbook is protected by a password: save it without one."
                )
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise SpreadsheetRefused(f"The workbook is packed in a rare way: {_SAVE_AGAIN}.")
            if "vbaproject" in name.lower() or "/macrosheets/" in name.lower():
                raise SpreadsheetRefused(
                    "The workbook holds macros: save it as “Excel workbook (.xlsx)”, without macros."
                )
            if (
                info.file_size > _RATIO_FREE
                and info.file_size > max(info.compress_size, 1) * self.limits.max_ratio
            ):
                raise SpreadsheetRefused(_bomb())
        unpacked = sum(info.file_size for info in infos)
        if unpacked > self.limits.max_unpacked:
            raise SpreadsheetRefused(_too_large(unpacked, self.limits))


def _check_directory(file: BinaryIO, size: int, limits: Limits) -> None:
    """Bound the archive's directory by its end record, before anything reads the directory."""
    window = min(size, 65_557)
    file.seek(-window, os.SEEK_END)
    tail = file.read(window)
    file.seek(0)
    found = tail.rfind(_END)
    if found < 0 or len(tail) - found < 22:
        raise SpreadsheetRefused(f"The workbook is cut off or damaged: {_SAVE_AGAIN}.")
    parts, directory = struct.unpack("<HL", tail[found + 10 : found + 16])
    if tail[max(found - 20, 0) : found].startswith(_ZIP64_LOCATOR):
        raise SpreadsheetRefused(f"The workbook is packed in a rare way: {_SAVE_AGAIN}.")
    if parts > limits.max_parts or directory > _MAX_DIRECTORY:
        raise SpreadsheetRefused(
            f"The workbook has {parts:,} parts, at most {limits.max_parts:,} are read: copy the "
            "table alone into a new workbook, or save it as CSV."
        )


def _too_large(size: int, limits: Limits) -> str:
    return (
        f"The workbook unpacks to {size / 1e6:,.0f} MB or more, at most "
        f"{limits.max_unpacked / 1e6:,.0f} MB are read: save the table as CSV, or split it."
    )


def _bomb() -> str:
    return (
        "The workbook unpacks to an unusual size, as hostile files do: copy the table alone into "
        "a new workbook, or save it as CSV."
    )
