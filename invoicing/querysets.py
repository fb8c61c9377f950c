"""Sets of rules, purchases and invoices, in business words, and set-based transitions.

A set-based transition is one UPDATE that names its source states; tests hold each against the
state machine's own map (``STATUS_MAP``).
"""

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import connections, models
from django.db.models import ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Now

from invoicing.enums import (
    LIVE_STATUSES,
    UNFINISHED_STATUSES,
    InvoiceStatus,
    Operator,
    ResultStatus,
)


class PricingRuleQuerySet(models.QuerySet):
    """Sets of pricing rules."""

    def valid_on(self, day: dt.date) -> "PricingRuleQuerySet":
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day)

    def valid_within(self, from_: dt.date, to: dt.date) -> "PricingRuleQuerySet":
        """Rules that apply on at least one day of the period."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=from_), valid_from__lte=to)

    def not_yet_valid(self, day: dt.date) -> "PricingRuleQuerySet":
        return self.filter(valid_from__gt=day)

    def ended(self, day: dt.date) -> "PricingRuleQuerySet":
        return self.filter(valid_to__lt=day)

    def for_category_path(self, path: Sequence[int]) -> "PricingRuleQuerySet":
        """Rules for a product of the category: of its own, of one above it, or for all."""
        return self.filter(Q(product_category=None) | Q(product_category__in=path))

    def for_cluster_path(self, path: Sequence[int]) -> "PricingRuleQuerySet":
        """Rules for a customer of the cluster: of its own, of one above it, or for all."""
        return self.filter(Q(customer_cluster=None) | Q(customer_cluster__in=path))

    def matching(self, text: str) -> "PricingRuleQuerySet":
        """Rules whose name holds ``text``, the best match first."""
        return self.filter(name__icontains=text).order_by("name", "id")

    def pricing(self) -> "PricingRuleQuerySet":
        """Rules that give a price."""
        return self.filter(operator__in=(Operator.PRICE, Operator.PRICE_LADDER))


class PurchaseQuerySet(models.QuerySet):
    """Sets of purchases."""

    def matching(self, text: str) -> "PurchaseQuerySet":
        """Purchases whose reference begins with ``text``; unordered, so that an index serves it."""
        return self.filter(reference__startswith=text).order_by()

    def mapped(self) -> "PurchaseQuerySet":
        return self.filter(invoice__isnull=False)

    def unmapped(self) -> "PurchaseQuerySet":
        """Purchases that are on no invoice (H-CB5)."""
        return self.filter(invoice__isnull=True)


class SubscriptionItemQuerySet(models.QuerySet):
    """Sets of recurring charges on subscriptions."""

    def ended(self, day: dt.date) -> "SubscriptionItemQuerySet":
        return self.filter(ends_on__lt=day)

    def in_force(self, day: dt.date) -> "SubscriptionItemQuerySet":
        """Items that are billed for ``day`` or a later day."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day))


class TransformationResultQuerySet(models.QuerySet):
    """Sets of results, and their moves: compare-and-swap on status and lease."""

    def waiting(self, at: dt.datetime) -> "TransformationResultQuerySet":
        """Queued, or left by a worker that died, and due by now."""
        return self.filter(
            Q(lease_until__isnull=True) | Q(lease_until__lte=at),
            status__in=(ResultStatus.QUEUED, ResultStatus.PROCESSING),
        )

    def held(self, *, lease_until: dt.datetime) -> "TransformationResultQuerySet":
        """The result while this worker's lease is on it."""
        return self.filter(status=ResultStatus.PROCESSING, lease_until=lease_until)

    def claim(self, *, at: dt.datetime, lease_until: dt.datetime, most_attempts: int) -> int:
        """Queued (or left) -> Processing, for one worker."""
        return (
            self.waiting(at)
            .filter(attempts__lt=most_attempts)
            .update(
                status=ResultStatus.PROCESSING,
                lease_until=lease_until,
                attempts=F("attempts") + 1,
            )
        )

    def complete(self, *, name: str, checksum: str, pages: int, at: dt.datetime) -> int:
        """Processing -> Completed: the file is there."""
        return self.filter(status=ResultStatus.PROCESSING).update(
            status=ResultStatus.COMPLETED,
            file=name,
            checksum=checksum,
            pages=pages,
            error="",
            lease_until=None,
            processed_at=at,
        )

    def wait(self, *, until: dt.datetime, error: str) -> int:
        """Processing -> Queued: tried again after ``until``."""
        return self.filter(status=ResultStatus.PROCESSING).update(
            status=ResultStatus.QUEUED, lease_until=until, error=error
        )

    def fail(self, *, error: str, at: dt.datetime) -> int:
        """Processing -> Failed, with the reason."""
        return self.filter(status=ResultStatus.PROCESSING).update(
            status=ResultStatus.FAILED, lease_until=None, error=error, processed_at=at
        )

    def requeue_failed(self) -> int:
        """Failed -> Queued: somebody ordered it again."""
        return self.filter(status=ResultStatus.FAILED).update(
            status=ResultStatus.QUEUED, lease_until=None, attempts=0, error=""
        )

    def give_up(self, *, at: dt.datetime, attempts: int, error: str) -> int:
        """Left by the last of several workers -> Failed."""
        return (
            self.waiting(at)
            .filter(status=ResultStatus.PROCESSING, attempts__gte=attempts)
            .update(status=ResultStatus.FAILED, lease_until=None, error=error, processed_at=at)
        )


class LocalToday(models.Func):
    """The date in a time zone, now or at a moment (K-4, X-9)."""

    template = "(%(expressions)s)::date"
    arg_joiner = " AT TIME ZONE "
    output_field = models.DateField()

    def __init__(self, time_zone: models.F, *, at: dt.datetime | None = None) -> None:
        moment = Now() if at is None else Value(at, models.DateTimeField())
        super().__init__(moment, time_zone)


def period_is_past(at: dt.datetime | None = None) -> Q:
    """The one predicate of the gate: To < today where the customer is (CB-66, X-9).

    The badge, the quick search, the buttons and the services all ask this.

    :param at: the moment asked about; now when not given.
    """
    return Q(period_to__lt=LocalToday(F("customer__time_zone"), at=at))


class Issue(NamedTuple):
    """What one invoice receives when it is finalised (CB-12, D-52)."""

    invoice_id: int
    number: str
    counter_id: int
    sequence: int
    entry_id: int
    document_data: dict
    due_date: dt.date
    approved_at: dt.datetime


# One JSON text for all: as arrays, every quote in the snapshots would be escaped once more.
FINALISE = """
UPDATE invoicing_invoice AS i
SET status = %s, number = r.number, number_counter_id = r.counter_id,
    number_sequence = r.sequence, ledger_entry_id = r.entry_id,
    document_data = r.document_data, due_date = r.due_date, approved_at = r.approved_at
FROM jsonb_to_recordset(%s::jsonb) AS r(
  invoice_id bigint, number text, counter_id bigint, sequence bigint, entry_id bigint,
  document_data jsonb, due_date date, approved_at timestamptz)
WHERE i.id = r.invoice_id AND i.status = %s
"""


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

    def period_past(self, at: dt.datetime | None = None) -> "InvoiceQuerySet":
        """Invoices whose To date is before today where the customer is (CB-66, X-9)."""
        return self.filter(period_is_past(at))

    def with_period_past(self, at: dt.datetime | None = None) -> "InvoiceQuerySet":
        """Annotate ``is_past``: whether the gate of CB-66 is open."""
        return self.annotate(
            is_past=ExpressionWrapper(period_is_past(at), output_field=models.BooleanField())
        )

    def with_account_id(self) -> "InvoiceQuerySet":
        """Annotate ``account_id``: the contract account its entry goes to."""
        return self.annotate(account_id=F("contract__account__id"))

    def ready_to_approve(self, at: dt.datetime | None = None) -> "InvoiceQuerySet":
        """Quick search Ready to Approve (CB-31): Open and the billing period in the past."""
        return self.live().period_past(at)

    def complete(self) -> "InvoiceQuerySet":
        """Quick search Complete (CB-32)."""
        return self.filter(status__in=(InvoiceStatus.APPROVED, InvoiceStatus.CLOSED))

    def problem(self) -> "InvoiceQuerySet":
        """Quick search Problem Invoices (CB-33)."""
        return self.filter(status=InvoiceStatus.ERROR)

    def unlocked(self) -> "InvoiceQuerySet":
        """Invoices that may still change."""
        return self.filter(status__in=LIVE_STATUSES)

    def numbered(self, text: str) -> "InvoiceQuerySet":
        """Invoices whose number begins with ``text``; unordered, so that an index serves it."""
        return self.filter(number__startswith=text).order_by()

    def referenced(self, text: str) -> "InvoiceQuerySet":
        """Invoices whose reference begins with ``text``; unordered, so that an index serves it."""
        return self.filter(reference__startswith=text).order_by()

    def unfinished(self) -> "InvoiceQuerySet":
        """Invoices that still await something; a small part of all, with an index of its own."""
        return self.filter(status__in=UNFINISHED_STATUSES)

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

    def lock(self) -> int:
        """Approval was requested: Open -> Approving (CB-11)."""
        return self.filter(status=InvoiceStatus.OPEN).update(status=InvoiceStatus.APPROVING)

    def close(self) -> int:
        """Will not be sent: Open -> Closed (CB-13)."""
        return self.filter(status=InvoiceStatus.OPEN).update(status=InvoiceStatus.CLOSED)

    def reopen(self) -> int:
        """Rejected: Approving -> Pending (CB-105)."""
        return self.filter(status=InvoiceStatus.APPROVING).update(status=InvoiceStatus.PENDING)

    def finalise(self, issues: Sequence[Issue]) -> int:
        """The last approval: Approving -> Approved, each with its number and entry (CB-12)."""
        values = json.dumps([issue._asdict() for issue in issues], default=str)
        with connections[self.db].cursor() as cursor:
            cursor.execute(FINALISE, (InvoiceStatus.APPROVED, values, InvoiceStatus.APPROVING))
            return cursor.rowcount

    def lock_in_order(self, ids: Sequence[int] | None = None) -> QuerySet:
        """The rows, locked in primary-key order (deadlock-free)."""
        rows = self if ids is None else self.filter(pk__in=ids)
        return rows.order_by("pk").select_for_update(of=("self",))
