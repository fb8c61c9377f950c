"""The bounds within which an upload is read (R11: at most 20 s and 512 MB)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Caps on an upload; a file beyond one of them is refused with a sentence.

    Sizes are bytes, ``max_cell_length`` is characters (the spreadsheet programs' own limit).
    ``max_unpacked`` bounds the parts of a workbook together, counted while they are inflated;
    ``max_ratio`` bounds how far one part may shrink; ``max_text_memory`` the shared strings held.
    """

    max_csv_bytes: int = 120_000_000
    max_workbook_bytes: int = 20_000_000
    max_rows: int = 1_000_000
    max_columns: int = 200
    max_cell_length: int = 32_767
    max_parts: int = 500
    max_unpacked: int = 100_000_000
    max_ratio: int = 300
    max_elements: int = 12_000_000
    max_text_memory: int = 150_000_000


DEFAULT_LIMITS = Limits()
