"""Import of 500,000 purchases: rows per second, peak memory, and the ratio to a raw COPY.

- *floor*: COPY of the same finished rows, ready in memory, into the same table, by ``write_row``.
- *import*: stage the parsed rows, give verdicts, map, write, send the invoices to Pending.
- *whole*: from the CSV file to the end of the import, parsing included, in a process of its own.
"""

import argparse
import csv
import datetime as dt
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import django

from benchmarks.figures import Figure

TITLE = "Import of purchases"
ROUNDS = 2
CUSTOMERS, PRODUCTS, DAYS = 5_000, 300, 31
COLUMNS = (  # noqa: SIM905
    "reference,customer_code,product_code,label,quantity,unit,currency,purchased_at,total"
).split(",")
AT = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


def file_rows(count: int) -> Iterator[list[str]]:
    for n in range(count):
        day, hour = n % DAYS + 1, n % 24
        yield [
            f"BENCH-{n:08}",
            f"B{n % CUSTOMERS:05}",
            f"B{n % PRODUCTS:04}",
            "Voice minutes national",
            f"{n % 97 + 1}.5",
            "minute",
            "EUR",
            f"2026-01-{day:02} {hour:02}:30:00",
            f"{n % 1000}.{n % 100:02}",
        ]


def write_file(path: Path, count: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(file_rows(count))


def make_world() -> None:
    """Customers with a contract and an invoice for January 2026, and products."""
    from django.db import connection

    from inventory.models import CatalogueItem, ProductCategory
    from invoicing.models import Invoice
    from ledger.models import Contract, Customer, CustomerCluster

    cluster = CustomerCluster.objects.create(name="Benchmark")
    category = ProductCategory.objects.create(name="Benchmark")
    customers = Customer.objects.bulk_create(
        Customer(code=f"B{n:05}", name=f"Customer {n}", cluster=cluster, bill_from="2026-01-01")
        for n in range(CUSTOMERS)
    )
    contracts = Contract.objects.bulk_create(
        Contract(customer=customer, reference=customer.code, currency="EUR", is_default=True)
        for customer in customers
    )
    Invoice.objects.bulk_create(
        Invoice(
            customer=contract.customer,
            contract=contract,
            currency="EUR",
            invoice_date="2026-02-01",
            period_from="2026-01-01",
            period_to="2026-01-31",
        )
        for contract in contracts
    )
    CatalogueItem.objects.bulk_create(
        CatalogueItem(code=f"B{n:04}", name=f"Product {n}", category=category)
        for n in range(PRODUCTS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what autovacuum does within a minute


def forget_purchases() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE invoicing_purchase, invoicing_importrow, invoicing_importbatch CASCADE"
        )
        cursor.execute("VACUUM ANALYZE")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def floor(rows: list[tuple], columns: list[str]) -> float:
    """Seconds of a raw COPY of finished rows into the table of purchases."""
    from django.db import connection, transaction

    def copy() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            statement = f"COPY invoicing_purchase ({', '.join(columns)}) FROM STDIN"
            with cursor.copy(statement) as stream:
                for row in rows:
                    stream.write_row(row)

    return timed(copy)


def finished_rows() -> tuple[list[tuple], list[str]]:
    """What an import left in the table, as a COPY would write it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM invoicing_purchase ORDER BY id")
        names = [column.name for column in cursor.description]
        metadata, key = names.index("metadata"), names.index("id")
        batch = names.index("import_batch_id")
        rows = []
        for row in cursor.fetchall():
            values = list(row)
            values[metadata], values[batch] = "{}", None
            del values[key]
            rows.append(tuple(values))
    return rows, [name for name in names if name != "id"]


def staged_import(path: Path) -> float:
    """Seconds from parsed rows in memory to the end of the import."""
    from django.core.files import File
    from django.db import connection, transaction

    from billing_site.web.spreadsheets.reading import open_table
    from invoicing.enums import ImportStatus
    from invoicing.imports.mappings import ColumnMapping
    from invoicing.imports.rows import RowParser
    from invoicing.models import ImportBatch
    from invoicing.services import purchase_imports

    with path.open("rb") as stream:
        batch = purchase_imports.upload_purchases(
            file=File(stream, name=path.name), filename=path.name, owner=None
        )
    with open_table(path, path.name) as table:
        parser = RowParser(table.header, ColumnMapping.from_json(batch.mapping))
        parsed = [parser.parse(*row) for row in table.rows()]

    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            purchase_imports.stage_rows(batch_id=batch.pk, rows=parsed)
            purchase_imports.judge_rows(cursor, batch)
            batch.status = ImportStatus.CHECKED
            batch.save()
        purchase_imports.import_purchases(batch_id=batch.pk, at=AT)

    seconds = timed(run)
    assert ImportBatch.objects.get(pk=batch.pk).rows_new == len(parsed)
    return seconds


def whole_import(path: Path) -> None:
    """From the file to the end of the import; prints seconds and peak memory."""
    from django.core.files import File

    from invoicing.services import purchase_imports

    started = time.perf_counter()
    with path.open("rb") as stream:
        batch = purchase_imports.upload_purchases(
            file=File(stream, name=path.name), filename=path.name, owner=None
        )
    purchase_imports.check_purchases(batch_id=batch.pk)
    checked = time.perf_counter()
    purchase_imports.import_purchases(batch_id=batch.pk, at=AT)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(ended - started, checked - started, ended - checked, peak)


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--purchases", type=int, default=500_000, help="rows of the file")


def run(options: argparse.Namespace) -> list[Figure]:
    """Rows a second of the import beside a raw COPY, of the whole, and its peak memory."""
    count = options.purchases
    make_world()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "purchases.csv"
        write_file(path, count)
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.purchase_import", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        whole, check, commit, peak = map(float, child.stdout.split())
        rows, columns = finished_rows()
        floors, imports = [], []
        for _ in range(ROUNDS):
            forget_purchases()
            floors.append(floor(rows, columns))
            forget_purchases()
            imports.append(staged_import(path))
    best_floor, best_import = min(floors), min(imports)
    peer = "raw COPY"
    return [
        Figure("floor, raw COPY", count / best_floor, "rows/s"),
        Figure(
            "import, parsing excluded",
            count / best_import,
            "rows/s",
            best_floor / best_import,
            peer,
            0.5,
            0.7,
        ),
        Figure("whole, from the file", count / whole, "rows/s"),
        Figure("check of the file", check, "s"),
        Figure("import of the checked rows", commit, "s"),
        Figure("peak memory of the whole", peak, "MB"),
    ]


if __name__ == "__main__":
    django.setup()
    whole_import(Path(sys.argv[1]))
