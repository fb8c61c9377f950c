"""What changed below sends invoices to Pending: exactly those it can concern (H-CB3, CB-9).

Pricing rules live here and tell at once (``services.rules``). Customers, clusters, categories and
catalogue items live below and cannot call up: each row keeps when it changed
(``pricing_changed_at``, by trigger), and the sweep compares that with ``calculated_at``.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from invoicing.models import Invoice, PricingRule, PricingSweep, Purchase
from invoicing.querysets import InvoiceQuerySet

PRICING_LOCK = 7_301_001  # advisory: shared by calculations, exclusive for changes of rules

# A row shows when it was changed, not when that became visible. A change that was under way while
# an invoice was calculated is caught as long as its transaction is shorter than this.
LONGEST_CHANGE = dt.timedelta(minutes=2)
EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

CHANGED_ITEMS = """
SELECT i.id, GREATEST(i.pricing_changed_at, c.pricing_changed_at) AS at
FROM inventory_catalogueitem i JOIN inventory_productcategory c ON c.id = i.category_id
WHERE i.pricing_changed_at > %(since)s OR c.pricing_changed_at > %(since)s
"""
CHANGED_CUSTOMERS = """
SELECT c.id, GREATEST(c.pricing_changed_at, g.pricing_changed_at) AS at
FROM ledger_customer c JOIN ledger_customercluster g ON g.id = c.cluster_id
WHERE c.pricing_changed_at > %(since)s OR g.pricing_changed_at > %(since)s
"""
# The charged quantity by the metering of the item, as rules.metering.metered_quantity says it.
METERED = """
CASE WHEN p.quantity = 0 THEN 0 ELSE sign(p.quantity) * (
  CASE WHEN abs(p.quantity) <= i.metering_minimum THEN i.metering_minimum
       WHEN i.metering_increment IS NULL THEN abs(p.quantity)
       ELSE i.metering_minimum + i.metering_increment * (
         div(abs(p.quantity) - i.metering_minimum, i.metering_increment)
         + CASE WHEN mod(abs(p.quantity) - i.metering_minimum, i.metering_increment) > 0
                THEN 1 ELSE 0 END)
  END) END
"""
EXTERNAL = """
EXISTS (SELECT FROM inventory_billingplatform b WHERE b.id = i.upfront_route_id
        AND NOT b.is_in_house)
"""
# Pending invoices are among them: whoever is calculating one may have read the old prices.
CONCERNED_INVOICES = f"""
SELECT v.id FROM invoicing_invoice v
WHERE v.status IN ('pending', 'open', 'error') AND (
  EXISTS (SELECT FROM unnest(%(customers)s::bigint[], %(customers_at)s::timestamptz[]) AS c(id, at)
    WHERE c.id = v.customer_id
      AND (v.calculated_at IS NULL OR v.calculated_at < c.at + %(slack)s))
  OR EXISTS (SELECT FROM invoicing_purchase p
    JOIN unnest(%(items)s::bigint[], %(items_at)s::timestamptz[]) AS x(id, at) ON x.id = p.item_id
    JOIN inventory_catalogueitem i ON i.id = p.item_id
    WHERE p.invoice_id = v.id
      AND (v.calculated_at IS NULL OR v.calculated_at < x.at + %(slack)s
           OR p.order_line_id IS NULL AND (p.metered_quantity <> {METERED} OR {EXTERNAL}))))
"""  # noqa: S608 - METERED and EXTERNAL are constants
# What is billed elsewhere from now on leaves its invoice.
SEND_AWAY = f"""
WITH wrong AS MATERIALIZED (
  SELECT p.id FROM invoicing_purchase p JOIN inventory_catalogueitem i ON i.id = p.item_id
  WHERE p.invoice_id = ANY(%(invoices)s) AND p.item_id = ANY(%(items)s)
    AND p.order_line_id IS NULL AND {EXTERNAL}
), free AS MATERIALIZED (
  SELECT p.id FROM invoicing_purchase p
  WHERE p.id IN (SELECT id FROM wrong) ORDER BY p.id FOR NO KEY UPDATE SKIP LOCKED
), sent AS (
  UPDATE invoicing_purchase SET invoice_id = NULL, unmapped_reason = 'external_route'
  WHERE id IN (SELECT id FROM free) RETURNING id
)
SELECT (SELECT count(*) FROM wrong), (SELECT count(*) FROM sent)
"""  # noqa: S608 - EXTERNAL is a constant
# Rows that an import holds are passed over (it could wait for our invoices) and come again.
METER_AGAIN = f"""
WITH wrong AS MATERIALIZED (
  SELECT p.id FROM invoicing_purchase p JOIN inventory_catalogueitem i ON i.id = p.item_id
  WHERE p.item_id = ANY(%(items)s) AND (p.invoice_id IS NULL OR p.invoice_id = ANY(%(invoices)s))
    AND p.order_line_id IS NULL AND p.metered_quantity <> {METERED}
), free AS MATERIALIZED (
  SELECT p.id FROM invoicing_purchase p
  WHERE p.id IN (SELECT id FROM wrong) ORDER BY p.id FOR NO KEY UPDATE SKIP LOCKED
), metered AS (
  UPDATE invoicing_purchase p SET metered_quantity = {METERED}
  FROM inventory_catalogueitem i
  WHERE i.id = p.item_id AND p.id IN (SELECT id FROM free)
  RETURNING p.id
)
SELECT (SELECT count(*) FROM wrong), (SELECT count(*) FROM metered)
"""  # noqa: S608 - METERED is a constant


class Scope(NamedTuple):
    """The purchases that a pricing rule can touch."""

    category_id: int | None  # with everything below it; None: all
    cluster_id: int | None  # likewise
    from_: dt.date
    to: dt.date | None

    @classmethod
    def of(cls, rule: PricingRule) -> Self:
        return cls(
            rule.product_category_id, rule.customer_cluster_id, rule.valid_from, rule.valid_to
        )

    def invoices(self) -> InvoiceQuerySet:
        """Unlocked invoices that hold a purchase of the scope."""
        purchases = Purchase.objects.filter(invoice=OuterRef("pk"), purchased_on__gte=self.from_)
        if self.to is not None:
            purchases = purchases.filter(purchased_on__lte=self.to)
        if self.category_id is not None:
            purchases = purchases.filter(item__category__path__contains=[self.category_id])
        invoices = Invoice.objects.unlocked().filter(Exists(purchases))
        if self.cluster_id is not None:
            invoices = invoices.filter(customer__cluster__path__contains=[self.cluster_id])
        return invoices


def hold_pricing() -> None:
    """Wait until no calculation runs, and let none begin before the transaction ends.

    So a calculation never uses a rule that somebody is changing. Call it first, before any row is
    locked, in a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PRICING_LOCK])


def share_pricing() -> None:
    """Let no rule change before the transaction ends; many calculations share this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [PRICING_LOCK])


def mark_scopes_pending(scopes: Iterable[Scope]) -> int:
    """Send the open invoices that hold purchases of a scope to Pending; returns how many wait.

    Called within the transaction that changes the rules, after ``hold_pricing``.
    """
    ids: set[int] = set()
    for scope in dict.fromkeys(scopes):
        ids.update(scope.invoices().values_list("pk", flat=True))
    return Invoice.objects.filter(pk__in=ids).move_to_pending() if ids else 0


@transaction.atomic
def mark_changed_pricing(*, at: dt.datetime) -> int:
    """Carry on what changed in customers, clusters, categories and catalogue items.

    Open and Error invoices calculated before a change that concerns them become Pending (H-CB3);
    where the metering of an item changed, its purchases on unlocked invoices and without one are
    metered again. Where its up-front route became another platform, its purchases leave the
    unlocked invoices (L-10). Safe to repeat; one at a time, the others wait. A constant number of queries,
    and next to none when nothing changed.

    :param at: now, an aware datetime.
    :returns: how many invoices wait for calculation because of it.
    """
    PricingSweep.objects.get_or_create(pk=1)
    sweep = PricingSweep.objects.select_for_update().get(pk=1)
    since = sweep.swept_at - LONGEST_CHANGE if sweep.swept_at else EVER
    complete, pending = True, 0
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_ITEMS, {"since": since})
        items = dict(cursor.fetchall())
        cursor.execute(CHANGED_CUSTOMERS, {"since": since})
        customers = dict(cursor.fetchall())
        if items or customers:
            parameters: dict[str, Any] = {
                "items": list(items),
                "items_at": list(items.values()),
                "customers": list(customers),
                "customers_at": list(customers.values()),
                "slack": LONGEST_CHANGE,
            }
            cursor.execute(CONCERNED_INVOICES, parameters)
            concerned = [pk for (pk,) in cursor.fetchall()]
            pending = Invoice.objects.filter(pk__in=concerned).move_to_pending()
            still = Invoice.objects.filter(pk__in=concerned).pending()
            if items:
                scope = {"items": list(items), "invoices": list(still.values_list("pk", flat=True))}
                for statement in (SEND_AWAY, METER_AGAIN):
                    cursor.execute(statement, scope)
                    wrong, done = cursor.fetchone()
                    complete = complete and wrong == done
    if complete:
        sweep.swept_at = at
        sweep.save(update_fields=["swept_at"])
    return pending
