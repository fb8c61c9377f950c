"""Every hostile value in every field of the forms: stored inert, or refused in words; never a 500.

Needs the shared data: ``QUITTANCE_SHARED``, or ``../shared`` beside the project.
"""

import datetime as dt
import os
import uuid
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from inventory.models import BillingPlatform
from ledger.models import Customer
from tests import builders

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QUITTANCE_SHARED", ROOT.parent / "shared"))
FOLDER = SHARED / "data" / "attacks" / "field_values"
VALUES = sorted(FOLDER.glob("*.txt"))
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not VALUES, reason=f"{FOLDER} is missing; set QUITTANCE_SHARED to the shared folder"
    ),
]
# Would be markup if it came back unescaped.
MARKUP = ("<img src=x", "<svg/onload", "<script>alert", "<style>*{", "</title><script")


def read(path):
    return path.read_bytes().decode("utf-8", errors="replace")


@pytest.fixture
def finance():
    client = Client(raise_request_exception=False)
    client.force_login(builders.make_user("Finance"))
    return client


@pytest.fixture
def administrator():
    client = Client(raise_request_exception=False)
    client.force_login(builders.make_user(is_staff=True, is_superuser=True))
    return client


def is_safe(response, value, where):
    assert response.status_code in (200, 302, 409, 422), f"{where}: {response.status_code}"
    if response.status_code == 302:
        return
    page = response.content.decode()
    for mark in MARKUP:
        assert mark not in page, f"{where}: {mark} came back as markup"
    if value.strip() and value != escape(value) and len(value) > 3:
        assert value not in page, f"{where}: came back unescaped"


def posted_everywhere(client, address, data, value):
    """The value in one field after the other, the rest of the form in order."""
    for field in data:
        response = client.post(address, data | {field: value})
        is_safe(response, value, f"{address} {field}")
        if response.status_code == 302:
            shown = client.get(response["Location"])
            is_safe(shown, value, f"{response['Location']} after {field}")


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_form_of_a_customer(finance, path):
    value = read(path)
    cluster = builders.make_cluster()
    data = {
        "code": f"C{uuid.uuid4()}",
        "name": "Nordwind",
        "cluster": str(cluster.pk),
        "bill_from": "2026-01-01",
        "frequency_count": "1",
        "frequency_unit": "month",
        "align_with_calendar": "on",
        "contact_name": "",
        "email": "",
        "phone": "",
        "street": "",
        "postal_code": "",
        "city": "",
        "country": "DE",
        "vat_id": "",
        "language": "en",
        "time_zone": "Europe/Berlin",
        "metadata_key": "Cost centre",
        "metadata_value": "4711",
        "contract-currency": "EUR",
        "contract-reference": "",
        "contract-terms_kind": "net_days",
        "contract-terms_days": "14",
        "contract-terms_months": "0",
    }
    address = reverse("ledger:customer-create")
    for field in data:
        fresh = data | {"code": f"C{uuid.uuid4()}", field: value}
        response = finance.post(address, fresh)
        is_safe(response, value, f"{address} {field}")
        if response.status_code == 302:
            is_safe(finance.get(response["Location"]), value, f"page after {field}")
    customer = builders.make_customer()
    edit = reverse("ledger:customer-edit", args=[customer.pk])
    data |= {"version": finance.get(edit).context["form"]["version"].value()}
    posted_everywhere(finance, edit, data, value)
    for stored in Customer.objects.exclude(pk=customer.pk):
        assert "\x00" not in stored.name
        assert dt.date(1990, 1, 1) <= stored.bill_from <= dt.date(2099, 12, 31)
    for page in (reverse("ledger:customer-list"), reverse("ledger:cluster-list")):
        is_safe(finance.get(page), value, page)
    export = finance.get(reverse("ledger:customer-list"), {"part": "export", "format": "csv"})
    assert export.status_code == 200


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_forms_of_contracts_payments_and_suspending(finance, path):
    value = read(path)
    customer = builders.make_customer()
    contract = customer.contracts.get()
    terms = {
        "reference": "",
        "currency": "EUR",
        "terms_kind": "net_days",
        "terms_days": "14",
        "terms_months": "0",
        "starts_on": "",
        "ends_on": "",
        "is_default": "",
    }
    posted_everywhere(finance, reverse("ledger:contract-create", args=[customer.pk]), terms, value)
    edit = reverse("ledger:contract-edit", args=[contract.pk])
    version = finance.get(edit).context["form"]["version"].value()
    posted_everywhere(finance, edit, terms | {"reference": "V-1", "version": version}, value)
    for field in ("operation", "amount", "method", "booking_date", "transaction_reference", "note"):
        payment = {
            "operation": str(uuid.uuid4()),
            "amount": "1.00",
            "method": "cash",
            "booking_date": "",
            "transaction_reference": "",
            "note": "",
        }
        address = reverse("ledger:payment-create", args=[contract.pk])
        response = finance.post(address, payment | {field: value})
        is_safe(response, value, f"{address} {field}")
    is_safe(finance.get(contract.get_absolute_url()), value, "ledger")
    suspend = reverse("ledger:customer-suspend", args=[customer.pk])
    posted_everywhere(finance, suspend, {"reason": "x"}, value)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_form_of_a_catalogue_item(finance, path):
    value = read(path)
    BillingPlatform.objects.create(name="Affinity")
    item = builders.make_item()
    data = {
        "code": item.code,
        "name": "SIM card",
        "kind": "product",
        "item_type": "hardware",
        "category": str(item.category_id),
        "unit": "piece",
        "active": "on",
        "upfront_price": "4.90",
        "upfront_cost": "",
        "recurring_price": "",
        "recurring_cost": "",
        "upfront_route": "",
        "recurring_route": "",
        "metering_minimum": "0",
        "metering_increment": "",
    }
    edit = reverse("inventory:item-edit", args=[item.pk])
    version = finance.get(edit).context["form"]["version"].value()
    posted_everywhere(finance, edit, data | {"version": version}, value)
    address = reverse("inventory:item-create")
    for field in data:
        fresh = data | {"code": f"P{uuid.uuid4()}", field: value}
        is_safe(finance.post(address, fresh), value, f"{address} {field}")
    is_safe(finance.get(reverse("inventory:item-list")), value, "catalogue")


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_filters_of_the_lists(finance, path):
    value = read(path)
    names = {
        "ledger:customer-list": (
            *("search", "cluster", "currency", "suspended", "bill_from_after"),
            *("created_at_before", "quick", "sort", "after", "before", "page", "part"),
        ),
        "ledger:entry-list": (
            *("customer", "contract", "type", "currency", "document_number"),
            *("booking_date_after", "due_date_before", "after", "quick"),
        ),
        "inventory:item-list": ("search", "category", "kind", "item_type", "route", "active"),
    }
    for page, parameters in names.items():
        for parameter in parameters:
            response = finance.get(reverse(page), {parameter: value})
            assert response.status_code in (200, 404), f"{page} {parameter}"


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_forms_of_the_administration(administrator, path):
    value = read(path)
    forms = {
        "ledger_customercluster": {"name": "x", "parent": ""},
        "inventory_productcategory": {"name": "x", "parent": ""},
        "inventory_billingplatform": {"name": "x"},
        "ledger_firm": {"name": "x", "country": "DE", "email": "", "iban": ""},
        "invoicing_numberscheme": {
            "name": "x",
            "format": "R{####}",
            "first_number": "1",
            "reset": "never",
            "date_source": "approval",
            "customer_cluster": str(builders.make_cluster().pk),
        },
    }
    for name, data in forms.items():
        address = reverse(f"admin:{name}_add")
        for field in data:
            response = administrator.post(address, data | {field: value})
            assert response.status_code in (200, 302, 403), f"{name} {field}"
            if response.status_code == 200:
                is_safe(response, value, f"{name} {field}")
        listed = administrator.get(reverse(f"admin:{name}_changelist"), {"q": value})
        assert listed.status_code in (200, 302), name
