"""Sets of sales orders and their lines, in the words of billing, and their set-based moves."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast

from orders.enums import TRIGGER_DATES, BillStatus, Track

WITH_CLI = "service_with_cli"
# A routed charge that is Not Billed and not marked Do Not Bill; partial indexes have it too.
WAITING = Q(
    upfront_status=BillStatus.NOT_BILLED,
    upfront_route__isnull=False,
    upfront_price__gt=0,
    upfront_do_not_bill=False,
) | Q(
    recurring_status=BillStatus.NOT_BILLED,
    recurring_route__isnull=False,
    recurring_price__gt=0,
    recurring_do_not_bill=False,
)


class SalesOrderQuerySet(models.QuerySet):
    """Sets of sales orders."""

    def matching(self, text: str) -> "SalesOrderQuerySet":
        """Orders whose number or customer reference begins with, or customer holds, ``text``."""
        return self.filter(
            Q(number__istartswith=text)
            | Q(customer_reference__istartswith=text)
            | Q(customer__name__icontains=text)
        )


class OrderLineQuerySet(models.QuerySet):
    """Sets of order lines."""

    def locked(self) -> list[Any]:
        """The lines with what the rules look at, under locks taken in the order of their keys."""
        rows = self.select_related("item", "order__contract").order_by("pk")
        return list(rows.select_for_update(of=("self",)))

    def converted(self) -> "OrderLineQuerySet":
        return self.filter(asset__isnull=False)

    def not_converted(self) -> "OrderLineQuerySet":
        return self.filter(asset__isnull=True)

    def nowhere_in_billing(self) -> "OrderLineQuerySet":
        """Lines none of whose charges is In Billing (D-09)."""
        return self.exclude(
            Q(upfront_status=BillStatus.IN_BILLING) | Q(recurring_status=BillStatus.IN_BILLING)
        )

    def with_ready_track(self) -> "OrderLineQuerySet":
        """Lines of the Billing Export: a track is Ready to Bill, whatever its route (L-34)."""
        return self.filter(
            Q(upfront_status=BillStatus.READY) | Q(recurring_status=BillStatus.READY)
        )

    def ready_for(self, platform_id: int) -> "OrderLineQuerySet":
        """Lines with a track that is Ready to Bill and has this route (L-36, X-11)."""
        return self.filter(
            Q(upfront_status=BillStatus.READY, upfront_route=platform_id)
            | Q(recurring_status=BillStatus.READY, recurring_route=platform_id)
        )

    def do_not_bill(self) -> "OrderLineQuerySet":
        """Lines with a track that is never to be billed (D-13)."""
        return self.filter(Q(upfront_do_not_bill=True) | Q(recurring_do_not_bill=True))

    def with_waiting_track(self) -> "OrderLineQuerySet":
        """Lines with a routed charge that is Not Billed and not marked Do Not Bill (L-13)."""
        return self.filter(WAITING)

    def waiting_for_conversion(self) -> "OrderLineQuerySet":
        """Waiting lines whose first trigger has not fired (D-01, L-13)."""
        return self.not_converted().with_waiting_track()

    def waiting_for_cli(self) -> "OrderLineQuerySet":
        """Converted waiting lines of a type with a number that have none yet."""
        return self._waiting_for_second().filter(item__item_type=WITH_CLI, cli="")

    def waiting_for_date(self, field: str | None = None) -> "OrderLineQuerySet":
        """Converted waiting lines that lack nothing but the date of their item type.

        :param field: one of the dates in ``TRIGGER_DATES``; None: whichever it is.
        """
        return self._waiting_for_second().filter(
            self._by_type(field, lambda date: Q((f"{date}__isnull", True)))
        )

    def waiting_for_future(self, today: dt.date) -> "OrderLineQuerySet":
        """Converted waiting lines whose date comes after ``today``; the daily run moves them."""
        return self._waiting_for_second().filter(
            self._by_type(None, lambda date: Q((f"{date}__gt", today)))
        )

    def waiting_for_hand(self) -> "OrderLineQuerySet":
        """Converted waiting lines of a type that nothing makes ready by itself."""
        return self._waiting_for_second().exclude(item__item_type__in=list(TRIGGER_DATES))

    def _waiting_for_second(self) -> "OrderLineQuerySet":
        return self.converted().with_waiting_track()

    @staticmethod
    def _by_type(field: str | None, condition: Callable[[str], Q]) -> Q:
        """The condition on the date of each item type; a type with a number has that too."""
        found = Q()
        for item_type, date in TRIGGER_DATES.items():
            if field in (None, date):
                of_type = Q(item__item_type=item_type) & condition(date)
                if item_type == WITH_CLI:
                    of_type = of_type & ~Q(cli="")
                found |= of_type
        return found

    def aged(self, at: dt.datetime, *, days: int) -> "OrderLineQuerySet":
        """Lines with a track that has been Ready to Bill for more than ``days`` days (D-14).

        The last event of a ready track made it ready: it is older if none came since.
        """
        since = at - dt.timedelta(days=days)
        aged = Q()
        for track in Track:
            later = apps.get_model("orders", "BillStatusEvent").objects.filter(
                line=OuterRef("pk"), track=track.value, at__gte=since
            )
            aged |= Q(~Exists(later), **{f"{track.value}_status": BillStatus.READY})
        return self.with_ready_track().filter(aged)

    def due_on(self, today: dt.date) -> "OrderLineQuerySet":
        """Converted lines with a waiting track whose date has come: what the daily run looks at."""
        reached = Q()
        for item_type, field in TRIGGER_DATES.items():
            reached |= Q(("item__item_type", item_type), (f"{field}__lte", today))
        return self.converted().with_waiting_track().filter(reached)

    def record_moves(
        self,
        *,
        track: Track,
        source: BillStatus,
        target: BillStatus,
        trigger: str,
        at: dt.datetime,
        actor_id: int | None = None,
        reason: str = "",
        batch_id: int | None = None,
    ) -> int:
        """Insert the events that move ``track`` of these lines from ``source`` to ``target``.

        One statement for any number of lines; returns how many moved. Lines that are not at
        ``source`` are passed over. Who calls has locked the lines.
        """
        event = apps.get_model("orders", "BillStatusEvent")
        values: dict[str, Any] = {
            "line_id": F("pk"),
            "track": Value(track.value),
            "from_status": Value(source.value),
            "to_status": Value(target.value),
            "trigger": Value(str(trigger)),
            "reason": Value(reason),
            "actor_id": Cast(Value(actor_id), models.BigIntegerField()),
            "batch_id": Cast(Value(batch_id), models.BigIntegerField()),
            "at": Cast(Value(at), models.DateTimeField()),
        }
        rows = (
            self.order_by()
            .filter(**{f"{track.value}_status": source})
            .values_list(*values.values())
        )
        try:
            select, parameters = rows.query.sql_with_params()
        except EmptyResultSet:  # of no lines
            return 0
        columns = ", ".join(f'"{name}"' for name in values)
        with connections[self.db].cursor() as cursor:
            cursor.execute(
                f'INSERT INTO "{event._meta.db_table}" ({columns}) {select}',
                parameters,
            )
            return cursor.rowcount
