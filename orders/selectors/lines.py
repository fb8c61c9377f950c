"""What pages show about order lines: circles, missing triggers, the last change."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Max, Prefetch, QuerySet

from orders import rules
from orders.enums import BillStatus, Track
from orders.models import BillStatusEvent, OrderLine
from orders.rules import Circle

PARTS = OrderLine.objects.select_related("item")


@dataclass(frozen=True, slots=True)
class TrackView:
    """One charge of a line as a page shows it."""

    track: Track
    status: BillStatus
    is_applicable: bool
    missing: str  # what it waits for; empty when nothing

    @property
    def words(self) -> str:
        """``Up-front: Ready to Bill``."""
        shown = self.status.label if self.is_applicable else "does not apply"
        return f"{self.track.label}: {shown}"


@dataclass(frozen=True, slots=True)
class LastChange:
    """The newest move of a bill status of a line."""

    at: dt.datetime
    who: str  # empty: the daily run
    what: str


def with_parts(rows: QuerySet) -> QuerySet:
    """Lines with what their circles need: item, routes, and the parts of packages."""
    return rows.select_related("item", "upfront_route", "recurring_route").prefetch_related(
        Prefetch("parts", PARTS)
    )


def circle_of(line: OrderLine) -> Circle:
    """The circle of a line; of a package, of all its parts (D-01, D-12)."""
    lines = [line, *line.parts.all()] if line.item.item_type == "package" else [line]
    return rules.circle_of(
        (one.track_facts(track), one.status_of(track)) for one in lines for track in Track
    )


def tracks_of(line: OrderLine, *, today: dt.date) -> list[TrackView]:
    """Both charges of a line; ``line`` has its item, order and contract."""
    facts = line.facts()
    found = []
    for track in Track:
        charge = line.track_facts(track)
        status = BillStatus(line.status_of(track))
        missing = rules.missing_for_track(charge, facts, today=today)
        waits = missing if status == BillStatus.NOT_BILLED and charge.is_applicable else None
        found.append(TrackView(track, status, charge.is_applicable, waits or ""))
    return found


def last_changes(lines: Iterable[OrderLine]) -> dict[int, LastChange]:
    """The newest bill status event of each line, by line; two queries."""
    newest = (
        BillStatusEvent.objects.filter(line__in=[line.pk for line in lines])
        .order_by()
        .values("line")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    events = BillStatusEvent.objects.filter(pk__in=newest).select_related("actor")
    return {
        event.line_id: LastChange(
            at=event.at,
            who=(event.actor.get_full_name() or event.actor.get_username()) if event.actor else "",
            what=f"{event.get_track_display()}: {event.get_to_status_display()}, "
            f"{event.get_trigger_display().lower()}",
        )
        for event in events
    }


def versions_of(lines: Sequence[OrderLine]) -> dict[int, int]:
    """The newest audit event of each line, as ``version_of`` says it; one query."""
    events = OrderLine.pgh_event_model.objects.filter(  # type: ignore[attr-defined]
        pgh_obj__in=[line.pk for line in lines]
    )
    newest = events.order_by().values_list("pgh_obj").annotate(Max("pgh_id"))
    return dict(newest)
