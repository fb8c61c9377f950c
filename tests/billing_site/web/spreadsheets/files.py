"""Builds the workbooks and text files that the tests read, the hostile ones included."""

import io
import zipfile

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

HEADER = ("contract", "product", "quantity", "price", "date")


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def header_row(names=HEADER, number: int = 1) -> str:
    cells = "".join(text_cell(f"{chr(65 + i)}{number}", name) for i, name in enumerate(names))
    return f'<row r="{number}">{cells}</row>'


def sheet_xml(rows: str, before: str = "", after: str = "") -> str:
    return (
        f'<worksheet xmlns="{NAMESPACE}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    )


def parts(sheet: str | bytes, **more: str | bytes) -> dict[str, str | bytes]:
    """The parts of a small workbook; ``more`` replaces or adds parts by a short name."""
    named = {
        "types": "[Content_Types].xml",
        "workbook": "xl/workbook.xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "styles": "xl/styles.xml",
        "texts": "xl/sharedStrings.xml",
    }
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{MAIN}"/></Types>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}"><sheets>'
            '<sheet name="Usage" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/s.xml"/>'
            f'<Relationship Id="rId2" Type="{RELATIONS}/styles" Target="styles.xml"/>'
            f'<Relationship Id="rId3" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>"
        ),
        "xl/worksheets/s.xml": sheet,
    }
    content.update({named.get(name, name): data for name, data in more.items()})
    return content


def workbook(sheet: str | bytes, **more: str | bytes) -> io.BytesIO:
    return zipped(parts(sheet, **more))


def zipped(content: dict[str, str | bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    stream.seek(0)
    return stream


def csv_file(text: str | bytes, encoding: str = "utf-8") -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding))
