"""The statements of the purchase import; ``purchase_imports`` says what they are for."""

import json
from collections.abc import Sequence

from invoicing.imports.rows import RowError

# What a file states of a purchase, in the order of ParsedRow after its errors.
STATED = (
    "reference",
    "customer_code",
    "product_code",
    "label",
    "quantity",
    "unit",
    "currency",
    "purchased_at",
    "ended_at",
    "unit_price_override",
    "total_override",
    "cost_override",
    "invoice_reference",
    "source_updated_at",
    "metadata",
)
COMPARED = tuple(name for name in STATED if name not in ("reference", "source_updated_at"))


def _columns(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


COPY_ROWS = f"""
COPY invoicing_importrow (batch_id, number, verdict, note, errors, {", ".join(STATED)}) FROM STDIN
"""
# The second and later rows of one reference within a file.
MARK_TWINS = """
UPDATE invoicing_importrow r
SET verdict = 'error', errors = jsonb_build_array(jsonb_build_array('', format(
  'The reference %%s is in row %%s already: every purchase needs its own. Remove one of the rows.',
  r.reference, t.first)))
FROM (
  SELECT reference, min(number) AS first FROM invoicing_importrow
  WHERE batch_id = %(batch)s AND reference <> '' GROUP BY reference HAVING count(*) > 1
) t
WHERE r.batch_id = %(batch)s AND r.reference = t.reference AND r.number > t.first
  AND r.verdict <> 'error'
"""
# Same content: unchanged. Else a locked invoice and an older or equal source date keep the stored
# purchase; a row without a date is newer only than a purchase without one.
SET_VERDICTS = f"""
UPDATE invoicing_importrow r
SET purchase_id = c.id, verdict = c.verdict, note = c.note
FROM (
  SELECT number, id, note,
         CASE WHEN is_same OR note <> '' THEN 'unchanged' ELSE 'changed' END AS verdict
  FROM (
    SELECT r.number, p.id, same.is_same, CASE
      WHEN same.is_same THEN ''
      WHEN p.order_line_id IS NOT NULL THEN
        'Ignored: this is the charge of an order line. Change the line, or give the purchase a '
        'reference of its own.'
      WHEN v.status IN ('approving', 'approved', 'closed') THEN format(
        'Ignored: the purchase is on %%s, which is %%s and cannot change. Bill the difference '
        'as a purchase with its own reference.',
        coalesce('invoice ' || v.number, 'invoice ' || v.reference,
                 'the invoice from ' || v.period_from || ' to ' || v.period_to),
        CASE v.status WHEN 'approving' THEN 'in approval' ELSE v.status END)
      WHEN p.source_updated_at IS NOT NULL AND r.source_updated_at IS NULL THEN format(
        'Ignored: the row has no source date, the stored purchase is of %%s.', stored.moment)
      WHEN r.source_updated_at = p.source_updated_at THEN format(
        'Ignored: the stored purchase has the same source date, %%s.', stored.moment)
      WHEN r.source_updated_at < p.source_updated_at THEN format(
        'Ignored: the row is older than the stored purchase, which is of %%s.', stored.moment)
      ELSE '' END AS note
    FROM invoicing_importrow r
    JOIN invoicing_purchase p ON p.reference = r.reference
    LEFT JOIN invoicing_invoice v ON v.id = p.invoice_id
    CROSS JOIN LATERAL (
      SELECT ROW({_columns("p", COMPARED)}) IS NOT DISTINCT FROM ROW({_columns("r", COMPARED)})
        AS is_same) same
    CROSS JOIN LATERAL (
      SELECT to_char(p.source_updated_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD HH24:MI')
        AS moment) stored
    WHERE r.batch_id = %(batch)s AND r.verdict <> 'error'
  ) judged
) c
WHERE r.batch_id = %(batch)s AND r.number = c.number
  AND (r.purchase_id, r.verdict, r.note) IS DISTINCT FROM (c.id, c.verdict, c.note)
"""  # noqa: S608 - names of our own columns
COUNT_VERDICTS = """
SELECT verdict, count(*) FROM invoicing_importrow WHERE batch_id = %s GROUP BY verdict
"""
STAGED_SOURCE = """
SELECT number AS id, customer_code, product_code, currency, purchased_at, invoice_reference,
       quantity, NULL::bigint AS order_line_id, '' AS track, unit,
       coalesce(unit_price_override, total_override) IS NOT NULL AS brings_price
FROM invoicing_importrow WHERE batch_id = %(batch)s AND verdict IN ('new', 'changed')
"""
# The invoices that changed purchases are on now.
CURRENT_INVOICES = """
SELECT p.invoice_id FROM invoicing_importrow r JOIN invoicing_purchase p ON p.id = r.purchase_id
WHERE r.batch_id = %s AND r.verdict = 'changed' AND p.invoice_id IS NOT NULL
"""
# A late purchase that a person put on another invoice of the contract stays there.
KEEP_ROUTED = """
UPDATE purchase_mapping m SET invoice_id = p.invoice_id, reason = ''
FROM invoicing_importrow r
JOIN invoicing_purchase p ON p.id = r.purchase_id
JOIN invoicing_invoice v ON v.id = p.invoice_id AND v.status IN ('pending', 'open', 'error')
WHERE r.batch_id = %(batch)s AND r.verdict = 'changed' AND m.id = r.number
  AND m.reason IN ('period_finished', 'invoice_locked') AND v.contract_id = m.contract_id
"""
# What the mapping found is written beside the rows, for the preview.
FORETELL_INVOICES = """
INSERT INTO invoicing_foretoldinvoice (batch_id, number, invoice_id)
SELECT %(batch)s, id, invoice_id FROM purchase_mapping WHERE invoice_id IS NOT NULL ORDER BY id
"""
FORETELL_REASONS = """
UPDATE invoicing_importrow r SET unmapped_reason = m.reason
FROM purchase_mapping m WHERE r.batch_id = %(batch)s AND r.number = m.id AND m.reason <> ''
"""
COUNT_FORETOLD = "SELECT reason, count(*) FROM purchase_mapping WHERE reason <> '' GROUP BY reason"
# The first step spares the medians of products whose quantities lie close together anyway.
MARK_LARGE = """
WITH spread AS (
  SELECT product_code, lower(unit) AS unit FROM invoicing_importrow
  WHERE batch_id = %(batch)s AND verdict <> 'error' AND quantity <> 0
  GROUP BY product_code, lower(unit)
  HAVING count(*) >= %(least)s AND max(abs(quantity)) > %(times)s * min(abs(quantity))
), usual AS (
  SELECT s.product_code, s.unit,
         percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(r.quantity)) AS median
  FROM invoicing_importrow r
  JOIN spread s ON s.product_code = r.product_code AND s.unit = lower(r.unit)
  WHERE r.batch_id = %(batch)s AND r.verdict <> 'error' AND r.quantity <> 0
  GROUP BY s.product_code, s.unit
)
UPDATE invoicing_importrow r SET is_large = true
FROM usual u
WHERE r.batch_id = %(batch)s AND r.verdict IN ('new', 'changed')
  AND r.product_code = u.product_code AND lower(r.unit) = u.unit
  AND abs(r.quantity) > %(times)s * u.median
"""
UPDATE_CHANGED = f"""
UPDATE invoicing_purchase p
SET import_batch_id = r.batch_id, customer_id = m.customer_id, item_id = m.item_id,
    contract_id = m.contract_id, invoice_id = m.invoice_id, unmapped_reason = m.reason,
    purchased_on = m.day, metered_quantity = m.metered_quantity,
    {", ".join(f"{name} = r.{name}" for name in STATED if name != "reference")}
FROM invoicing_importrow r JOIN purchase_mapping m ON m.id = r.number
WHERE r.batch_id = %(batch)s AND r.verdict = 'changed' AND p.id = r.purchase_id
"""  # noqa: S608 - names of our own columns
# The same content from a newer source: the date is kept, so that older rows stay older.
TOUCH_UNCHANGED = """
UPDATE invoicing_purchase p SET source_updated_at = r.source_updated_at
FROM invoicing_importrow r
WHERE r.batch_id = %(batch)s AND r.verdict = 'unchanged' AND r.note = '' AND p.id = r.purchase_id
  AND r.source_updated_at > coalesce(p.source_updated_at, '-infinity')
  AND NOT EXISTS (SELECT FROM invoicing_invoice v WHERE v.id = p.invoice_id
                  AND v.status IN ('approving', 'approved', 'closed'))
"""
INSERT_NEW = f"""
INSERT INTO invoicing_purchase (import_batch_id, customer_id, item_id, contract_id, invoice_id,
  unmapped_reason, purchased_on, metered_quantity, created_at, {", ".join(STATED)})
SELECT r.batch_id, m.customer_id, m.item_id, m.contract_id, m.invoice_id, m.reason, m.day,
       m.metered_quantity, %(at)s, {_columns("r", STATED)}
FROM invoicing_importrow r JOIN purchase_mapping m ON m.id = r.number
WHERE r.batch_id = %(batch)s AND r.verdict = 'new' AND r.number BETWEEN %(first)s AND %(last)s
  AND m.id BETWEEN %(first)s AND %(last)s
ORDER BY r.number
"""  # noqa: S608 - names of our own columns


def as_json(errors: Sequence[RowError]) -> str:
    """Errors of a row as they are kept: a list of [column, sentence]."""
    return json.dumps(errors, ensure_ascii=False) if errors else "[]"
