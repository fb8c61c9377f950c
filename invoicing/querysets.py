"""Sets of rules, purchases and invoices, in business words, and set-based transitions.

A set-based transition is one UPDATE that names its source states; tests hold each against the
state machine's own map (``STATUS_MAP``).
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import connections, models
from django.db.models import F, Q, QuerySet
from django.db.models.lookups import LessThan

from invoicing.enums import LIVE_STATUSES, InvoiceStatus, Operator


class PricingRuleQuerySet(models.QuerySet):
    """Sets of pricing rules."""

    def valid_on(self, day: dt.date) -> "PricingRuleQuerySet":
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day)

    def valid_within(self, from_: dt.date, to: dt.date) -> "PricingRuleQuerySet":
        """Rules that apply on at least one day of the period."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=from_), valid_from__lte=to)

    def pricing(self) -> "PricingRuleQuerySet":
        """Rules that give a price."""
        return self.filter(operator__in=(Operator.PRICE, Operator.PRICE_LADDER))


class PurchaseQuerySet(models.QuerySet):
    """Sets of purchases."""

    def mapped(self) -> "PurchaseQuerySet":
        return self.filter(invoice__isnull=False)

    def unmapped(self) -> "PurchaseQuerySet":
        """Purchases that are on no invoice (H-CB5)."""
        return self.filter(invoice__isnull=True)


class LocalToday(models.Func):
    """Today in the customer's time zone (K-4, X-9)."""

    template = "(now() AT TIME ZONE %(expressions)s)::date"
    output_field = models.DateField()


def is_past_where_customer_is() -> LessThan:
    """The gate of approving and closing: To is before today in the customer's zone (CB-66, X-9)."""
    return LessThan(F("period_to"), LocalToday(F("customer__time_zone")))


class InvoiceRecord(NamedTuple):
    """What a calculation leaves on one invoice; ``error`` is empty when it went well."""

    invoice_id: int
    error: str
    net_total: Decimal
    vat_total: Decimal
    gross_total: Decimal
    cost_total: Decimal
    item_count: int
    items_digest: str


MOVE_TO_PENDING = """
UPDATE invoicing_invoice SET status = 'pending', error = ''
WHERE id = ANY(%s) AND status IN ('open', 'error')
"""
RECORD_RESULTS = """
UPDATE invoicing_invoice i
SET status = CASE WHEN r.error = '' THEN 'open' ELSE 'error' END, error = r.error,
    calculated_at = %s, net_total = r.net, vat_total = r.vat, gross_total = r.gross,
    cost_total = r.cost, item_count = r.items, items_digest = r.digest
FROM unnest(%s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
            %s::int[], %s::text[]) AS r(id, error, net, vat, gross, cost, items, digest)
WHERE i.id = r.id AND i.status = 'pending'
"""


class InvoiceQuerySet(models.QuerySet):
    """Sets of invoices."""

    def pending(self) -> "InvoiceQuerySet":
        return self.filter(status=InvoiceStatus.PENDING)

    def live(self) -> "InvoiceQuerySet":
        """Quick search Live (CB-30)."""
        return self.filter(status=InvoiceStatus.OPEN)

    def period_past(self) -> "InvoiceQuerySet":
        """Invoices whose To date is before today where the customer is (CB-66, X-9)."""
        return self.filter(is_past_where_customer_is())

    def ready_to_approve(self) -> "InvoiceQuerySet":
        """Quick search Ready to Approve (CB-31): Open and the billing period in the past."""
        return self.live().period_past()

    def complete(self) -> "InvoiceQuerySet":
        """Quick search Complete (CB-32)."""
        return self.filter(status__in=(InvoiceStatus.APPROVED, InvoiceStatus.CLOSED))

    def problem(self) -> "InvoiceQuerySet":
        """Quick search Problem Invoices (CB-33)."""
        return self.filter(status=InvoiceStatus.ERROR)

    def unlocked(self) -> "InvoiceQuerySet":
        """Invoices that may still change."""
        return self.filter(status__in=LIVE_STATUSES)

    def empty(self) -> "InvoiceQuerySet":
        """Invoices without any item (CB-41)."""
        return self.filter(item_count=0)

    # Set-based transitions

    def move_to_pending(self) -> int:
        """Open and Error invoices wait for calculation; Pending ones are locked too (CB-9).

        Locking the Pending ones waits for a running calculation of them, so that a change made
        while they are being calculated is not lost. Rows are locked in primary-key order, and
        their status is looked at after that. Needs a transaction.

        Returns the number of invoices that are Pending now.
        """
        rows = self.filter(status__in=LIVE_STATUSES).order_by("pk")
        ids = list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
        if ids:
            with connections[self.db].cursor() as cursor:
                cursor.execute(MOVE_TO_PENDING, [ids])
        return len(ids)

    def record_results(self, results: Sequence[InvoiceRecord], *, at: dt.datetime) -> int:
        """Pending invoices become Open with their totals, or Error with their reason, in one UPDATE.

        Returns the number of invoices moved; the caller holds their locks.
        """
        columns = [list(column) for column in zip(*results, strict=True)]
        with connections[self.db].cursor() as cursor:
            cursor.execute(RECORD_RESULTS, [at, *columns])
            return cursor.rowcount

    def lock_in_order(self, ids: Sequence[int] | None = None) -> QuerySet:
        """The rows, locked in primary-key order (deadlock-free)."""
        rows = self if ids is None else self.filter(pk__in=ids)
        return rows.order_by("pk").select_for_update(of=("self",))
