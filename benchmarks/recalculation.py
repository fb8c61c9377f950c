"""Recalculation of pending invoices, beside a raw COPY of the item rows it writes.

20,000 invoices with 25 purchases of 25 different products each: the dearest case, one item per
purchase. Rules: a price per category that changes within the period, a ladder, a price for one
cluster, a discount, two VAT rates. Everything is on as in production: audit triggers, guards,
foreign keys, indexes. The rounds of floor and calculation alternate; medians are shown.
"""

import argparse
import datetime as dt
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.figures import Figure

TITLE = "Recalculation"
PURCHASES = 25
PRODUCTS = 60
MONTHS = 10
ROUNDS = 3

FILL = """
INSERT INTO ledger_customercluster (id, name, parent_id, path)
  SELECT n, 'Cluster ' || n, CASE WHEN n = 1 THEN NULL WHEN n <= 5 THEN 1 ELSE 2 + n %% 4 END, '{}'
  FROM generate_series(1, 20) n;
INSERT INTO inventory_productcategory (id, name, parent_id, path)
  SELECT n, 'Category ' || n, CASE WHEN n = 1 THEN NULL WHEN n <= 4 THEN 1 ELSE 2 + n %% 3 END, '{}'
  FROM generate_series(1, 12) n;
INSERT INTO inventory_catalogueitem (id, code, name, kind, item_type, category_id, unit,
    recurring_price, recurring_cost, metering_minimum, active)
  SELECT n, 'P' || lpad(n::text, 4, '0'), 'Product number ' || n, 'service', 'usage',
         2 + n %% 11, 'unit', 0.0123 * n, 0.0101 * n, 0, true
  FROM generate_series(1, %(products)s) n;
INSERT INTO ledger_customer (id, code, name, cluster_id, bill_from, frequency_count,
    frequency_unit, align_with_calendar, suspended, suspended_reason, time_zone, language,
    contact_name, phone, email, vat_id, metadata, created_at, street, postal_code, city, country)
  SELECT n, 'C' || n, 'Customer ' || n, 1 + n %% 20, '2026-01-01', 1, 'month', true, false, '',
         'Europe/Berlin', 'en', '', '', '', '', '{}', now(), '', '', '', 'DE'
  FROM generate_series(1, %(customers)s) n;
INSERT INTO ledger_contract (id, customer_id, reference, currency, terms_kind, terms_days,
    terms_months, is_default)
  SELECT id, id, 'V' || id, 'EUR', 'net_days', 14, 0, true FROM ledger_customer;
"""
PURCHASE_ROWS = """
INSERT INTO invoicing_purchase (reference, customer_code, product_code, label, customer_id,
    contract_id, item_id, invoice_id, unmapped_reason, invoice_reference, purchased_at,
    purchased_on, quantity, metered_quantity, unit, currency, metadata, created_at)
  SELECT v.id || '-' || n, 'C' || v.customer_id, 'P', '', v.customer_id, v.contract_id,
         1 + (v.id * 7 + n) %% %(products)s, v.id, '', '', day, day,
         1 + (v.id + n) %% 97 + n * 0.125, 1 + (v.id + n) %% 97 + n * 0.125, '', 'EUR', '{}', now()
  FROM invoicing_invoice v, generate_series(1, %(purchases)s) n,
       LATERAL (SELECT v.period_from + n %% 28 AS day) days
"""
RESET = """
TRUNCATE invoicing_invoiceitem;
UPDATE invoicing_invoice SET status = 'pending', items_digest = '', error = '';
"""
PENDING = "UPDATE invoicing_invoice SET status = 'pending'"
FORGET = "UPDATE invoicing_invoice SET status = 'pending', items_digest = ''"


def add_arguments(parser: Any) -> None:
    parser.add_argument("--invoices", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)


def run(options: argparse.Namespace) -> list[Figure]:
    count = options.invoices
    fill(count)
    ids = invoice_ids()
    assert len(ids) == count, f"{len(ids)} invoices were made, not {count}"
    calculate(ids)
    rows = item_rows()
    floor, ready, one, two = [], [], [], []
    for _ in range(options.rounds):
        reset()
        floor.append(count / timed(lambda: copy_rows(ids, rows)))
        reset()
        ready.append(count / timed(copy_text, *reset_and_text(rows, ids)))
        reset()
        one.append(count / timed(lambda: calculate(ids)))
        reset()
        two.append(count / calculate_with_processes(ids, 2))
    calculate(ids)  # what the last round left is complete already
    execute(FORGET)
    again = count / timed(lambda: calculate(ids))
    execute(PENDING)
    unchanged = count / timed(lambda: calculate(ids))
    queries = [queries_of(ids[:size]) for size in (10, min(1000, count))]
    loop = naive(ids[: min(100, count)])
    base, raw, single, double = map(statistics.median, (floor, ready, one, two))
    unit, by = "invoices/s", "COPY of the ready rows"
    return [
        Figure("floor: COPY of the ready rows", base, unit),
        Figure("server's floor: COPY of ready text", raw, unit, raw / base, by),
        Figure("calculation, 1 worker", single, unit, single / base, by, 0.40, 0.55),
        Figure("calculation, 2 workers", double, unit, double / base, by, 0.70, 0.95),
        Figure("2 workers beside 1", double, unit, double / single, "1 worker", 1.7, 1.9),
        Figure("again, all items rewritten", again, unit, again / base, by),
        Figure("again, nothing changed", unchanged, unit, unchanged / base, by),
        Figure("loop over the ORM, one by one", loop, unit),
        Figure("calculation beside the loop", single, unit, single / loop, "loop", 60, 100),
        Figure("queries, batch of 10", queries[0], "queries"),
        Figure(
            f"queries, batch of {min(1000, count)}", queries[1], "queries",
            queries[1] / queries[0], "batch of 10", 1, at_most=True,
        ),
        Figure("items written per invoice", len(rows) / count, "items"),
    ]  # fmt: skip


def fill(invoices: int) -> None:
    """Make the firm: customers with ten months each, rules, purchases."""
    from invoicing.services.periods import create_due_invoices
    from invoicing.services.rules import create_rule

    customers = -(-invoices // MONTHS)
    execute(FILL, products=PRODUCTS, customers=customers)
    make_rules(create_rule)
    create_due_invoices(at=dt.datetime(2026, MONTHS, 15, tzinfo=dt.UTC))
    execute(
        "DELETE FROM invoicing_invoice WHERE id NOT IN "
        "(SELECT id FROM invoicing_invoice ORDER BY id LIMIT %(invoices)s)",
        invoices=invoices,
    )
    execute(PURCHASE_ROWS, products=PRODUCTS, purchases=PURCHASES)
    vacuum()


def make_rules(create_rule: Callable[..., Any]) -> None:
    from decimal import Decimal

    from invoicing.rules.price import Tier

    start = dt.date(2026, 1, 1)
    create_rule(name="Catalogue price", operator="price", valid_from=start)
    for category in range(2, 10):
        for place, (first, last) in enumerate(
            [(start, dt.date(2026, 5, 14)), (dt.date(2026, 5, 15), None)]
        ):
            create_rule(
                name=f"Price of category {category}, {place}",
                operator="price",
                product_category_id=category,
                value=Decimal(category + place) / 7 // Decimal("0.0001") * Decimal("0.0001"),
                fee=Decimal("0.05") if category == 4 else Decimal(0),
                valid_from=first,
                valid_to=last,
            )
    tiers = [Tier(Decimal(20), Decimal("0.9"), Decimal(1)), Tier(Decimal(60), Decimal("0.8"))]
    for category, mode in ((10, "graduated"), (11, "volume")):
        create_rule(
            name=f"Ladder {mode}",
            operator="price_ladder",
            ladder_mode=mode,
            product_category_id=category,
            tiers=[*tiers, Tier(None, Decimal("0.7"))],
            valid_from=start,
        )
    create_rule(
        name="Price for one cluster",
        operator="price",
        customer_cluster_id=2,
        product_category_id=5,
        value=Decimal("0.5"),
        valid_from=start,
    )
    create_rule(
        name="Discount",
        operator="adjust_percentage",
        percentage=Decimal(-4),
        product_category_id=3,
        valid_from=start,
    )
    for name, percentage, category in (("VAT 19 %", 19, None), ("VAT 7 %", 7, 4)):
        create_rule(
            name=name,
            operator="vat",
            percentage=percentage,
            product_category_id=category,
            valid_from=start,
        )


def execute(statement: str, **values: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for part in statement.split(";\n"):
            if part.strip():
                cursor.execute(part, values or None)


def vacuum() -> None:
    execute("VACUUM (ANALYZE)")
    execute("CHECKPOINT")


def reset() -> None:
    execute(RESET)
    vacuum()


def invoice_ids() -> list[int]:
    from invoicing.models import Invoice

    return list(Invoice.objects.order_by("pk").values_list("pk", flat=True))


def timed(call: Callable[..., object], *arguments: object) -> float:
    begun = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begun


def calculate(ids: Sequence[int]) -> None:
    from invoicing.services.calculation import calculate_invoices

    report = calculate_invoices(invoice_ids=ids, at=dt.datetime.now(dt.UTC))
    assert not report.failed, list(report.failed.values())[:1]


def calculate_with_processes(ids: Sequence[int], workers: int) -> float:
    """Return the seconds that ``workers`` processes take; starting them does not count."""
    from django.db import connection

    from invoicing.services.calculation import BATCH_SIZE

    batches = [ids[start : start + BATCH_SIZE] for start in range(0, len(ids), BATCH_SIZE)]
    connection.close()
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(workers + 1)
    work = context.Queue()
    for batch in [*batches, *([None] * workers)]:
        work.put(batch)
    processes = [context.Process(target=_work, args=(ready, work)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    begun = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - begun
    assert all(process.exitcode == 0 for process in processes), "a worker failed"
    return seconds


def _work(ready: Any, work: Any) -> None:
    from django.db import connection

    connection.ensure_connection()
    ready.wait()
    while (batch := work.get()) is not None:
        calculate(batch)


COLUMNS = (
    "invoice_id, position, kind, rule_id, item_id, label, category, quantity, unit, unit_price, "
    "stated, exact_amount, amount, cost, percentage, base_positions, spans, purchase_count"
)
COPY = f"COPY invoicing_invoiceitem ({COLUMNS}) FROM STDIN"


def item_rows() -> list[tuple]:
    """The rows that the calculation wrote, as Python values ready to be written again."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS.replace('spans', 'spans::text')} "
            "FROM invoicing_invoiceitem ORDER BY invoice_id, position"
        )
        return cursor.fetchall()


def in_batches(ids: Sequence[int], rows: Sequence[tuple]) -> list[list[tuple]]:
    """The rows of 1,000 invoices at a time, as the calculation writes them."""
    from invoicing.services.calculation import BATCH_SIZE

    batch_of = {pk: place // BATCH_SIZE for place, pk in enumerate(ids)}
    batches: list[list[tuple]] = [[] for _ in range(-(-len(ids) // BATCH_SIZE))]
    for row in rows:
        batches[batch_of[row[0]]].append(row)
    return batches


def copy_rows(ids: Sequence[int], rows: Sequence[tuple]) -> None:
    from django.db import connection, transaction

    for batch in in_batches(ids, rows):
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in batch:
                copy.write_row(row)


def reset_and_text(rows: Sequence[tuple], ids: Sequence[int]) -> tuple[list[bytes]]:
    """Return the text that COPY gives for the rows, by batch, and empty the table again."""
    from django.db import connection

    texts = []
    with connection.cursor() as cursor:
        copy_rows(ids, rows)
        for batch in in_batches(ids, rows):
            owners = sorted({row[0] for row in batch})
            with cursor.copy(
                f"COPY (SELECT {COLUMNS} FROM invoicing_invoiceitem "
                f"WHERE invoice_id BETWEEN {owners[0]} AND {owners[-1]}) TO STDOUT"
            ) as copy:
                texts.append(b"".join(bytes(block) for block in copy))
    reset()
    return (texts,)


def copy_text(texts: Sequence[bytes]) -> None:
    from django.db import connection, transaction

    for text in texts:
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(text)


def queries_of(ids: Sequence[int]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    execute(FORGET)
    with CaptureQueriesContext(connection) as queries:
        calculate(ids)
    return len(queries)


def naive(ids: Sequence[int]) -> float:
    """Invoices per second of a loop that asks for rules per purchase and creates row by row."""
    from decimal import Decimal

    from django.db import transaction

    from invoicing.models import Invoice, InvoiceItem, PricingRule

    execute(RESET)
    vacuum()

    def rule_of(operators: Sequence[str], purchase: Any, cluster: Any) -> Any:
        rules = PricingRule.objects.valid_on(purchase.purchased_on).filter(operator__in=operators)
        fitting = [
            rule
            for rule in rules.select_related("product_category", "customer_cluster")
            if (
                rule.product_category is None
                or rule.product_category_id in purchase.item.category.path
            )
            and (rule.customer_cluster is None or rule.customer_cluster_id in cluster.path)
        ]
        return max(
            fitting,
            key=lambda rule: (
                len(rule.customer_cluster.path) if rule.customer_cluster else 0,
                len(rule.product_category.path) if rule.product_category else 0,
                -rule.order,
            ),
        )

    def price_of(rule: Any, purchase: Any) -> Decimal:
        quantity = purchase.metered_quantity
        if rule.operator == "price":
            value = purchase.item.recurring_price if rule.value is None else rule.value
            return value * quantity + rule.fee
        tiers = sorted(rule.tiers.all(), key=lambda tier: (tier.up_to is None, tier.up_to))
        reached = next(t for t in tiers if t.up_to is None or quantity <= t.up_to)
        return reached.unit_price * quantity + reached.flat_fee

    def one_invoice(pk: int) -> None:
        with transaction.atomic():
            invoice = Invoice.objects.select_for_update().get(pk=pk)
            cluster = invoice.customer.cluster
            net = vat = Decimal(0)
            for position, purchase in enumerate(invoice.purchases.all(), start=1):
                rule = rule_of(("price", "price_ladder"), purchase, cluster)
                rate = rule_of(("vat",), purchase, cluster)
                exact = price_of(rule, purchase)
                amount = round(exact, 2)
                InvoiceItem.objects.create(
                    invoice=invoice, position=position, kind="price", rule=rule,
                    item=purchase.item, label=purchase.item.name, quantity=purchase.quantity,
                    category=purchase.item.category.name, exact_amount=exact, amount=amount,
                )  # fmt: skip
                net += amount
                vat += round(amount * rate.percentage / 100, 2)
            invoice.record_result(at=dt.datetime.now(dt.UTC))
            invoice.net_total, invoice.vat_total, invoice.gross_total = net, vat, net + vat
            invoice.save()

    begun = time.perf_counter()
    for pk in ids:
        one_invoice(pk)
    return len(ids) / (time.perf_counter() - begun)
