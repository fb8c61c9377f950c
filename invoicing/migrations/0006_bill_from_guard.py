"""Bill From has no effect once there is an invoice, so it does not change any more (H-CB6).

The rule is here and not in ledger, which knows no invoices; ledger words the refusal by the name
of the constraint.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION invoicing_bill_from_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM invoicing_invoice WHERE customer_id = NEW.id) THEN
    RAISE EXCEPTION 'customer % has invoices, so Bill From stays', NEW.code
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'customer_bill_from_is_used';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER customer_bill_from_is_used BEFORE UPDATE ON ledger_customer
  FOR EACH ROW WHEN (OLD.bill_from IS DISTINCT FROM NEW.bill_from)
  EXECUTE FUNCTION invoicing_bill_from_guard();
"""
DOWN = """
DROP TRIGGER customer_bill_from_is_used ON ledger_customer;
DROP FUNCTION invoicing_bill_from_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0005_pricing_sweep"), ("ledger", "0002_guards")]

    operations = [migrations.RunSQL(GUARD, DOWN)]
