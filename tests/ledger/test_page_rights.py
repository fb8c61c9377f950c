"""Who sees and changes what on the pages of the ledger floor."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Contract, Customer, Payment
from tests import builders
from tests.ledger.visits import as_role, form_data, text_of

pytestmark = pytest.mark.django_db

PAGES = ("customer-list", "customer-create", "entry-list", "cluster-list")
CUSTOMER_PAGES = ("customer-detail", "customer-edit", "customer-suspend", "contract-create")
CONTRACT_PAGES = ("contract-detail", "contract-edit", "ledger-json", "payment-create")
WRITES = {
    "customer-create": "ledger.add_customer",
    "customer-edit": "ledger.change_customer",
    "customer-suspend": "ledger.change_customer",
    "customer-resume": "ledger.change_customer",
    "contract-create": "ledger.add_contract",
    "contract-edit": "ledger.change_contract",
    "payment-create": "ledger.record_payment",
}


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("role", ["Auditor", "Invoice approval"])
@pytest.mark.parametrize("name", WRITES)
def test_who_may_only_look_changes_nothing(role, name):
    customer = builders.make_customer(suspended=True, suspended_reason="x")
    contract = customer.contracts.get()
    client = as_role(role)
    args = []
    if name in ("contract-edit", "payment-create"):
        args = [contract.pk]
    elif name != "customer-create":
        args = [customer.pk]
    data = form_data(cluster=customer.cluster_id, reason="x", amount="1", method="cash")

    answer = client.post(
        reverse(f"ledger:{name}", args=args), data | {"operation": str(uuid.uuid4())}
    )

    assert answer.status_code == 403
    customer.refresh_from_db()
    assert customer.suspended
    assert customer.name != "Nordwind"
    assert Customer.objects.count() == Contract.objects.count() == 1
    assert not Payment.objects.exists()


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("name", [*PAGES, *CUSTOMER_PAGES, *CONTRACT_PAGES])
def test_who_has_no_role_sees_nothing(name):
    customer = builders.make_customer()
    pk = customer.contracts.get().pk if name in CONTRACT_PAGES else customer.pk
    args = [] if name in PAGES else [pk]
    address = reverse(f"ledger:{name}", args=args)

    assert as_role().get(address).status_code == 403
    assert Client().get(address).status_code == 302


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("name", [*CUSTOMER_PAGES, *CONTRACT_PAGES, "cluster-detail"])
@pytest.mark.parametrize("pk", [999_999, 10**30])
def test_an_unknown_id_answers_404(finance, name, pk):
    assert finance.get(reverse(f"ledger:{name}", args=[pk])).status_code == 404


def test_buttons_appear_only_with_the_right_to_them(finance):
    customer = builders.make_customer()
    contract = customer.contracts.get()
    auditor = as_role("Auditor")
    buttons = {
        customer.get_absolute_url(): ("customer-edit", "customer-suspend", "contract-create"),
        contract.get_absolute_url(): ("contract-edit", "payment-create"),
    }
    for address, names in buttons.items():
        shown, hidden = text_of(finance.get(address)), text_of(auditor.get(address))
        for name in names:
            pk = contract.pk if name in ("contract-edit", "payment-create") else customer.pk
            assert reverse(f"ledger:{name}", args=[pk]) in shown
            assert reverse(f"ledger:{name}", args=[pk]) not in hidden
    new = reverse("ledger:customer-create")
    assert new in text_of(finance.get(reverse("ledger:customer-list")))
    assert new not in text_of(auditor.get(reverse("ledger:customer-list")))


def test_the_search_finds_customers_and_contracts(finance):
    customer = builders.make_customer(name="Nordwind", code="NORD-1")
    contract = builders.make_contract(customer, reference="NORD-X")

    shown = text_of(finance.get(reverse("web:search"), {"q": "nord"}))

    assert customer.get_absolute_url() in shown
    assert contract.get_absolute_url() in shown


def test_the_history_of_a_customer_says_who_changed_what(finance):
    customer = builders.make_customer(name="Old")
    address = reverse("ledger:customer-edit", args=[customer.pk])
    version = finance.get(address).context["form"]["version"].value()
    finance.post(address, form_data(cluster=customer.cluster_id, version=version))

    shown = text_of(finance.get(customer.get_absolute_url()))

    assert "Nordwind" in shown
    assert '<span class="was">Old</span>' in shown
