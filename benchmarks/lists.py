"""The invoices page over a million invoices, beside a stock Django list of the same rows.

Requests go through the whole stack in one process: middleware, session, permissions, filter,
query, template. The stock list is django-tables2 with Django's own Paginator, as its
documentation shows it. Both answer in turns, so that noise hits both.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.figures import Figure

TITLE = "Invoices page"
CUSTOMERS = 2000
WARM_UP = 3

FILL = """
INSERT INTO ledger_customercluster (id, name, parent_id, path)
  SELECT n, 'Cluster ' || n, CASE WHEN n = 1 THEN NULL ELSE 1 END,
         CASE WHEN n = 1 THEN ARRAY[1] ELSE ARRAY[1, n] END
  FROM generate_series(1, 20) n;
INSERT INTO ledger_customer (id, code, name, cluster_id, bill_from, frequency_count,
    frequency_unit, align_with_calendar, suspended, suspended_reason, time_zone, language,
    contact_name, phone, email, vat_id, metadata, created_at, street, postal_code, city, country)
  SELECT n, 'C' || n, 'Customer ' || n, 1 + n %% 20, '1985-01-01', 1, 'month', true, false, '',
         'Europe/Berlin', 'en', '', '', '', '', '{}', now(), '', '', '', 'DE'
  FROM generate_series(1, %(customers)s) n;
INSERT INTO ledger_contract (id, customer_id, reference, currency, terms_kind, terms_days,
    terms_months, is_default)
  SELECT id, id, 'V' || id, CASE WHEN id %% 5 = 0 THEN 'CHF' ELSE 'EUR' END, 'net_days', 14, 0, true
  FROM ledger_customer;
INSERT INTO invoicing_invoice (customer_id, contract_id, type, number, number_counter_id,
    number_sequence, invoice_date, period_from, period_to, status, currency, net_total, vat_total,
    gross_total, cost_total, item_count, error, created_at, calculated_at, approved_at,
    ledger_entry_id, document_data, items_digest)
  SELECT customer, customer, 'periodical', CASE WHEN approved THEN 'R' || n END,
         CASE WHEN approved THEN 1 END, CASE WHEN approved THEN n END, month_to, month_from,
         month_to, status, CASE WHEN customer %% 5 = 0 THEN 'CHF' ELSE 'EUR' END, n %% 9000, 0,
         n %% 9000, n %% 5000, 5, CASE WHEN status = 'error' THEN 'No rule.' ELSE '' END, now(),
         now(), CASE WHEN approved THEN now() END, CASE WHEN approved THEN n END,
         CASE WHEN approved THEN '{}'::jsonb END, ''
  FROM (
    SELECT n, 1 + n %% %(customers)s AS customer, from_ AS month_from,
           (from_ + interval '1 month - 1 day')::date AS month_to, status,
           status = 'approved' AS approved
    FROM generate_series(0, %(invoices)s - 1) n,
         LATERAL (SELECT (date '1985-01-01' + (n / %(customers)s) * interval '1 month')::date
                  AS from_) a,
         LATERAL (SELECT CASE WHEN n < %(invoices)s * 0.95 THEN 'approved'
                              WHEN n %% 500 = 0 THEN 'error'
                              WHEN n %% 40 = 0 THEN 'closed'
                              ELSE 'open' END AS status) b
  ) rows;
"""


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000, help="invoices in the table")
    parser.add_argument("--requests", type=int, default=60, help="measured requests a case")


def run(options: argparse.Namespace) -> list[Figure]:
    """Milliseconds at the median and the 95th percentile, and the stock list's beside them."""
    _fill(options.rows)
    client, stock = _client(), _stock_request()
    deep = _deep_page(client)
    cases: dict[str, Callable[[], Any]] = {
        "stock list, first page": stock,
        "first page": lambda: client.get("/invoicing/invoices/"),
        "filtered: problem invoices": lambda: client.get("/invoicing/invoices/?quick=problem"),
        "filtered: one customer": lambda: client.get("/invoicing/invoices/?customer_code=C77"),
        "deep page": lambda: client.get(deep),
        "last page": lambda: client.get("/invoicing/invoices/?last=1"),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(options.requests + WARM_UP):
        for name, request in cases.items():
            started = time.perf_counter()
            response = request()
            elapsed = (time.perf_counter() - started) * 1000
            assert response.status_code == 200, (name, response.status_code)
            if turn >= WARM_UP:
                times[name].append(elapsed)
    started = time.perf_counter()
    assert client.get("/invoicing/invoices/?part=summary").status_code == 200
    summary = (time.perf_counter() - started) * 1000
    home = _tail_of_home(client, options.requests)
    floor = statistics.median(times["stock list, first page"])
    figures = []
    for name, values in times.items():
        median, tail = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        figures.append(
            Figure(f"{name}, median", median, "ms", floor / median, "stock list / this")
            if name != "first page"
            else Figure(f"{name}, median", median, "ms", floor / median, "stock list / this", 4, 6)
        )
        gate = {} if name.startswith("stock") else {"gate": 20, "stretch": 12, "at_most": True}
        figures.append(Figure(f"{name}, 95th percentile", tail, "ms", **gate))
    figures.append(Figure("totals and counts of all rows, loaded after", summary, "ms"))
    figures.append(
        Figure("home page, 95th percentile", home, "ms", gate=200, stretch=60, at_most=True)
    )
    return figures


def _tail_of_home(client: Any, requests: int) -> float:
    """Milliseconds at the 95th percentile of the page with the counts of everything."""
    times = []
    for _turn in range(requests + WARM_UP):
        started = time.perf_counter()
        assert client.get("/").status_code == 200
        times.append((time.perf_counter() - started) * 1000)
    return statistics.quantiles(times[WARM_UP:], n=20)[-1]


def _fill(rows: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # rows of the past: no guards
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {"customers": CUSTOMERS, "invoices": rows})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _client() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    import_module("billing_site.wsgi")  # a worker freezes what it has loaded

    user = User.objects.create_superuser("bench", "bench@demo.example", "bench-bench-bench")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _deep_page(client: Any) -> str:
    """The address of the page after the middle of the list, as its own links give it."""
    from billing_site.web.keyset import Cut, cut_page, total_order
    from invoicing.models import Invoice

    middle = Invoice.objects.order_by("period_from")[Invoice.objects.count() // 2].period_from
    rows = Invoice.objects.filter(period_from__lte=middle)
    columns = total_order(Invoice, ["-period_from"])
    page = cut_page(rows, columns, 25, Cut())
    assert client.get("/invoicing/invoices/", {"after": page.next_after}).status_code == 200
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    query["after"] = page.next_after
    return f"/invoicing/invoices/?{query.urlencode()}"


def _stock_request() -> Callable[[], Any]:
    from django.contrib.auth.models import User
    from django.test import RequestFactory
    from django_tables2 import SingleTableView

    from invoicing.models import Invoice
    from invoicing.tables.invoices import InvoiceTable

    class StockTable(InvoiceTable):
        class Meta(InvoiceTable.Meta):
            template_name = "django_tables2/bootstrap5.html"

    class StockList(SingleTableView):
        table_class = StockTable
        template_name = "django_tables2/bootstrap5.html"
        paginate_by = 25

        def get_queryset(self):
            return Invoice.objects.select_related("customer__cluster").order_by(
                "-period_from", "-id"
            )

    view, user = StockList.as_view(), User.objects.get(username="bench")

    def request() -> Any:
        made = RequestFactory().get("/")
        made.user = user
        return view(made).render()

    return request


__all__ = ["TITLE", "add_arguments", "run"]
