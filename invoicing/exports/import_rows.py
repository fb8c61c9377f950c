"""The rows of a checked file as a file: verdict, forecast and what the row states (H-CB4, H-CB5)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from billing_site.web.list_parts import Export
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.writing import write_csv, write_xlsx
from invoicing.models import ImportRow
from invoicing.selectors.imports import LARGE_WORDS, ForetoldRow


def _values(foretold: ForetoldRow) -> Sequence[Any]:
    row, invoice = foretold
    return (
        row.number,
        row.get_verdict_display(),
        str(invoice) if invoice else "",
        row.get_unmapped_reason_display() if row.unmapped_reason else "",
        LARGE_WORDS if row.is_large else "",
        row.reference,
        row.customer_code,
        row.product_code,
        row.label,
        row.quantity,
        row.unit,
        row.unit_price_override,
        row.total_override,
        row.currency,
        row.purchased_at,
        _note(row),
    )


ROWS = Export(
    columns=(
        Column("number", "Row", Kind.INTEGER),
        Column("verdict", "Verdict"),
        Column("invoice", "Would be billed on"),
        Column("unmapped_reason", "Would wait because"),
        Column("is_large", "Hint"),
        Column("reference", "Reference"),
        Column("customer_code", "Customer code"),
        Column("product_code", "Product code"),
        Column("label", "Label"),
        Column("quantity", "Quantity", Kind.DECIMAL),
        Column("unit", "Unit"),
        Column("unit_price_override", "Unit price", Kind.DECIMAL),
        Column("total_override", "Stated total", Kind.MONEY),
        Column("currency", "Currency"),
        Column("purchased_at", "When", Kind.DATETIME),
        Column("note", "Note"),
    ),
    values=_values,
    currency="row__currency",
)


def write_import_rows(
    stream: BinaryIO,
    rows: Iterable[ForetoldRow],
    *,
    file_format: str,
    time_zone: dt.tzinfo,
) -> int:
    """Write the rows, as ``csv`` or ``xlsx``; how many there were."""
    told = (ROWS.row(row) for row in rows)
    if file_format == "csv":
        return write_csv(stream, ROWS.columns, told, time_zone=time_zone)
    return write_xlsx(stream, ROWS.columns, told, sheet_title="Rows", time_zone=time_zone)


def _note(row: ImportRow) -> str:
    """Why the row is ignored, or all that is wrong with it."""
    errors = [f"Column {column}: {said}" if column else said for column, said in row.errors]
    return "\n".join(errors) if errors else row.note
