"""What another platform bills never reaches an invoice here (L-10..L-12, X-2); pick-up's work list.

``purchase_route_is_in_house`` looks at every statement that puts purchases on invoices: the route
of an order line's track decides where there is a line, else the up-front route of the item.
``invoice_routes_are_in_house`` looks again when invoices are locked or approved, for a route that
became external after the purchase was put there. ``line_route_is_not_invoiced`` keeps a charge
that is in approval or approved from being sent to another platform as well.

``line_to_check`` keeps the work list of pick-up. All of them plan anew where the size of what they
look at varies, see 0009.
"""

from django.db import migrations

EXTERNAL = """
    EXISTS (SELECT FROM inventory_billingplatform b WHERE NOT b.is_in_house AND b.id = {route})
"""
LINE_ROUTE = "CASE t.track WHEN 'upfront' THEN l.upfront_route_id ELSE l.recurring_route_id END"

GUARDS = f"""
CREATE FUNCTION invoicing_purchase_route_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender text;
BEGIN
  EXECUTE $query$
    SELECT t.reference FROM touched t JOIN inventory_catalogueitem i ON i.id = t.item_id
    WHERE t.invoice_id IS NOT NULL AND t.order_line_id IS NULL
      AND {EXTERNAL.format(route="i.upfront_route_id")}
    UNION ALL
    SELECT t.reference FROM touched t JOIN orders_orderline l ON l.id = t.order_line_id
    WHERE t.invoice_id IS NOT NULL AND {EXTERNAL.format(route=LINE_ROUTE)}
    LIMIT 1
  $query$ INTO offender;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'purchase % is billed on another platform', offender
      USING ERRCODE = 'check_violation', CONSTRAINT = 'purchase_route_is_in_house';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER purchase_route_is_in_house AFTER INSERT ON invoicing_purchase
  REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_route_guard();

CREATE FUNCTION invoicing_purchase_route_update_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender text;
BEGIN
  EXECUTE $query$
    WITH t AS (
      SELECT n.* FROM touched n JOIN before o ON o.id = n.id
      WHERE n.invoice_id IS NOT NULL
        AND (n.invoice_id, n.item_id, n.order_line_id, n.track)
            IS DISTINCT FROM (o.invoice_id, o.item_id, o.order_line_id, o.track)
    )
    SELECT t.reference FROM t JOIN inventory_catalogueitem i ON i.id = t.item_id
    WHERE t.order_line_id IS NULL AND {EXTERNAL.format(route="i.upfront_route_id")}
    UNION ALL
    SELECT t.reference FROM t JOIN orders_orderline l ON l.id = t.order_line_id
    WHERE {EXTERNAL.format(route=LINE_ROUTE)}
    LIMIT 1
  $query$ INTO offender;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'purchase % is billed on another platform', offender
      USING ERRCODE = 'check_violation', CONSTRAINT = 'purchase_route_is_in_house';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER purchase_route_is_in_house_update AFTER UPDATE ON invoicing_purchase
  REFERENCING OLD TABLE AS before NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION invoicing_purchase_route_update_guard();

CREATE FUNCTION invoicing_invoice_route_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE offender bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM touched WHERE status IN ('approving', 'approved')) THEN
    RETURN NULL;
  END IF;
  EXECUTE $query$
    SELECT v.id FROM touched v
    JOIN invoicing_purchase t ON t.invoice_id = v.id AND t.order_line_id IS NULL
    JOIN inventory_catalogueitem i ON i.id = t.item_id
    WHERE v.status IN ('approving', 'approved')
      AND {EXTERNAL.format(route="i.upfront_route_id")}
    UNION ALL
    SELECT v.id FROM touched v
    JOIN invoicing_purchase t ON t.invoice_id = v.id AND t.order_line_id IS NOT NULL
    JOIN orders_orderline l ON l.id = t.order_line_id
    WHERE v.status IN ('approving', 'approved') AND {EXTERNAL.format(route=LINE_ROUTE)}
    LIMIT 1
  $query$ INTO offender;
  IF offender IS NOT NULL THEN
    RAISE EXCEPTION 'invoice % holds what is billed on another platform', offender
      USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_routes_are_in_house';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_routes_are_in_house AFTER UPDATE ON invoicing_invoice
  REFERENCING NEW TABLE AS touched
  FOR EACH STATEMENT EXECUTE FUNCTION invoicing_invoice_route_guard();

CREATE FUNCTION invoicing_line_route_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.upfront_route_id IS DISTINCT FROM OLD.upfront_route_id
     AND {EXTERNAL.format(route="NEW.upfront_route_id")}
     AND EXISTS (SELECT FROM invoicing_purchase p JOIN invoicing_invoice v ON v.id = p.invoice_id
                 WHERE p.order_line_id = NEW.id AND p.track = 'upfront'
                   AND v.status IN ('approving', 'approved')) THEN
    RAISE EXCEPTION 'the up-front charge of line % is invoiced', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'line_route_is_not_invoiced';
  END IF;
  IF NEW.recurring_route_id IS DISTINCT FROM OLD.recurring_route_id
     AND {EXTERNAL.format(route="NEW.recurring_route_id")} THEN
    IF EXISTS (SELECT FROM invoicing_purchase p JOIN invoicing_invoice v ON v.id = p.invoice_id
               WHERE p.order_line_id = NEW.id AND p.track = 'recurring'
                 AND v.status IN ('approving', 'approved')) THEN
      RAISE EXCEPTION 'the recurring charge of line % is invoiced', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'line_route_is_not_invoiced';
    END IF;
    DELETE FROM invoicing_subscriptionitem WHERE order_line_id = NEW.id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER line_route_is_not_invoiced
  BEFORE UPDATE OF upfront_route_id, recurring_route_id ON orders_orderline
  FOR EACH ROW EXECUTE FUNCTION invoicing_line_route_guard();
"""

# What a charge depends on; compared as rows.
CHARGE = (
    "item_id",
    "label",
    "quantity",
    "upfront_price",
    "upfront_cost",
    "recurring_price",
    "recurring_cost",
    "billing_months",
    "upfront_route_id",
    "recurring_route_id",
    "upfront_status",
    "recurring_status",
    "upfront_do_not_bill",
    "recurring_do_not_bill",
    "cli",
    "connection_date",
    "activation_date",
    "delivery_date",
    "completion_date",
    "bill_start_computed",
    "bill_start_override",
    "asset_id",
)


def _row(name: str) -> str:
    return f"ROW({', '.join(f'{name}.{column}' for column in CHARGE)})"


def _is_ours(name: str) -> str:
    """A charge that is not routed to another platform; ``house`` is the in-house platform."""
    return " OR ".join(
        f"({name}.{track}_price > 0 AND coalesce({name}.{track}_route_id, house) = house)"
        for track in ("upfront", "recurring")
    )


WORK_LIST = f"""
CREATE FUNCTION invoicing_line_to_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE house bigint;
BEGIN
  SELECT coalesce(max(id), 0) INTO house FROM inventory_billingplatform WHERE is_in_house;
  IF {_is_ours("NEW")} OR (TG_OP = 'UPDATE' AND ({_is_ours("OLD")})) THEN
    INSERT INTO invoicing_linecheck (line_id, look_on) VALUES (NEW.id, '2000-01-01')
    ON CONFLICT (line_id) DO UPDATE SET look_on = excluded.look_on
      WHERE invoicing_linecheck.look_on <> excluded.look_on;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER line_to_check AFTER UPDATE ON orders_orderline FOR EACH ROW
  WHEN ((NEW.asset_id IS NOT NULL OR OLD.asset_id IS NOT NULL)
        AND {_row("NEW")} IS DISTINCT FROM {_row("OLD")})
  EXECUTE FUNCTION invoicing_line_to_check();
CREATE TRIGGER line_to_check_insert AFTER INSERT ON orders_orderline FOR EACH ROW
  WHEN (NEW.asset_id IS NOT NULL) EXECUTE FUNCTION invoicing_line_to_check();

INSERT INTO invoicing_linecheck (line_id, look_on)
SELECT l.id, '2000-01-01' FROM orders_orderline l,
  (SELECT coalesce(max(id), 0) AS house FROM inventory_billingplatform WHERE is_in_house) b
WHERE l.asset_id IS NOT NULL AND ({_is_ours("l")});
"""

DOWN = """
DROP TRIGGER line_to_check_insert ON orders_orderline;
DROP TRIGGER line_to_check ON orders_orderline;
DROP FUNCTION invoicing_line_to_check();
DROP TRIGGER line_route_is_not_invoiced ON orders_orderline;
DROP FUNCTION invoicing_line_route_guard();
DROP TRIGGER invoice_routes_are_in_house ON invoicing_invoice;
DROP FUNCTION invoicing_invoice_route_guard();
DROP TRIGGER purchase_route_is_in_house_update ON invoicing_purchase;
DROP FUNCTION invoicing_purchase_route_update_guard();
DROP TRIGGER purchase_route_is_in_house ON invoicing_purchase;
DROP FUNCTION invoicing_purchase_route_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0012_pick_up"), ("orders", "0002_work_stacks")]

    operations = [migrations.RunSQL(GUARDS + WORK_LIST, DOWN)]
