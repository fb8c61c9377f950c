"""Which invoices hold something that must not be approved as it stands (L-10..L-12, X-2)."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from invoicing.models.subscriptions import CHANGED

# A line that was changed since: pick-up has yet to look whether its charge is still what it was.
UNFIT_OF_LINES = """
SELECT DISTINCT ON (p.invoice_id) p.invoice_id, o.number || ' line ' || l.position, b.name
FROM invoicing_purchase p
JOIN orders_orderline l ON l.id = p.order_line_id
JOIN orders_salesorder o ON o.id = l.order_id
LEFT JOIN inventory_billingplatform b ON NOT b.is_in_house AND b.id =
  CASE p.track WHEN 'upfront' THEN l.upfront_route_id ELSE l.recurring_route_id END
LEFT JOIN invoicing_linecheck q ON q.line_id = l.id AND q.look_on = %(changed)s
WHERE p.invoice_id = ANY(%(ids)s) AND p.order_line_id IS NOT NULL
  AND (b.id IS NOT NULL OR q.line_id IS NOT NULL)
ORDER BY p.invoice_id, b.name NULLS LAST, p.id
"""
UNFIT_OF_ITEMS = """
SELECT DISTINCT ON (p.invoice_id) p.invoice_id, i.name, x.name
FROM inventory_billingplatform x
JOIN inventory_catalogueitem i ON i.upfront_route_id = x.id
JOIN invoicing_purchase p ON p.item_id = i.id AND p.invoice_id = ANY(%(ids)s)
WHERE NOT x.is_in_house AND p.order_line_id IS NULL
ORDER BY p.invoice_id, i.name
"""


def unfit_charges(invoice_ids: Collection[int]) -> dict[int, str]:
    """Return why an invoice cannot be approved because of what it holds, by invoice id.

    Either something on it is billed on another platform, or an order line whose charge it holds
    was changed a moment ago. Two queries, for any number of invoices.
    """
    parameters: dict[str, Any] = {"ids": list(invoice_ids), "changed": CHANGED}
    with connection.cursor() as cursor:
        cursor.execute(UNFIT_OF_ITEMS, parameters)
        elsewhere = {pk: (name, platform) for pk, name, platform in cursor.fetchall()}
        cursor.execute(UNFIT_OF_LINES, parameters)
        changed = {}
        for pk, name, platform in cursor.fetchall():
            if platform:
                elsewhere.setdefault(pk, (name, platform))
            else:
                changed[pk] = name
    reasons = {
        pk: f"{name} was changed after its charge came onto this invoice"
        for pk, name in changed.items()
    }
    reasons |= {
        pk: f"It holds {name}, which is billed on {platform}"
        for pk, (name, platform) in elsewhere.items()
    }
    return reasons
