"""Finds the sheet to read in an .xlsx workbook, its shared texts and its date formats."""

import posixpath
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from billing_site.web.spreadsheets.archives import Archive
from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.limits import Limits
from billing_site.web.spreadsheets.tables import Table, shown

_SAVE_AGAIN = "open it in a spreadsheet program and save it again as “Excel workbook (.xlsx)”"
_LONGEST_PIECE = 1_000_000  # bytes of one tag or comment, which the parser has to hold
_MAIN_PART = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def open_workbook(file: BinaryIO, size: int, limits: Limits) -> Table:
    """The first visible sheet of a workbook as a table.

    :raises SpreadsheetRefused: no workbook, dangerous, broken, or beyond a bound.
    """
    from billing_site.web.spreadsheets.sheets import SheetTable, read_header

    workbook = Workbook(Archive(file, size, limits), limits)
    number, header = read_header(workbook, limits)
    table = SheetTable(workbook, header, number, limits)
    if workbook.other_sheets:
        names = ", ".join(shown(name) for name in workbook.other_sheets[:3])
        table.warn(
            "other sheets",
            f"Only the sheet {shown(workbook.sheet_name)} is read, not {names}"
            f"{' and more' if len(workbook.other_sheets) > 3 else ''}: "
            "upload other sheets as files of their own.",
        )
    return table


class Workbook:
    """What the sheet reader needs to know: sheet part, shared texts, date styles, date system."""

    def __init__(self, archive: Archive, limits: Limits) -> None:
        self.archive, self.limits = archive, limits
        self.sheets: list[tuple[str, str, bool]] = []
        self.starts_1904 = False
        self.main_part = self._find_main_part()
        relations = self._relations(self.main_part)
        self._read_sheets()
        visible = [(name, rel) for name, rel, hidden in self.sheets if not hidden]
        if not visible:
            raise SpreadsheetRefused(f"The workbook has no visible sheet: {_SAVE_AGAIN}.")
        self.sheet_name, relation = visible[0]
        self.other_sheets = [name for name, _ in visible[1:]]
        self.sheet_part = relations.get(relation, ("", ""))[1]
        if not self.archive.has(self.sheet_part):
            raise SpreadsheetRefused(
                f"The sheet {shown(self.sheet_name)} is not in the workbook: {_SAVE_AGAIN}."
            )
        parts = dict(relations.values())
        self.date_styles = self._read_date_styles(parts.get("styles", ""))
        self.texts = self._read_texts(parts.get("sharedStrings", ""))

    def _find_main_part(self) -> str:
        types: dict[str, str] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Override":
                types[attributes.get("ContentType", "")] = attributes.get("PartName", "")

        if not self.archive.has("[Content_Types].xml"):
            raise SpreadsheetRefused(f"The file is no Excel workbook: {_SAVE_AGAIN}.")
        parse(self.archive, "[Content_Types].xml", start)
        if any("macroEnabled" in kind for kind in types):
            raise SpreadsheetRefused(
                "The workbook is made for macros: save it as “Excel workbook (.xlsx)”."
            )
        part = types.get(_MAIN_PART, "").lstrip("/")
        if not part or not self.archive.has(part):
            raise SpreadsheetRefused(f"The file is no Excel workbook: {_SAVE_AGAIN}.")
        return part

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Relation id -> (last word of its type, part name); external ones are left out."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                target = target if target.startswith("/") else posixpath.join(folder, target)
                kind = attributes.get("Type", "").rsplit("/", 1)[-1]
                found[attributes.get("Id", "")] = (kind, posixpath.normpath(target).lstrip("/"))

        parse(self.archive, posixpath.join(folder, "_rels", name + ".rels"), start)
        return found

    def _read_sheets(self) -> None:
        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "sheet":
                relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
                hidden = attributes.get("state", "visible") != "visible"
                self.sheets.append((attributes.get("name", ""), relation, hidden))
            elif tag == "workbookPr":
                self.starts_1904 = attributes.get("date1904") in ("1", "true")

        parse(self.archive, self.main_part, start)

    def _read_date_styles(self, part: str) -> frozenset[str]:
        """The style numbers (as the sheet writes them) that show a number as a date or time."""
        formats = {str(k): v for k, v in BUILTIN_FORMATS.items()}
        formats.update({str(n): "yyyy-mm-dd" for n in [*range(27, 37), *range(50, 59)]})
        styles: set[str] = set()
        inside, count = False, 0

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal inside, count
            if tag == "numFmt":
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:255]
            elif tag == "cellXfs":
                inside = True
            elif tag == "xf" and inside:
                if is_date_format(formats.get(attributes.get("numFmtId", "0"), "General")):
                    styles.add(str(count))
                count += 1

        def end(tag: str) -> None:
            nonlocal inside
            if tag == "cellXfs":
                inside = False

        if self.archive.has(part):
            parse(self.archive, part, start, end)
        return frozenset(styles)

    def _read_texts(self, part: str) -> list[str]:
        texts: list[str] = []
        pieces: list[str] = []
        memory, length, depth, wanted = 0, 0, 0, False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal length, depth, wanted
            if tag == "si":
                pieces.clear()
                length = 0
            elif tag == "rPh":
                depth += 1
            wanted = tag == "t" and depth == 0

        def end(tag: str) -> None:
            nonlocal memory, depth, wanted
            wanted = False
            if tag == "rPh":
                depth -= 1
            elif tag == "si":
                text = "".join(pieces)
                memory += 57 + 2 * len(text)
                if memory > self.limits.max_text_memory:
                    raise SpreadsheetRefused(
                        "The workbook holds more text than is read at once: save it as CSV."
                    )
                texts.append(text)

        def characters(data: str) -> None:
            nonlocal length
            if wanted:
                length += len(data)
                if length > self.limits.max_cell_length:
                    raise SpreadsheetRefused(
                        f"The workbook holds a text of more than {self.limits.max_cell_length:,} "
                        f"characters, {shown(''.join(pieces))}: shorten it."
                    )
                pieces.append(data)

        if self.archive.has(part):
            parse(self.archive, part, start, end, characters)
        return texts


def parse(
    archive: Archive,
    part: str,
    start: Callable[[str, dict[str, str]], Any],
    end: Callable[[str], Any] | None = None,
    characters: Callable[[str], Any] | None = None,
) -> None:
    """Read one XML part to its end; tags are given without their namespace prefix."""

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        start(tag.rpartition(":")[2], attributes)

    def on_end(tag: str) -> None:
        if end is not None:
            end(tag.rpartition(":")[2])

    for _ in parse_stepwise(archive, part, on_start, on_end, characters):
        pass


def parse_stepwise(
    archive: Archive,
    part: str,
    start: Callable[[str, dict[str, str]], Any],
    end: Callable[[str], Any],
    characters: Callable[[str], Any] | None = None,
) -> Iterator[None]:
    """Read one XML part, yielding after each block so that the caller can take what it collected.

    Tags are given as they are written, with their namespace prefix. A document type declaration
    is refused: no entity of the file's own is expanded, nothing outside the file is fetched.

    :raises SpreadsheetRefused: broken XML, a document type, an endless tag.
    """
    parser = expat.ParserCreate()
    fed = 0

    def on_doctype(*_: Any) -> None:
        raise SpreadsheetRefused(
            f"The part {shown(part)} of the workbook holds a document type declaration, as hostile "
            f"files do: {_SAVE_AGAIN}."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    if characters is not None:
        parser.CharacterDataHandler = characters
        parser.buffer_text = True
    parser.StartDoctypeDeclHandler = on_doctype
    parser.EntityDeclHandler = on_doctype
    try:
        for block in archive.inflate(part):
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > _LONGEST_PIECE:
                raise SpreadsheetRefused(
                    f"The part {shown(part)} of the workbook holds one endless piece, as hostile "
                    f"files do: {_SAVE_AGAIN}."
                )
            yield
        parser.Parse(b"", True)
        yield
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SpreadsheetRefused(
            f"The part {shown(part)} of the workbook is broken XML: {_SAVE_AGAIN}."
        ) from error
