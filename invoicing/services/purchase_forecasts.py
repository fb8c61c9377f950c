"""Foretells what importing a checked file would do with each row (H-CB4, H-CB5).

It is the mapping of the import itself, made at the check and written beside the rows. The import
maps again: what changes in between moves rows from waiting to billed or back, and is no reason to
refuse the file.
"""

from django.db.backends.utils import CursorWrapper

from invoicing.models import ImportBatch
from invoicing.services import purchase_sql as sql
from invoicing.services.purchase_mapping import build_mapping

# A quantity is unusually large beyond this many times the median of its product and unit in the
# file, if the file has enough rows of them to tell. A hint: it blocks nothing.
LARGE_TIMES = 1_000
LARGE_LEAST_ROWS = 5


def foretell_rows(cursor: CursorWrapper, batch: ImportBatch) -> None:
    """Write to the new and changed rows the invoice they would go to, or why there is none.

    Counts the reasons, marks and counts unusually large quantities. A constant number of
    statements; inside the transaction of the check.
    """
    parameters = {"batch": batch.pk}
    cursor.execute("SET LOCAL enable_mergejoin = off")  # it would sort every row by its currency
    build_mapping(cursor, sql.STAGED_SOURCE, parameters)
    cursor.execute(sql.KEEP_ROUTED, parameters)
    cursor.execute(sql.FORETELL_INVOICES, parameters)
    cursor.execute(sql.FORETELL_REASONS, parameters)
    cursor.execute(sql.COUNT_FORETOLD)
    batch.rows_waiting = dict(cursor.fetchall())
    limits = {"times": LARGE_TIMES, "least": LARGE_LEAST_ROWS}
    cursor.execute(sql.MARK_LARGE, parameters | limits)
    batch.rows_large = cursor.rowcount
