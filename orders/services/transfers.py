"""Transfer to Billing: Ready to Bill becomes In Billing on one platform (L-41, X-10, X-11)."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from billing_site.web.models import Job
from inventory.models import BillingPlatform
from orders.enums import BillStatus, StatusTrigger, Track
from orders.errors import TransferRefused
from orders.models import OrderLine, TransferBatch


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """One selected line: the tracks that moved, or why none did."""

    line_id: int
    label: str
    tracks: tuple[Track, ...] = ()
    refusal: str = ""

    @property
    def note(self) -> str:
        """``Up-front and Recurring``."""
        return " and ".join(track.label for track in self.tracks)


@transaction.atomic
def begin_transfer(
    *, platform_id: int, by: User, at: dt.datetime, job: Job | None = None
) -> TransferBatch:
    """The batch that the transferred lines of one go belong to; a job has one, however often
    it is resumed.

    :raises TransferRefused: the platform is ourselves: in-house charges are billed by invoicing.
    """
    platform = BillingPlatform.objects.get(pk=platform_id)
    if platform.is_in_house:
        raise TransferRefused(
            f"{platform} is billed by Quittance itself: its charges are picked up by invoicing. "
            "Choose another billing route."
        )
    if job is not None:
        known = TransferBatch.objects.filter(job=job).first()
        if known is not None:
            return known
    return TransferBatch.objects.create(platform=platform, by=by, at=at, job=job)


@transaction.atomic
def transfer_lines(
    *, batch: TransferBatch, line_ids: Collection[int], at: dt.datetime
) -> list[TransferOutcome]:
    """Move the tracks of these lines that have the batch's route and are Ready to Bill.

    Tracks on another route stay as they are. Two people at once, or the same twice: the lines are
    locked in one order, and each track moves once. Three queries and one per track, for any
    number of lines. Outcomes come in the order of the primary keys.
    """
    lines = list(
        OrderLine.objects.filter(pk__in=line_ids)
        .select_related("order")
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    moved: dict[int, list[Track]] = {line.pk: [] for line in lines}
    for track in Track:
        ids = [line.pk for line in lines if _is_ready(line, track, batch.platform_id)]
        if ids:
            count = OrderLine.objects.filter(pk__in=ids).record_moves(
                track=track,
                source=BillStatus.READY,
                target=BillStatus.IN_BILLING,
                trigger=StatusTrigger.TRANSFER,
                actor_id=batch.by_id,
                batch_id=batch.pk,
                at=at,
            )
            assert count == len(ids), f"{len(ids)} tracks were locked, {count} moved"
        for pk in ids:
            moved[pk].append(track)
    return [
        TransferOutcome(
            line_id=line.pk,
            label=str(line),
            tracks=tuple(moved[line.pk]),
            refusal="" if moved[line.pk] else _why_not(line, batch.platform),
        )
        for line in lines
    ]


def _is_ready(line: OrderLine, track: Track, platform_id: int) -> bool:
    return (
        getattr(line, f"{track.value}_route_id") == platform_id
        and line.status_of(track) == BillStatus.READY
    )


def _why_not(line: OrderLine, platform: BillingPlatform) -> str:
    routed = [t for t in Track if getattr(line, f"{t.value}_route_id") == platform.pk]
    if not routed:
        return f"None of its charges has the route {platform}."
    states = ", ".join(f"{t.label} is {BillStatus(line.status_of(t)).label}" for t in routed)
    return f"Nothing of it is Ready to Bill on {platform}: {states}."
