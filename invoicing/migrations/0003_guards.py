"""What the database itself refuses: changes below a locked invoice, and gaps in its numbers."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION invoicing_item_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender bigint;
BEGIN
  SELECT i.id INTO offender FROM touched t JOIN invoicing_invoice i ON i.id = t.invoice_id
    WHERE i.status <> 'pending' LIMIT 1;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'items of invoice % change only while it is pending', offender
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER item_invoice_is_pending_insert AFTER INSERT ON invoicing_invoiceitem
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_item_guard();
CREATE TRIGGER item_invoice_is_pending_update AFTER UPDATE ON invoicing_invoiceitem
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_item_guard();
CREATE TRIGGER item_invoice_is_pending_moved AFTER UPDATE ON invoicing_invoiceitem
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_item_guard();
CREATE TRIGGER item_invoice_is_pending_delete AFTER DELETE ON invoicing_invoiceitem
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_item_guard();

CREATE FUNCTION invoicing_purchase_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender bigint;
BEGIN
  SELECT i.id INTO offender FROM touched t JOIN invoicing_invoice i ON i.id = t.invoice_id
    WHERE i.status IN ('approving', 'approved', 'closed') LIMIT 1;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'purchases of invoice % are locked', offender
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER purchase_invoice_unlocked_insert AFTER INSERT ON invoicing_purchase
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_guard();
CREATE TRIGGER purchase_invoice_unlocked_update AFTER UPDATE ON invoicing_purchase
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_guard();
CREATE TRIGGER purchase_invoice_unlocked_moved AFTER UPDATE ON invoicing_purchase
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_guard();
CREATE TRIGGER purchase_invoice_unlocked_delete AFTER DELETE ON invoicing_purchase
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_guard();

CREATE FUNCTION invoicing_number_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  handed_out bigint;
  first bigint;
  earlier timestamptz;
BEGIN
  SELECT c.last_number, s.first_number INTO handed_out, first
    FROM invoicing_numbercounter c JOIN invoicing_numberscheme s ON s.id = c.scheme_id
    WHERE c.id = NEW.number_counter_id;
  IF NEW.number_sequence > handed_out THEN
    RAISE EXCEPTION 'number % was not handed out by its counter', NEW.number
      USING ERRCODE = 'check_violation';
  END IF;
  SELECT approved_at INTO earlier FROM invoicing_invoice
    WHERE number_counter_id = NEW.number_counter_id
      AND number_sequence = NEW.number_sequence - 1;
  IF NOT FOUND AND (NEW.number_sequence <> first OR EXISTS (SELECT FROM invoicing_invoice
      WHERE number_counter_id = NEW.number_counter_id
        AND number_sequence < NEW.number_sequence)) THEN
    RAISE EXCEPTION 'number % leaves a gap before it', NEW.number
      USING ERRCODE = 'check_violation';
  END IF;
  IF earlier > NEW.approved_at THEN
    RAISE EXCEPTION 'number % is issued before the number it follows', NEW.number
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoice_number_continues AFTER UPDATE ON invoicing_invoice
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.number_sequence IS NOT NULL AND OLD.number_sequence IS NULL)
  EXECUTE FUNCTION invoicing_number_guard();
CREATE CONSTRAINT TRIGGER invoice_number_continues_insert AFTER INSERT ON invoicing_invoice
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.number_sequence IS NOT NULL)
  EXECUTE FUNCTION invoicing_number_guard();

CREATE FUNCTION invoicing_counter_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM invoicing_numbercounter c JOIN invoicing_invoice i
      ON i.number_counter_id = c.id AND i.number_sequence = c.last_number
      WHERE c.id = NEW.id) THEN
    RAISE EXCEPTION 'number % of counter % was handed out but not used', NEW.last_number, NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER counter_numbers_are_used AFTER UPDATE ON invoicing_numbercounter
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.last_number IS DISTINCT FROM OLD.last_number)
  EXECUTE FUNCTION invoicing_counter_guard();
"""

DOWN = """
DROP TRIGGER counter_numbers_are_used ON invoicing_numbercounter;
DROP FUNCTION invoicing_counter_guard();
DROP TRIGGER invoice_number_continues_insert ON invoicing_invoice;
DROP TRIGGER invoice_number_continues ON invoicing_invoice;
DROP FUNCTION invoicing_number_guard();
DROP TRIGGER purchase_invoice_unlocked_insert ON invoicing_purchase;
DROP TRIGGER purchase_invoice_unlocked_update ON invoicing_purchase;
DROP TRIGGER purchase_invoice_unlocked_moved ON invoicing_purchase;
DROP TRIGGER purchase_invoice_unlocked_delete ON invoicing_purchase;
DROP FUNCTION invoicing_purchase_guard();
DROP TRIGGER item_invoice_is_pending_insert ON invoicing_invoiceitem;
DROP TRIGGER item_invoice_is_pending_update ON invoicing_invoiceitem;
DROP TRIGGER item_invoice_is_pending_moved ON invoicing_invoiceitem;
DROP TRIGGER item_invoice_is_pending_delete ON invoicing_invoiceitem;
DROP FUNCTION invoicing_item_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0002_initial")]

    operations = [migrations.RunSQL(GUARDS, DOWN)]
