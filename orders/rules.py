"""When a charge is ready to bill, from when it is billed, and how both show as one circle.

Pure: the tables D-01, D-02 and D-12 as code. Dates are days in the firm's time zone.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orders.enums import TRIGGER_DATES

NOT_BILLED, READY, IN_BILLING = "not_billed", "ready", "in_billing"

# Types that no date makes ready: leases come later (D-07), packages move by their children, usage
# is billed from purchases.
WITHOUT_TRIGGER = ("lease", "package", "usage")


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What the bill statuses of a line depend on, beside its tracks."""

    item_type: str
    is_converted: bool
    cli: str = ""
    connection_date: dt.date | None = None
    activation_date: dt.date | None = None
    delivery_date: dt.date | None = None
    completion_date: dt.date | None = None
    contract_start: dt.date | None = None

    @property
    def trigger_date(self) -> dt.date | None:
        """The date of the second trigger; None where the item type has none, or it is empty."""
        field = TRIGGER_DATES.get(self.item_type)
        return getattr(self, field) if field else None


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """One charge of a line."""

    has_route: bool
    charge: Decimal
    do_not_bill: bool = False

    @property
    def is_applicable(self) -> bool:
        """Counts for the circle and can move: a route and a charge (D-11, D-12)."""
        return self.has_route and self.charge != 0


class Missing(StrEnum):
    """What a track still waits for; the value is the sentence for people."""

    NO_ROUTE = "No billing route: the status does not move."
    NO_CHARGE = "No charge."
    DO_NOT_BILL = "Do Not Bill is set."
    CONVERSION = "Waits for the conversion to an asset."
    CLI = "Waits for the CLI."
    CONNECTION = "Waits for the connection date."
    ACTIVATION = "Waits for the activation date."
    DELIVERY = "Waits for the delivery date."
    COMPLETION = "Waits for the completion date."
    FUTURE = "Waits for its date, which is in the future."
    BY_HAND = "Nothing makes this type ready by itself; it is set by hand."


_MISSING_DATE = {
    "connection_date": Missing.CONNECTION,
    "activation_date": Missing.ACTIVATION,
    "delivery_date": Missing.DELIVERY,
    "completion_date": Missing.COMPLETION,
}


def missing_for_line(line: LineFacts, *, today: dt.date) -> Missing | None:
    """Return the first trigger that has not fired, None when both have (D-01)."""
    if not line.is_converted:
        return Missing.CONVERSION
    if line.item_type in WITHOUT_TRIGGER:
        return Missing.BY_HAND
    if line.item_type == "service_with_cli" and not line.cli:
        return Missing.CLI
    date = line.trigger_date
    if date is None:
        return _MISSING_DATE[TRIGGER_DATES[line.item_type]]
    return Missing.FUTURE if date > today else None


def missing_for_track(track: TrackFacts, line: LineFacts, *, today: dt.date) -> Missing | None:
    """Return why a track is not ready to bill, None when it is."""
    if not track.has_route:
        return Missing.NO_ROUTE
    if track.charge == 0:
        return Missing.NO_CHARGE
    if track.do_not_bill:
        return Missing.DO_NOT_BILL
    return missing_for_line(line, today=today)


def due_status(status: str, track: TrackFacts, line: LineFacts, *, today: dt.date) -> str:
    """Return the bill status that events give a track; In Billing is never left by itself.

    >>> line = LineFacts("hardware", True, delivery_date=dt.date(2026, 5, 4))
    >>> due_status("not_billed", TrackFacts(True, Decimal(9)), line, today=dt.date(2026, 5, 4))
    'ready'
    """
    if status == IN_BILLING:
        return IN_BILLING
    return NOT_BILLED if missing_for_track(track, line, today=today) else READY


def computed_bill_start(line: LineFacts) -> dt.date | None:
    """Return the day on which billing begins by default (D-02)."""
    if line.item_type == "service":
        return line.activation_date or line.contract_start
    return line.trigger_date


def effective_bill_start(computed: dt.date | None, override: dt.date | None) -> dt.date | None:
    """Return the override, else the computed start (H-L2)."""
    return override or computed


class Circle(StrEnum):
    """The sign of a line on the sales order grid (L-24..L-27, D-11, D-12)."""

    NONE = "none"  # a grey dash: no track is applicable
    ORANGE = "orange"
    GREEN = "green"


def circle_of(tracks: Iterable[tuple[TrackFacts, str]]) -> Circle:
    """Return green if every applicable track is In Billing, else orange; none without one.

    :param tracks: facts and bill status of each track.
    """
    statuses = [status for track, status in tracks if track.is_applicable]
    if not statuses:
        return Circle.NONE
    return Circle.GREEN if all(s == IN_BILLING for s in statuses) else Circle.ORANGE
