"""Every hostile value in every field of the forms: stored inert, or refused in words; never a 500.

Each field is tried alone through its form and its service, then all of them together through the
page. Needs the shared data: ``QUITTANCE_SHARED``, or ``../shared`` beside the project.
"""

import os
import uuid
from pathlib import Path

import pytest
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from billing_site.kernel.errors import DomainError
from inventory import services as catalogue
from inventory.forms import CatalogueItemForm
from inventory.models import BillingPlatform
from ledger.forms import ContractForm, CustomerForm, FirstContractForm, PaymentForm, SuspendForm
from ledger.models import Customer
from ledger.services import customers
from ledger.services.payments import record_payment
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
each_value = pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
MARKUP = ("<img src=x", "<svg/onload", "<script>alert", "<style>*{", "</title><script")
CUSTOMER = {
    "code": "NORD-1",
    "name": "Nordwind",
    "cluster": "",
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
}
TERMS = {"currency": "EUR", "reference": "", "terms_kind": "net_days"}
TERMS |= {"terms_days": "14", "terms_months": "0"}
ITEM = {
    "code": "SIM-1",
    "name": "SIM card",
    "kind": "product",
    "item_type": "hardware",
    "category": "",
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


def read(path):
    return path.read_bytes().decode("utf-8", errors="replace")


def posted(data):
    """A form as a browser sends it."""
    query = QueryDict(mutable=True)
    query.update(data)
    return query


def browser(*roles, **fields):
    client = Client(raise_request_exception=False)
    client.force_login(builders.make_user(*roles, **fields))
    return client


def try_each_field(make_form, data, value, store):
    """One field after the other; what the form lets through must be stored or refused in words.

    :returns: the fields that took the value.
    """
    taken = []
    for field in data:
        form = make_form(posted(data | {field: value}))
        if not form.is_valid():
            assert all(messages for messages in form.errors.values())
            continue
        try:
            with transaction.atomic():
                store(form)
                transaction.set_rollback(True)
        except DomainError:
            continue
        taken.append(field)
    return taken


def is_safe(response, value, where):
    """No server error, and the value comes back as text, not as markup."""
    assert response.status_code in (200, 302, 409, 422), f"{where}: {response.status_code}"
    if response.status_code == 302:
        return
    page = response.content.decode()
    for mark in MARKUP:
        assert mark not in page, f"{where}: {mark} came back as markup"
    if len(value.strip()) > 3 and value != escape(value):
        assert value not in page, f"{where}: came back unescaped"


@pytest.mark.requirement("R11")
@each_value
def test_the_form_of_a_customer(path):
    value = read(path)
    client = browser("Finance")
    data = CUSTOMER | {"cluster": str(builders.make_cluster().pk)}
    address = reverse("ledger:customer-create")
    contract = {f"contract-{name}": text for name, text in TERMS.items()}

    def store(form):
        fields = {"currency": "EUR"}
        customers.create_customer(fields=form.entries, contract_fields=fields)

    taken = try_each_field(CustomerForm, data, value, store)
    everywhere = dict.fromkeys([*data, *contract], value)
    is_safe(client.post(address, everywhere), value, "all fields")
    response = client.post(address, data | contract | dict.fromkeys(taken, value))
    is_safe(response, value, "all fields that took it")
    customer = Customer.objects.order_by("-pk").first() or builders.make_customer()
    is_safe(client.get(customer.get_absolute_url()), value, "page")
    edit = reverse("ledger:customer-edit", args=[customer.pk])
    is_safe(client.post(edit, everywhere | {"version": value}), value, "edit")


@pytest.mark.requirement("R11")
@each_value
def test_the_forms_of_contracts(path):
    value = read(path)
    client = browser("Finance")
    customer = builders.make_customer()
    contract = customer.contracts.get()
    data = TERMS | {"starts_on": "", "ends_on": "", "is_default": ""}

    def store(form):
        customers.create_contract(customer=customer, fields=form.entries)

    try_each_field(ContractForm, data, value, store)
    first = {f"contract-{name}": text for name, text in TERMS.items()}
    try_each_field(FirstContractForm, first, value, store)
    everywhere = dict.fromkeys([*data, "version"], value)
    for name, pk in (("contract-create", customer.pk), ("contract-edit", contract.pk)):
        is_safe(client.post(reverse(f"ledger:{name}", args=[pk]), everywhere), value, name)


@pytest.mark.requirement("R11")
@each_value
def test_the_forms_of_payments_and_of_suspending(path):
    value = read(path)
    client = browser("Finance")
    customer = builders.make_customer()
    contract = customer.contracts.get()
    data = {"operation": str(uuid.uuid4()), "amount": "1.00", "method": "cash"}
    data |= {"booking_date": "", "transaction_reference": "", "note": "", "is_checked": "on"}
    address = reverse("ledger:payment-create", args=[contract.pk])

    def store(form):
        payment = {key: typed for key, typed in form.cleaned_data.items() if key != "is_checked"}
        record_payment(account=contract.account, at=timezone.now(), **payment)

    def suspend(form):
        customers.suspend_customer(customer_id=customer.pk, **form.cleaned_data)

    taken = try_each_field(PaymentForm, data, value, store)
    try_each_field(SuspendForm, {"reason": "x"}, value, suspend)
    is_safe(client.post(address, dict.fromkeys(data, value)), value, "all fields")
    is_safe(client.post(address, data | dict.fromkeys(taken, value)), value, "payment")
    is_safe(client.get(contract.get_absolute_url()), value, "ledger")
    stop = reverse("ledger:customer-suspend", args=[customer.pk])
    is_safe(client.post(stop, {"reason": value}), value, "suspend")


@pytest.mark.requirement("R11")
@each_value
def test_the_form_of_a_catalogue_item(path):
    value = read(path)
    client = browser("Finance")
    BillingPlatform.objects.create(name="Affinity")
    item = builders.make_item()
    data = ITEM | {"category": str(item.category_id)}
    address = reverse("inventory:item-create")

    def store(form):
        catalogue.create_item(fields=form.entries)

    taken = try_each_field(CatalogueItemForm, data, value, store)
    everywhere = dict.fromkeys([*data, "version"], value)
    is_safe(client.post(address, everywhere), value, "all fields")
    is_safe(client.post(address, data | dict.fromkeys(taken, value)), value, "those that took it")
    edit = reverse("inventory:item-edit", args=[item.pk])
    is_safe(client.post(edit, everywhere), value, "edit")


@pytest.mark.requirement("R11")
@each_value
def test_the_filters_of_the_lists(path):
    value = read(path)
    client = browser("Finance")
    names = {
        "ledger:customer-list": (
            *("search", "cluster", "currency", "suspended", "bill_from_after"),
            *("created_at_before", "quick", "sort", "after", "before", "page"),
        ),
        "ledger:entry-list": (
            *("customer", "contract", "type", "currency", "document_number"),
            *("booking_date_after", "due_date_before"),
        ),
        "inventory:item-list": ("search", "category", "kind", "item_type", "route", "active"),
    }
    for page, parameters in names.items():
        is_safe(client.get(reverse(page), dict.fromkeys(parameters, value)), value, page)
    for parameter in ("search", "after"):
        answer = client.get(reverse("ledger:customer-list"), {parameter: value})
        is_safe(answer, value, parameter)
    assert client.get(reverse("ledger:customer-list"), {"part": value}).status_code in (200, 404)


@pytest.mark.requirement("R11")
@each_value
def test_the_forms_of_the_administration(path):
    value = read(path)
    client = browser(is_staff=True, is_superuser=True)
    scheme = {"name": "x", "format": "R{####}", "first_number": "1", "reset": "never"}
    scheme |= {"date_source": "approval", "customer_cluster": str(builders.make_cluster().pk)}
    pages = {
        "ledger_customercluster": {"name": "x", "parent": ""},
        "inventory_productcategory": {"name": "x", "parent": ""},
        "inventory_billingplatform": {"name": "x"},
        "ledger_firm": {"name": "x", "country": "DE", "email": "", "iban": ""},
        "invoicing_numberscheme": scheme,
    }
    for name, data in pages.items():
        answer = client.post(reverse(f"admin:{name}_add"), dict.fromkeys(data, value))
        is_safe(answer, value, f"{name}, all fields")
        answer = client.post(reverse(f"admin:{name}_add"), data | {"name": value})
        if answer.status_code != 403:  # there is one firm
            is_safe(answer, value, f"{name}, name")
    searched = reverse("admin:ledger_customercluster_changelist")
    is_safe(client.get(searched, {"q": value}), value, "search")
