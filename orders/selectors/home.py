"""The work stacks: how many order lines wait for somebody, and for what (L-13, D-14)."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, F

from inventory.models import BillingPlatform
from orders.enums import BillStatus
from orders.models import OrderLine

AGED_DAYS = 7


@dataclass(frozen=True, slots=True)
class WorkStacks:
    """Numbers of order lines; a line with two charges on one stack counts once."""

    ready: tuple[tuple[BillingPlatform, int], ...]
    conversion: int
    cli: int
    dates: tuple[tuple[str, int], ...]  # item type, lines that lack the date of the type
    future: int
    by_hand: int
    do_not_bill: int
    aged: int


def work_stacks(*, at: dt.datetime, today: dt.date) -> WorkStacks:
    """Eleven queries, each answered by a partial index over the lines that wait.

    :param at: now; lines ready for more than ``AGED_DAYS`` days before it are aged.
    :param today: in the firm's time zone.
    """
    lines = OrderLine.objects.order_by()
    of_type = lines.waiting_for_date().values_list("item__item_type").annotate(lines=Count("*"))
    return WorkStacks(
        ready=_ready_by_platform(),
        conversion=lines.waiting_for_conversion().count(),
        cli=lines.waiting_for_cli().count(),
        dates=tuple(of_type.order_by("item__item_type")),
        future=lines.waiting_for_future(today).count(),
        by_hand=lines.waiting_for_hand().count(),
        do_not_bill=lines.do_not_bill().count(),
        aged=lines.aged(at, days=AGED_DAYS).count(),
    )


def _ready_by_platform() -> tuple[tuple[BillingPlatform, int], ...]:
    """Lines with a charge that is Ready to Bill on a platform; both charges there count once."""
    lines, counts = OrderLine.objects.order_by(), Counter[int]()
    up_front = lines.filter(upfront_status=BillStatus.READY, upfront_route__isnull=False)
    recurring = lines.filter(recurring_status=BillStatus.READY, recurring_route__isnull=False)
    both = up_front.filter(recurring_status=BillStatus.READY, recurring_route=F("upfront_route"))
    for rows, route, sign in (
        (up_front, "upfront_route", 1),
        (recurring, "recurring_route", 1),
        (both, "upfront_route", -1),
    ):
        for platform_id, number in rows.values_list(route).annotate(lines=Count("*")):
            counts[platform_id] += sign * number
    platforms = BillingPlatform.objects.filter(pk__in=counts)
    return tuple((platform, counts[platform.pk]) for platform in platforms)
