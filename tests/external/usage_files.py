"""From a file of usage to calculated invoices, by the way that the product itself takes."""

import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from django.core.files import File
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from billing_site.web.enums import RowVerdict
from inventory.models import CatalogueItem
from invoicing.enums import InvoiceItemKind, InvoiceStatus
from invoicing.models import ImportBatch, Invoice, InvoiceItem, Purchase
from invoicing.services import purchase_imports
from invoicing.services.calculation import calculate_invoices
from ledger.models import Contract, ContractAccount, Customer
from tests import builders

CENT = Decimal("0.01")
Month = str  # 2010-12


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_purchases(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """A file in our own column set; the keys of the first row are its header."""
    rows = iter(rows)
    first = next(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
    return path


def make_customers(
    codes: Iterable[str], *, currency: str, time_zone: str, bill_from: dt.date
) -> None:
    """Customers with a contract each, billed by calendar months."""
    cluster = builders.make_cluster()
    customers = Customer.objects.bulk_create(
        Customer(
            code=code,
            name=f"Customer {code}",
            cluster=cluster,
            country="DE",
            time_zone=time_zone,
            bill_from=bill_from,
        )
        for code in sorted(set(codes))
    )
    contracts = Contract.objects.bulk_create(
        Contract(
            customer=customer, reference=f"V-{customer.pk}", currency=currency, is_default=True
        )
        for customer in customers
    )
    ContractAccount.objects.bulk_create(
        ContractAccount(contract=contract) for contract in contracts
    )


def make_items(codes: Iterable[str], **fields) -> None:
    category = builders.make_category()
    CatalogueItem.objects.bulk_create(
        CatalogueItem(code=code, name=f"Product {code}", category=category, **fields)
        for code in sorted(set(codes))
    )


def _analyze() -> None:
    """What autovacuum does for tables that other transactions see."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def import_purchases(path: Path) -> ImportBatch:
    """Upload, check, commit; a row with an error would fail here."""
    _analyze()
    with path.open("rb") as stream:
        batch = purchase_imports.upload_purchases(
            file=File(stream, name=path.name), filename=path.name, owner=None
        )
    batch = purchase_imports.check_purchases(batch_id=batch.pk)
    errors = batch.rows.filter(verdict=RowVerdict.ERROR).values_list("number", "errors")
    assert not errors, list(errors[:5])
    return purchase_imports.import_purchases(batch_id=batch.pk, at=timezone.now())


def calculate_all() -> None:
    """Every pending invoice, with a VAT rule of 0 % for all; none may fail."""
    builders.make_vat("0", valid_from=dt.date(2000, 1, 1))
    _analyze()
    ids = list(Invoice.objects.filter(status=InvoiceStatus.PENDING).values_list("pk", flat=True))
    report = calculate_invoices(invoice_ids=ids, at=timezone.now())
    assert not Invoice.objects.filter(status=InvoiceStatus.ERROR).exists(), report
    assert not Invoice.objects.filter(status=InvoiceStatus.PENDING).exists()


def exact_sums() -> dict[tuple[str, str, Month], Decimal]:
    """What the invoices come to before any rounding: customer code, currency, month of the period."""
    rows = (
        InvoiceItem.objects.filter(kind=InvoiceItemKind.PRICE)
        .values_list("invoice__customer__code", "invoice__currency", "invoice__period_from")
        .annotate(sum=Sum("exact_amount"))
        .order_by()
    )
    return {(code, currency, f"{start:%Y-%m}"): total for code, currency, start, total in rows}


def assert_rounded_once_per_item() -> None:
    """K-1: each item is its exact amount rounded half-up once; net totals are sums of items."""
    net: dict[int, Decimal] = defaultdict(Decimal)
    for item in InvoiceItem.objects.filter(kind=InvoiceItemKind.PRICE):
        assert item.amount == item.exact_amount.quantize(CENT, ROUND_HALF_UP), item
        net[item.invoice_id] += item.amount
    for pk, total in Invoice.objects.values_list("pk", "net_total"):
        assert total == net[pk], pk


def net_totals() -> dict[tuple[str, str, Month], Decimal]:
    """Net totals of the invoices that have purchases."""
    with_purchases = Purchase.objects.mapped().values("invoice")
    rows = Invoice.objects.filter(pk__in=with_purchases).values_list(
        "customer__code", "currency", "period_from", "net_total"
    )
    return {(code, currency, f"{start:%Y-%m}"): total for code, currency, start, total in rows}


def purchase_counts() -> dict[tuple[str, str, Month], int]:
    """Purchases on each invoice."""
    rows = (
        Purchase.objects.mapped()
        .order_by()
        .values_list("invoice__customer__code", "currency", "invoice__period_from")
        .annotate(n=Count("pk"))
    )
    return {(code, currency, f"{start:%Y-%m}"): n for code, currency, start, n in rows}


def unmapped_counts() -> dict[str, int]:
    """Purchases on no invoice, by reason."""
    return dict(
        Purchase.objects.unmapped()
        .order_by()
        .values_list("unmapped_reason")
        .annotate(n=Count("pk"))
    )
