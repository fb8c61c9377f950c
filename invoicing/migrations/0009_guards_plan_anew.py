"""The guards of items and purchases plan their query for every statement.

PL/pgSQL keeps the plan of the first call in a session. Planned for a statement that touched no row,
it read all invoices for every touched row from then on: hours for a file of 500,000 purchases.
``EXECUTE`` plans for the rows at hand.
"""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION invoicing_{what}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender bigint;
BEGIN
  EXECUTE $query$
    SELECT i.id FROM invoicing_invoice i
    WHERE i.id IN (SELECT t.invoice_id FROM touched t) AND {locked} LIMIT 1
  $query$ INTO offender;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION '{refusal}', offender USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION invoicing_{what}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender bigint;
BEGIN
  SELECT i.id INTO offender FROM touched t JOIN invoicing_invoice i ON i.id = t.invoice_id
    WHERE {locked} LIMIT 1;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION '{refusal}', offender USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
"""
ITEMS = {
    "what": "item",
    "locked": "i.status <> 'pending'",
    "refusal": "items of invoice % change only while it is pending",
}
PURCHASES = {
    "what": "purchase",
    "locked": "i.status IN ('approving', 'approved', 'closed')",
    "refusal": "purchases of invoice % are locked",
}


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0008_fewer_indexes")]

    operations = [
        migrations.RunSQL(GUARD.format(**values), BEFORE.format(**values))
        for values in (ITEMS, PURCHASES)
    ]
