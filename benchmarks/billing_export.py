"""Billing Export over a million order lines: the page, a transfer of 10,000 lines, a large export.

The lines are written by the database itself: most of them In Billing for long, then those that are
Ready to Bill, the newest not billed yet. The transfer and the export are the jobs that the page
starts, with their outcome per line, their file and its record. Files are compared with the bare
library writing the same cells from memory, without reading them from the database first.
"""

import argparse
import csv
import io
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure

TITLE = "Billing Export"
CUSTOMERS = 2000
LINES_OF_AN_ORDER = 5
LOOP = 100
SPARE = LOOP + 2 * 500 + 100  # lines of the second platform beside those of the transfer
WARM_UP = 3
MEGABYTE = 1 << 20

FILL = """
INSERT INTO inventory_billingplatform (id, name, is_in_house, notes, link, product_columns,
    cli_columns) VALUES (901, 'Affinity', false, 'Upload before noon.', '', '{}', '{}'),
    (902, 'Other', false, '', '', '{}', '{}');
INSERT INTO inventory_productcategory (id, name, parent_id, path)
  VALUES (1, 'All', NULL, ARRAY[1]);
INSERT INTO inventory_catalogueitem (id, code, name, kind, item_type, category_id, unit,
    metering_minimum, active)
  SELECT n, 'P' || n, 'Mobile ' || n, 'service', 'service_with_cli', 1, 'unit', 0, true
  FROM generate_series(1, 20) n;
INSERT INTO ledger_customercluster (id, name, parent_id, path) VALUES (1, 'All', NULL, ARRAY[1]);
INSERT INTO ledger_customer (id, code, name, cluster_id, bill_from, frequency_count,
    frequency_unit, align_with_calendar, suspended, suspended_reason, time_zone, language,
    contact_name, phone, email, vat_id, metadata, created_at, street, postal_code, city, country)
  SELECT n, 'C' || n, 'Customer ' || n, 1, '2020-01-01', 1, 'month', true, false, '',
         'Europe/Berlin', 'en', '', '', '', '', '{}', now(), '', '', '', 'DE'
  FROM generate_series(1, %(customers)s) n;
INSERT INTO ledger_contract (id, customer_id, reference, currency, terms_kind, terms_days,
    terms_months, is_default)
  SELECT id, id, 'V' || id, 'EUR', 'net_days', 14, 0, true FROM ledger_customer;
INSERT INTO orders_salesorder (id, customer_id, contract_id, customer_reference, site, ordered_on,
    notes, created_at)
  SELECT n, 1 + n %% %(customers)s, 1 + n %% %(customers)s, '', 'Site ' || n %% 50,
         date '2020-01-01' + n %% 2000, '', now()
  FROM generate_series(1, %(lines)s / %(of_an_order)s + 1) n;
INSERT INTO inventory_asset (id, customer_id, contract_id, item_id, label, quantity, site, cli,
    serial, supplier, created_at)
  SELECT n, 1 + (1 + n / %(of_an_order)s) %% %(customers)s,
         1 + (1 + n / %(of_an_order)s) %% %(customers)s, 1 + n %% 20, 'Mobile', 1, '',
         '+44' || (1600000000 + n), '', '', now()
  FROM generate_series(1, %(lines)s) n;
INSERT INTO orders_orderline (id, order_id, position, item_id, label, quantity, upfront_price,
    upfront_cost, recurring_price, recurring_cost, billing_months, upfront_route_id,
    recurring_route_id, upfront_status, recurring_status, upfront_do_not_bill,
    recurring_do_not_bill, do_not_bill_reason, cli, serial, supplier, connection_date,
    bill_start_computed, notes, asset_id, converted_at)
  SELECT n, 1 + n / %(of_an_order)s, 1 + n %% %(of_an_order)s, 1 + n %% 20, '', 1, 10 + n %% 90, 5,
         n %% 50 + 1, 3, 1, route, route, status, status, false, false, '',
         '+44' || (1600000000 + n), '8944' || n, 'Network', date '2026-01-01' + n %% 100,
         date '2026-01-01' + n %% 100, '', n, now()
  FROM generate_series(1, %(lines)s) n,
       LATERAL (SELECT CASE WHEN n <= %(billed)s THEN 'in_billing'
                            WHEN n <= %(billed)s + %(ready)s THEN 'ready'
                            ELSE 'not_billed' END AS status,
                       CASE WHEN n > %(billed)s AND n <= %(billed)s + %(second)s
                            THEN 902 ELSE 901 END AS route) a;
"""


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--order-lines", type=int, default=1_000_000, help="lines in the table")
    parser.add_argument("--export-rows", type=int, default=100_000, help="rows of the large export")
    parser.add_argument("--transferred", type=int, default=10_000, help="lines of the transfer")
    parser.add_argument("--asked", type=int, default=60, help="measured requests a case")


def run(options: argparse.Namespace) -> list[Figure]:
    """Milliseconds of the page; seconds, queries and memory of the transfer and the exports."""
    second = options.transferred + SPARE
    _fill(options.order_lines, ready=options.export_rows // 2, second=second)
    user, client = _clerk()
    figures = _page(client, options.asked)
    figures += _transfer(user, options.transferred)
    figures += _exports(user, options.export_rows)
    return figures


def _fill(lines: int, *, ready: int, second: int) -> None:
    """``ready`` lines of the first platform, ``second`` of the other, a tenth not billed yet."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # rows of the past: no guards
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(
                    statement,
                    {
                        "customers": CUSTOMERS,
                        "lines": lines,
                        "of_an_order": LINES_OF_AN_ORDER,
                        "billed": lines - lines // 10 - ready - second,
                        "ready": ready + second,
                        "second": second,
                    },
                )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _clerk() -> tuple[Any, Any]:
    from django.contrib.auth.models import User
    from django.test import Client

    user = User.objects.create_superuser("clerk", "clerk@demo.example", "bench-bench-bench")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return user, client


def _page(client: Any, asked: int) -> list[Figure]:
    page = "/orders/billing-export/"
    cases: dict[str, str] = {
        "no route chosen": page,
        "route chosen": f"{page}?platform=901",
        "the other route": f"{page}?platform=902",
        "route and customer": f"{page}?platform=901&customer_code=C77",
        "route and a CLI": f"{page}?platform=901&cli=%2B4416009",
        "route, last page": f"{page}?platform=901&last=1",
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(asked + WARM_UP):
        for name, address in cases.items():
            began = time.perf_counter()
            response = client.get(address)
            elapsed = (time.perf_counter() - began) * 1000
            assert response.status_code == 200, (name, response.status_code)
            if turn >= WARM_UP:
                times[name].append(elapsed)
    figures = []
    for name, values in times.items():
        tail = statistics.quantiles(values, n=20)[-1]
        figures += [
            Figure(f"page, {name}, median", statistics.median(values), "ms"),
            Figure(f"page, {name}, 95th percentile", tail, "ms", gate=20, stretch=12, at_most=True),
        ]
    return figures


def _transfer(user: Any, count: int) -> list[Figure]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from orders.models import BillStatusEvent, OrderLine
    from orders.services.transfers import begin_transfer, transfer_lines

    ids = list(OrderLine.objects.ready_for(902).order_by("pk").values_list("pk", flat=True))
    batch = begin_transfer(platform_id=902, by=user, at=timezone.now())

    def queries(number: int) -> int:
        taken, ids[:] = ids[:number], ids[number:]
        with CaptureQueriesContext(connection) as captured:
            outcomes = transfer_lines(batch=batch, line_ids=taken, at=timezone.now())
        assert all(len(outcome.tracks) == 2 for outcome in outcomes)
        return len(captured)

    few, many = queries(100), queries(500)
    assert few == many, (few, many)
    began = time.perf_counter()
    for _ in range(LOOP):
        queries(1)
    loop = LOOP / (time.perf_counter() - began)
    before = BillStatusEvent.objects.count()
    job = _job(user, "orders.transfer_lines", {}, selected=ids[:count])
    seconds = _run(job)
    assert BillStatusEvent.objects.count() - before == 2 * count
    rate = count / seconds
    return [
        Figure("transfer, one line a transaction", loop, "lines/s"),
        Figure(f"transfer of {count:,} lines", seconds, "s"),
        Figure("transfer, the job with its outcomes", rate, "lines/s", rate / loop, "one by one"),
        Figure("transfer, queries of a batch of 500 (and of 100)", many, "queries"),
    ]


def _exports(user: Any, rows: int) -> list[Figure]:
    from django.utils import timezone

    from inventory.models import BillingPlatform
    from orders.models import ExportFile

    figures = []
    platform = BillingPlatform.objects.get(pk=901)
    for file_format, bare in (("xlsx", _bare_xlsx), ("csv", _bare_csv)):
        export = ExportFile.objects.create(
            platform=platform, kind="product", format=file_format, by=user, at=timezone.now()
        )
        job = _job(user, "orders.write_export", {"export": export.pk, "query": "platform=901"})
        with _PeakMemory() as memory:
            seconds = _run(job)
        export.refresh_from_db()
        assert export.rows == rows, (export.rows, rows)
        cells = list(_cells(platform))
        began = time.perf_counter()
        bare(cells)
        floor = time.perf_counter() - began
        library = "openpyxl write_only" if file_format == "xlsx" else "csv"
        name = f"Export Product, {rows:,} rows, {file_format.upper()}"
        figures += [
            Figure(name, seconds, "s", floor / seconds, f"{library} alone"),
            Figure(f"{library} alone, rows in memory", floor, "s"),
            Figure(f"{name}, peak memory", memory.peak, "MB", gate=40, at_most=True),
        ]
        _delete(export.file)
    return figures


def _cells(platform: Any) -> Iterator[list[Any]]:
    from orders.enums import ExportKind
    from orders.models import OrderLine
    from orders.selectors.exports import columns_of, export_lines, export_rows

    columns = columns_of(platform, ExportKind.PRODUCT)
    yield [column.column.title for column in columns]
    kind = ExportKind.PRODUCT
    lines = export_lines(OrderLine.objects.all(), kind=kind, platform_id=platform.pk)
    for _, rows in export_rows(lines, kind=kind, platform_id=platform.pk):
        for row in rows:
            yield [column.value(row) for column in columns]


def _bare_xlsx(cells: list[list[Any]]) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in cells:
        sheet.append(row)
    with tempfile.TemporaryFile() as stream:
        book.save(stream)


def _bare_csv(cells: list[list[Any]]) -> None:
    with tempfile.TemporaryFile() as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        csv.writer(text).writerows(cells)
        text.flush()


def _job(user: Any, kind: str, params: dict[str, Any], *, selected: list[int] | None = None) -> Any:
    """The row of a job, as the page leaves it; no worker hears of it."""
    from django.utils import timezone

    from billing_site.web.models import Job, Selection

    at = timezone.now()
    job = Job.objects.create(kind=kind, title=kind, owner=user, params=params, created_at=at)
    if selected is not None:
        Selection.objects.create(
            owner=user,
            list_key="orders.billing_export",
            query="platform=902",
            whole_filter=False,
            ids=selected,
            count=len(selected),
            created_at=at,
            job=job,
        )
    return job


def _run(job: Any) -> float:
    """Seconds of the worker's side of a job."""
    from billing_site.web import jobs

    began = time.perf_counter()
    assert jobs.run(job_id=job.pk)
    seconds = time.perf_counter() - began
    job.refresh_from_db()
    assert job.status == "completed", job.error
    return seconds


def _delete(name: str) -> None:
    from django.core.files.storage import default_storage

    default_storage.delete(name)


class _PeakMemory:
    """How much the process grew at most, in MB; asked a hundred times a second."""

    def __enter__(self) -> "_PeakMemory":
        self.peak, self._base = 0.0, _resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, (_resident() - self._base) / MEGABYTE)

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def _resident() -> int:
    """Resident memory of this process, in bytes."""
    import resource

    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


__all__ = ["TITLE", "add_arguments", "run"]
