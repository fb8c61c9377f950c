"""Finds the invoice of purchases: customer, product, contract, period (CB-18, H-CB5, D-46, K-15).

What another platform bills finds none (L-10, X-2): the route of an order line's track decides,
without a line the up-front route of the item.

A purchase is on an invoice or has a reason. The order of the reasons is fixed by ``MAPPING``; one
statement maps any number of purchases. Who maps locks the invoices in primary-key order before it
writes, and sends them to Pending in the same transaction, so nothing lands on an invoice that an
approval has locked meanwhile (CB-11).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from invoicing.enums import UnmappedReason
from invoicing.models import Invoice

BATCH_SIZE = 5_000
# Reasons that may pass by themselves; a finished period stays until a person decides (D-46).
WAITING_REASONS = tuple(r.value for r in UnmappedReason if r != UnmappedReason.PERIOD_FINISHED)
# Reasons with which a purchase can be put on another invoice of the same contract (D-46).
ROUTABLE_REASONS = (UnmappedReason.PERIOD_FINISHED.value, UnmappedReason.INVOICE_LOCKED.value)

# Three steps with statistics between them: as one statement the planner takes the first two for
# tiny and compares every row with every other.
LOCATE = """
SELECT s.id, s.currency, s.invoice_reference, s.quantity,
       c.id AS customer_id, c.suspended, c.bill_from,
       i.id AS item_id, i.metering_minimum AS least, coalesce(i.metering_increment, 0) AS step,
       (s.purchased_at AT TIME ZONE coalesce(c.time_zone, %(zone)s))::date AS day,
       s.order_line_id, o.contract_id AS ordered_under,
       b.id IS NOT NULL AS is_external,
       -- a price of ours is per unit of the product; what brings its price may be in any unit
       s.unit <> '' AND lower(s.unit) <> lower(i.unit) AND NOT s.brings_price
         AND s.order_line_id IS NULL AS is_other_unit
FROM ({source}) s
LEFT JOIN ledger_customer c ON c.code = s.customer_code
LEFT JOIN inventory_catalogueitem i ON i.code = s.product_code
LEFT JOIN orders_orderline l ON l.id = s.order_line_id
LEFT JOIN orders_salesorder o ON o.id = l.order_id
LEFT JOIN inventory_billingplatform b ON NOT b.is_in_house AND b.id =
  CASE WHEN s.order_line_id IS NULL THEN i.upfront_route_id
       WHEN s.track = 'upfront' THEN l.upfront_route_id
       ELSE l.recurring_route_id END
"""
# The contract and periodical invoice of each customer, currency and day; what was ordered under a
# contract is billed under it. LATERAL: looked up in the index for each, whatever the planner
# believes of a table that it has not counted yet.
FIND_HOMES = """
SELECT DISTINCT ON (p.customer_id, p.currency, p.day, p.ordered_under)
       p.customer_id, p.currency, p.day, p.ordered_under,
       k.id AS contract_id, v.id AS invoice_id, v.status
FROM (
  SELECT DISTINCT customer_id, currency, day, ordered_under
  FROM purchase_places WHERE customer_id IS NOT NULL
) p
JOIN ledger_contract k ON k.customer_id = p.customer_id AND k.currency = p.currency
  AND (p.ordered_under IS NULL OR k.id = p.ordered_under)
  AND (k.is_default OR k.starts_on IS NULL OR k.starts_on <= p.day)
  AND (k.ends_on IS NULL OR k.ends_on >= p.day)
LEFT JOIN LATERAL (
  SELECT i.id, i.status FROM invoicing_invoice i
  WHERE i.contract_id = k.id AND i.type = 'periodical'
    AND i.period_from <= p.day AND i.period_to >= p.day
  ORDER BY i.period_from DESC LIMIT 1
) v ON true
ORDER BY p.customer_id, p.currency, p.day, p.ordered_under, k.is_default DESC, k.id
"""
# The metered quantity repeats invoicing.rules.metering; a test holds them together. What was
# ordered is charged as ordered.
MAPPING = """
SELECT id, customer_id, item_id, day, metered_quantity, contract_id, reason,
       CASE WHEN reason = '' THEN invoice_id END AS invoice_id
FROM (
  SELECT l.id, l.customer_id, l.item_id, l.day,
         CASE
           WHEN l.quantity = 0 OR l.item_id IS NULL OR l.order_line_id IS NOT NULL
             THEN l.quantity
           WHEN abs(l.quantity) <= l.least THEN sign(l.quantity) * l.least
           WHEN l.step = 0 THEN l.quantity
           ELSE sign(l.quantity) * (l.least + l.step * (
             div(abs(l.quantity) - l.least, l.step)
             + CASE WHEN mod(abs(l.quantity) - l.least, l.step) > 0 THEN 1 ELSE 0 END))
         END AS metered_quantity,
         coalesce(a.contract_id, h.contract_id) AS contract_id,
         coalesce(a.id, h.invoice_id) AS invoice_id,
         CASE
           WHEN l.customer_id IS NULL THEN 'unknown_customer'
           WHEN l.item_id IS NULL THEN 'unknown_product'
           WHEN l.is_external THEN 'external_route'
           WHEN l.is_other_unit THEN 'other_unit'
           WHEN l.suspended THEN 'customer_suspended'
           WHEN l.invoice_reference <> '' AND a.id IS NULL THEN 'unknown_reference'
           WHEN a.id IS NULL AND h.contract_id IS NULL THEN 'no_contract'
           WHEN a.id IS NULL AND h.invoice_id IS NULL AND l.day < l.bill_from
             THEN 'before_bill_from'
           WHEN a.id IS NULL AND h.invoice_id IS NULL THEN 'no_invoice'
           WHEN coalesce(a.status, h.status) = 'approving' THEN 'invoice_locked'
           WHEN coalesce(a.status, h.status) IN ('approved', 'closed') THEN 'period_finished'
           ELSE ''
         END AS reason
  FROM purchase_places l
  LEFT JOIN purchase_homes h ON h.customer_id = l.customer_id AND h.currency = l.currency
    AND h.day = l.day AND h.ordered_under IS NOT DISTINCT FROM l.ordered_under
  LEFT JOIN invoicing_invoice a ON l.invoice_reference <> '' AND a.reference = l.invoice_reference
    AND a.customer_id = l.customer_id AND a.currency = l.currency
) found
"""
LOCK_INVOICES = """
SELECT v.id FROM invoicing_invoice v WHERE v.id IN ({ids}) ORDER BY v.id FOR NO KEY UPDATE
"""
# What an approval locked between the mapping and our own locks.
DROP_LOCKED = """
UPDATE purchase_mapping m
SET invoice_id = NULL,
    reason = CASE WHEN v.status = 'approving' THEN 'invoice_locked' ELSE 'period_finished' END
FROM invoicing_invoice v
WHERE v.id = m.invoice_id AND v.status IN ('approving', 'approved', 'closed')
"""
UNMAPPED_SOURCE = """
SELECT id, customer_code, product_code, currency, purchased_at, invoice_reference, quantity,
       order_line_id, track, unit,
       coalesce(unit_price_override, total_override) IS NOT NULL AS brings_price
FROM invoicing_purchase WHERE invoice_id IS NULL AND id = ANY(%(ids)s)
"""
APPLY_MAPPING = """
UPDATE invoicing_purchase p
SET customer_id = m.customer_id, item_id = m.item_id, contract_id = m.contract_id,
    invoice_id = m.invoice_id, unmapped_reason = m.reason, purchased_on = m.day,
    metered_quantity = m.metered_quantity
FROM purchase_mapping m
WHERE p.id = m.id AND p.invoice_id IS NULL
  AND (m.invoice_id IS NOT NULL OR m.reason <> p.unmapped_reason
       OR (p.customer_id, p.item_id, p.contract_id, p.purchased_on, p.metered_quantity)
          IS DISTINCT FROM (m.customer_id, m.item_id, m.contract_id, m.day, m.metered_quantity))
"""
ROUTE_SOURCE = """
SELECT p.id, p.customer_id, p.item_id, p.purchased_on AS day, p.metered_quantity, p.contract_id,
       CASE WHEN x.is_external THEN 'external_route'
            WHEN v.id IS NULL THEN p.unmapped_reason
            ELSE '' END AS reason,
       CASE WHEN NOT x.is_external THEN v.id END AS invoice_id
FROM invoicing_purchase p
LEFT JOIN inventory_catalogueitem c ON c.id = p.item_id
LEFT JOIN orders_orderline l ON l.id = p.order_line_id
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT FROM inventory_billingplatform b WHERE NOT b.is_in_house AND b.id =
    CASE WHEN p.order_line_id IS NULL THEN c.upfront_route_id
         WHEN p.track = 'upfront' THEN l.upfront_route_id
         ELSE l.recurring_route_id END) AS is_external
) x
LEFT JOIN LATERAL (
  SELECT i.id FROM invoicing_invoice i
  WHERE i.contract_id = p.contract_id AND i.type = 'periodical'
    AND i.status IN ('pending', 'open', 'error')
  ORDER BY i.period_from LIMIT 1
) v ON p.unmapped_reason = ANY(%(reasons)s) AND p.item_id IS NOT NULL
WHERE p.invoice_id IS NULL AND p.id = ANY(%(ids)s)
"""
OUTCOMES = """
SELECT p.id, p.reference, p.unmapped_reason, p.invoice_id
FROM invoicing_purchase p WHERE p.id = ANY(%s) ORDER BY p.id
"""
# Purchases that arrived while these invoices were in approval (D-47).
ARRIVED_IN_APPROVAL = """
SELECT p.id FROM invoicing_purchase p JOIN invoicing_invoice v ON v.contract_id = p.contract_id
WHERE v.id = ANY(%s) AND p.invoice_id IS NULL AND p.unmapped_reason = 'invoice_locked'
"""
# What is billed elsewhere waits for its item to come back; until then it is not looked at.
WAITING = """
SELECT p.id FROM invoicing_purchase p
WHERE p.invoice_id IS NULL AND p.unmapped_reason = ANY(%s) AND p.id > %s
  AND NOT (p.unmapped_reason = 'external_route' AND p.order_line_id IS NULL AND p.item_id IN (
    SELECT i.id FROM inventory_catalogueitem i
    JOIN inventory_billingplatform b ON b.id = i.upfront_route_id WHERE NOT b.is_in_house))
ORDER BY p.id LIMIT %s
"""


class MappingOutcome(NamedTuple):
    """Where a purchase is now; ``reason`` is an ``UnmappedReason`` value, empty when mapped."""

    purchase_id: int
    reference: str
    reason: str
    invoice_id: int | None

    @property
    def refusal(self) -> str:
        """Why it is on no invoice, in words."""
        return UnmappedReason(self.reason).label if self.reason else ""


def build_mapping(cursor: CursorWrapper, source: str, parameters: dict[str, Any]) -> None:
    """Map the rows of ``source`` into the temporary table ``purchase_mapping``.

    :param source: SQL with id, customer_code, product_code, currency, purchased_at,
        invoice_reference, quantity, order_line_id and track; our own text, never a user's.
    """
    located = LOCATE.format(source=source)
    _fill_table(cursor, "purchase_places", located, parameters | {"zone": settings.TIME_ZONE})
    _fill_table(cursor, "purchase_homes", FIND_HOMES)
    _fill_table(cursor, "purchase_mapping", MAPPING)


def lock_mapped_invoices(cursor: CursorWrapper, more: str = "", parameters: Sequence = ()) -> None:
    """Lock the invoices of the mapping, and take away from it what is locked for good.

    :param more: SQL of further invoice ids to lock at the same time.
    """
    ids = "SELECT invoice_id FROM purchase_mapping WHERE invoice_id IS NOT NULL"
    cursor.execute(LOCK_INVOICES.format(ids=f"{ids} UNION {more}" if more else ids), parameters)
    cursor.execute(DROP_LOCKED)


def mapped_invoice_ids(cursor: CursorWrapper) -> list[int]:
    """The invoices that the mapping puts something on."""
    cursor.execute("SELECT DISTINCT invoice_id FROM purchase_mapping WHERE invoice_id IS NOT NULL")
    return [invoice_id for (invoice_id,) in cursor.fetchall()]


@transaction.atomic
def map_purchases(*, purchase_ids: Sequence[int]) -> list[MappingOutcome]:
    """Look for the invoices of unmapped purchases again; safe to repeat.

    Purchases that are on an invoice stay where they are. A constant number of queries.
    """
    with connection.cursor() as cursor:
        build_mapping(cursor, UNMAPPED_SOURCE, {"ids": list(purchase_ids)})
        return _apply(cursor, purchase_ids)


@transaction.atomic
def route_purchases(*, purchase_ids: Sequence[int]) -> list[MappingOutcome]:
    """Put late purchases on the earliest open invoice of their contract (D-46).

    The service date stays. Purchases with another reason than a finished or locked period stay
    unmapped, as do those whose contract has no open invoice.
    """
    with connection.cursor() as cursor:
        parameters = {"ids": list(purchase_ids), "reasons": list(ROUTABLE_REASONS)}
        _fill_table(cursor, "purchase_mapping", ROUTE_SOURCE, parameters)
        return _apply(cursor, purchase_ids)


@transaction.atomic
def map_purchases_of_released(*, invoice_ids: Sequence[int]) -> list[MappingOutcome]:
    """Look again at what arrived while the invoices were in approval; call it when that ends.

    A rejected invoice takes it in (D-47); of an approved one it is late: period finished (D-46).
    """
    with connection.cursor() as cursor:
        cursor.execute(ARRIVED_IN_APPROVAL, [list(invoice_ids)])
        ids = [purchase_id for (purchase_id,) in cursor.fetchall()]
    return map_purchases(purchase_ids=ids) if ids else []


def map_waiting_purchases() -> int:
    """Map what could not be mapped before and can be now; returns how many purchases moved.

    New customers, products, contracts and invoices let purchases in. One transaction per
    ``BATCH_SIZE`` purchases; safe to repeat and to run at the same time.
    """
    moved = last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [list(WAITING_REASONS), last, BATCH_SIZE])
            ids = [purchase_id for (purchase_id,) in cursor.fetchall()]
        if not ids:
            return moved
        outcomes = map_purchases(purchase_ids=ids)
        moved += sum(1 for outcome in outcomes if not outcome.reason)
        last = ids[-1]


def _fill_table(
    cursor: CursorWrapper, name: str, select: str, parameters: dict[str, Any] | None = None
) -> None:
    """A temporary table with statistics, gone with the transaction."""
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {select}", parameters)
    cursor.execute(f"ANALYZE {name}")


def _apply(cursor: CursorWrapper, purchase_ids: Sequence[int]) -> list[MappingOutcome]:
    lock_mapped_invoices(cursor)
    cursor.execute(APPLY_MAPPING)
    Invoice.objects.filter(pk__in=mapped_invoice_ids(cursor)).move_to_pending()
    cursor.execute(OUTCOMES, [list(purchase_ids)])
    return [MappingOutcome(*row) for row in cursor.fetchall()]
