"""The FOCUS 1.0 sample and its normalised form: every row arrives, and the sums are the file's."""

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files import File
from django.db.models import Count, Sum
from django.utils import timezone

from invoicing.imports.mappings import FOCUS_1_0, QUITTANCE
from invoicing.models import Invoice, Purchase
from invoicing.services import purchase_imports
from tests import builders
from tests.external.shared_data import shared_file, shared_json

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

FILES = {
    "usage/focus_1_0_sample.csv": FOCUS_1_0.name,
    "usage/purchases_focus.csv": QUITTANCE.name,
}


def totals() -> dict:
    datasets = shared_json("usage/control_totals.json")["datasets"]
    return next(d for d in datasets if d["file"] == "purchases_focus.csv")


def make_world(path: Path) -> None:
    """Customers with a US dollar contract and an invoice for September 2024, and the products."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    category, cluster = builders.make_category(), builders.make_cluster()
    for code in sorted({row["customer_code"] for row in rows}):
        customer = builders.make_customer(
            code=code, cluster=cluster, currency="USD", time_zone="UTC"
        )
        builders.make_invoice(customer, period_from="2024-09-01", period_to="2024-09-30")
    for code in sorted({row["product_code"] for row in rows}):
        builders.make_item(code=code, category=category)


def import_file(path: Path):
    with path.open("rb") as stream:
        batch = purchase_imports.upload_purchases(
            file=File(stream, name=path.name), filename=path.name, owner=None
        )
    batch = purchase_imports.check_purchases(batch_id=batch.pk)
    assert batch.rows_error == 0
    return purchase_imports.import_purchases(batch_id=batch.pk, at=timezone.now())


@pytest.mark.requirement("CB-18", "H-CB4", "K-3", "K-15", "R14")
@pytest.mark.parametrize("name", FILES)
def test_every_row_of_the_file_is_on_an_invoice_with_its_exact_amount(name, settings):
    settings.TIME_ZONE = "UTC"  # the normalised file states no offsets; its source is in UTC
    path = shared_file(name)
    make_world(shared_file("usage/purchases_focus.csv"))
    batch = import_file(path)
    control = totals()
    assert batch.mapping_name == FILES[name]
    assert batch.rows_new == control["rows"] == Purchase.objects.mapped().count() == 1000
    found = {
        (row["customer_code"], row["currency"]): (row["rows"], row["sum"])
        for row in Purchase.objects.values("customer_code", "currency").annotate(
            rows=Count("pk"), sum=Sum("total_override")
        )
    }
    wanted = {
        (group["customer"], group["currency"]): (group["rows"], Decimal(group["sum_exact"]))
        for group in control["groups"]
    }
    assert found == wanted
    assert len(found) == control["customers"]
    touched = set(Purchase.objects.values_list("invoice_id", flat=True))
    assert len(touched) == control["customers"]
    assert Invoice.objects.filter(pk__in=touched).pending().count() == len(touched)


@pytest.mark.requirement("H-CB4")
def test_both_forms_of_the_file_state_the_same_purchases(settings):
    settings.TIME_ZONE = "UTC"
    make_world(shared_file("usage/purchases_focus.csv"))
    by_batch = defaultdict(list)
    for name in FILES:
        batch = import_file(shared_file(name))
        fields = (
            "customer_code",
            "product_code",
            "label",
            "quantity",
            "unit",
            "currency",
            "purchased_at",
            "ended_at",
            "total_override",
        )
        rows = Purchase.objects.filter(import_batch=batch).order_by("pk")
        by_batch[name] = list(rows.values_list(*fields))
    one, other = by_batch.values()
    assert len(one) == len(other) == 1000
    assert one == other
