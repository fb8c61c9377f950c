"""Data Capture: many lines of one order, changed in one go or not at all (D-04)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from billing_site.kernel.errors import DomainError
from billing_site.web.edits import FieldsRefused
from orders.enums import BillStatus, Track
from orders.services.orders import update_line
from orders.services.statuses import change_billing


@dataclass(frozen=True, slots=True)
class BillingChange:
    """What somebody with ``orders.update_billing`` set by hand on one line (D-03)."""

    statuses: Mapping[Track, BillStatus]
    seen: Mapping[Track, BillStatus]
    bill_start_override: dt.date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Captured:
    """One line as it was typed; ``billing`` None: nothing of it was touched."""

    line_id: int
    version: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    billing: BillingChange | None = None


class CaptureRefused(DomainError):
    """Nothing was stored; ``by_line`` has the sentences by line and field."""

    def __init__(self, by_line: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        self.by_line = by_line
        count = len(by_line)
        super().__init__(
            f"Nothing was saved: {count} {'line needs' if count == 1 else 'lines need'} a look. "
            "What you typed is still below."
        )


@transaction.atomic
def capture_lines(*, rows: Sequence[Captured], by: User, at: dt.datetime) -> int:
    """Store what was typed about lines; how many changed. All or nothing.

    The caller has checked ``orders.change_orderline``, and ``orders.update_billing`` where a row
    has ``billing``.

    :raises CaptureRefused: some line was refused; nothing was stored.
    """
    refused: dict[int, Mapping[str, Sequence[str]]] = {}
    for row in sorted(rows, key=lambda row: row.line_id):
        try:
            with transaction.atomic():
                _store(row, by=by, at=at)
        except FieldsRefused as refusal:
            refused[row.line_id] = refusal.fields
        except DomainError as refusal:
            refused[row.line_id] = {"__all__": [str(refusal)]}
    if refused:
        raise CaptureRefused(refused)
    return len(rows)


def _store(row: Captured, *, by: User, at: dt.datetime) -> None:
    if row.fields:
        update_line(line_id=row.line_id, fields=row.fields, by=by, at=at, version=row.version)
    if row.billing is not None:
        change_billing(
            line_id=row.line_id,
            statuses=row.billing.statuses,
            # what was typed beside may just have moved them, and that is no surprise
            seen={} if row.fields else row.billing.seen,
            bill_start_override=row.billing.bill_start_override,
            reason=row.billing.reason,
            by=by,
            at=at,
        )
