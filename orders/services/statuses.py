"""Bill statuses: moved by events, by the daily run, and by hand (D-01..D-03, L-16..L-22, L-29)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Min
from django_fsm import TransitionNotAllowed

from billing_site.web.edits import FieldsRefused, save_valid
from orders import rules
from orders.enums import BillStatus, StatusTrigger, Track
from orders.errors import LINE_SENTENCES, StatusRefused
from orders.models import BillStatusEvent, OrderLine

BATCH_SIZE = 1000
Moves = dict[tuple[Track, BillStatus, BillStatus], list[int]]


@transaction.atomic
def refresh_statuses(
    *,
    line_ids: Collection[int],
    trigger: StatusTrigger,
    by: User | None,
    at: dt.datetime,
    today: dt.date,
) -> int:
    """Give the tracks of these lines the status that the rules give them; how many moved.

    Also fills in the computed bill start (D-02), of their packages too. What is In Billing stays.
    A constant number of queries for any number of lines; repeating it changes nothing.

    :param today: in the firm's time zone.
    """
    lines = OrderLine.objects.filter(pk__in=line_ids).locked()
    moves: Moves = defaultdict(list)
    restarted = []
    for line in lines:
        facts = line.facts()
        for track in Track:
            status = BillStatus(line.status_of(track))
            due = rules.due_status(status, line.track_facts(track), facts, today=today)
            if due != status:
                moves[track, status, BillStatus(due)].append(line.pk)
        start = rules.computed_bill_start(facts)
        if line.item.item_type != "package" and line.bill_start_computed != start:
            line.bill_start_computed = start
            restarted.append(line)
    moved = _record(moves, trigger=trigger, at=at, actor_id=by.pk if by else None)
    OrderLine.objects.bulk_update(restarted, ["bill_start_computed"], batch_size=BATCH_SIZE)
    _restart_packages({line.package_id for line in restarted if line.package_id})
    return moved


def fire_due_dates(*, at: dt.datetime, today: dt.date) -> int:
    """The daily run: lines whose date has come become Ready to Bill; how many tracks moved.

    One transaction per ``BATCH_SIZE`` lines. Safe to repeat and to run at the same time.

    :param today: in the firm's time zone.
    """
    moved = last = 0
    due = OrderLine.objects.due_on(today).order_by("pk")
    while ids := list(due.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH_SIZE]):
        moved += refresh_statuses(
            line_ids=ids, trigger=StatusTrigger.DATE, by=None, at=at, today=today
        )
        last = ids[-1]
    return moved


@transaction.atomic
def change_billing(
    *,
    line_id: int,
    statuses: Mapping[Track, BillStatus],
    bill_start_override: dt.date | None,
    reason: str,
    by: User,
    at: dt.datetime,
    seen: Mapping[Track, BillStatus] | None = None,
) -> OrderLine:
    """Set bill statuses and the Bill Start Override by hand (L-29, H-L2, D-03).

    The caller has checked ``orders.update_billing``. A status set by hand stays until an event of
    the line moves it on; In Billing until somebody sets it back.

    :param statuses: the wanted status of each track; what is as it was is left alone.
    :param seen: the statuses that the person saw.
    :raises FieldsRefused: no reason.
    :raises StatusRefused: a status moved since the person looked, or the charge has no route (D-11).
    """
    line = OrderLine.objects.filter(pk=line_id).locked()[0]
    for track, status in (seen or {}).items():
        if line.status_of(track) != status:
            now = BillStatus(line.status_of(track)).label
            raise StatusRefused(
                f"The {track.label.lower()} status of {line} is {now} meanwhile. Look at it again, "
                "then save."
            )
    wanted = {t: s for t, s in statuses.items() if line.status_of(t) != s}
    if not wanted and line.bill_start_override == bill_start_override:
        return line
    if not reason.strip():
        raise FieldsRefused(
            {"reason": ["Say why the billing of this line is changed by hand."]}, OrderLine
        )
    if line.bill_start_override != bill_start_override:
        line.bill_start_override = bill_start_override
        save_valid(line, sentences=LINE_SENTENCES, update_fields=["bill_start_override"])
    events = []
    for track, target in wanted.items():
        source = line.status_of(track)
        if target != BillStatus.NOT_BILLED and not line.track_facts(track).is_applicable:
            raise StatusRefused(
                f"The {track.label.lower()} charge of {line} has no billing route or no amount, so "
                "it has no bill status. Give it a route first."
            )
        try:
            line.move(track, target)
        except TransitionNotAllowed as error:
            raise StatusRefused(f"{line} cannot become {target.label}.") from error
        events.append(
            BillStatusEvent(
                line=line,
                track=track,
                from_status=source,
                to_status=target,
                trigger=StatusTrigger.MANUAL,
                reason=reason.strip(),
                actor=by,
                at=at,
            )
        )
    BillStatusEvent.objects.bulk_create(events)
    return line


@transaction.atomic
def mark_in_billing(
    *,
    line_ids: Collection[int],
    track: Track,
    trigger: StatusTrigger,
    by: User | None,
    at: dt.datetime,
) -> int:
    """In-house charges that were invoiced or put on a subscription (D-10); how many moved.

    Only tracks that are Ready to Bill move; one without a route has no status to move (D-11).
    """
    lines = OrderLine.objects.filter(pk__in=line_ids)
    lines.locked()
    return lines.record_moves(
        track=track,
        source=BillStatus.READY,
        target=BillStatus.IN_BILLING,
        trigger=trigger,
        actor_id=by.pk if by else None,
        at=at,
    )


def _record(moves: Moves, **facts: Any) -> int:
    return sum(
        OrderLine.objects.filter(pk__in=ids).record_moves(
            track=track, source=source, target=target, **facts
        )
        for (track, source, target), ids in moves.items()
    )


def _restart_packages(package_ids: Collection[int]) -> None:
    """A package begins with its earliest part (D-02)."""
    if not package_ids:
        return
    earliest = dict(
        OrderLine.objects.filter(package__in=package_ids)
        .order_by()
        .values_list("package")
        .annotate(Min("bill_start_computed"))
    )
    packages = [OrderLine(pk=pk, bill_start_computed=start) for pk, start in earliest.items()]
    OrderLine.objects.bulk_update(packages, ["bill_start_computed"])
