"""The ledger is append-only and continuous in the database itself; trees keep their paths."""

from django.db import migrations

from billing_site.web.trees import TREE_FUNCTION, tree_triggers

PLACE, UNPLACE = tree_triggers("ledger_customercluster")

LEDGER = """
CREATE FUNCTION ledger_entry_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ledger entries are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION ledger_entry_refuse_change();

CREATE FUNCTION ledger_entry_continue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  seen_sequence bigint;
  seen_balance numeric;
  account_currency text;
BEGIN
  SELECT a.last_sequence, a.balance, c.currency INTO seen_sequence, seen_balance, account_currency
    FROM ledger_contractaccount a JOIN ledger_contract c ON c.id = a.contract_id
    WHERE a.id = NEW.account_id FOR UPDATE OF a;
  IF NEW.sequence <> seen_sequence + 1 THEN
    RAISE EXCEPTION 'ledger entry % of account % does not follow entry %',
      NEW.sequence, NEW.account_id, seen_sequence USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.balance <> seen_balance + NEW.amount THEN
    RAISE EXCEPTION 'ledger entry % of account %: balance % is not % plus %',
      NEW.sequence, NEW.account_id, NEW.balance, seen_balance, NEW.amount
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.currency <> account_currency THEN
    RAISE EXCEPTION 'account % is kept in %, not in %', NEW.account_id, account_currency,
      NEW.currency USING ERRCODE = 'check_violation';
  END IF;
  UPDATE ledger_contractaccount SET balance = NEW.balance, last_sequence = NEW.sequence
    WHERE id = NEW.account_id;
  RETURN NULL;
END $$;
-- AFTER: a row skipped by ON CONFLICT DO NOTHING must not move the balance.
CREATE TRIGGER ledger_entry_continues AFTER INSERT ON ledger_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION ledger_entry_continue();

CREATE FUNCTION ledger_account_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() > 1 THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the balance of an account moves by ledger entries only'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_account_balance_follows BEFORE UPDATE ON ledger_contractaccount
  FOR EACH ROW WHEN (OLD.balance IS DISTINCT FROM NEW.balance
    OR OLD.last_sequence IS DISTINCT FROM NEW.last_sequence
    OR OLD.contract_id IS DISTINCT FROM NEW.contract_id)
  EXECUTE FUNCTION ledger_account_refuse_change();
CREATE TRIGGER ledger_account_begins_empty BEFORE INSERT ON ledger_contractaccount
  FOR EACH ROW WHEN (NEW.balance <> 0 OR NEW.last_sequence <> 0)
  EXECUTE FUNCTION ledger_account_refuse_change();
"""

LEDGER_DOWN = """
DROP TRIGGER ledger_account_begins_empty ON ledger_contractaccount;
DROP TRIGGER ledger_account_balance_follows ON ledger_contractaccount;
DROP FUNCTION ledger_account_refuse_change();
DROP TRIGGER ledger_entry_continues ON ledger_ledgerentry;
DROP FUNCTION ledger_entry_continue();
DROP TRIGGER ledger_entry_append_only ON ledger_ledgerentry;
DROP FUNCTION ledger_entry_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(TREE_FUNCTION, "DROP FUNCTION web_tree_place();"),
        migrations.RunSQL(PLACE, UNPLACE),
        migrations.RunSQL(LEDGER, LEDGER_DOWN),
    ]
