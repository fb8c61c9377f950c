"""Customers and contracts: what is stored together, what never changes, what is refused."""

import datetime as dt

import pytest

from billing_site.web.edits import EditIsStale, FieldsRefused, version_of
from ledger.errors import CustomerRefused, MoveRefused
from ledger.models import Contract, Customer
from ledger.services.clusters import create_cluster, move_cluster
from ledger.services.customers import (
    create_contract,
    create_customer,
    resume_customer,
    suspend_customer,
    update_contract,
    update_customer,
)
from tests.builders import make_cluster, make_contract, make_customer, make_invoice

pytestmark = pytest.mark.django_db


def new(**changes):
    fields = {
        "code": "NORD-1",
        "name": "Nordwind",
        "cluster": make_cluster(),
        "bill_from": dt.date(2026, 1, 1),
    }
    return create_customer(fields=fields | changes, contract_fields={"currency": "EUR"})


@pytest.mark.requirement("H-CB6", "B-10", "X-12")
def test_a_customer_is_stored_with_its_default_contract_and_account():
    customer = new()

    contract = customer.contracts.get()
    assert (contract.reference, contract.currency, contract.is_default) == (
        "NORD-1-1",
        "EUR",
        True,
    )
    assert contract.account.balance == 0


@pytest.mark.requirement("H-CB6")
def test_a_code_is_unique():
    new()

    with pytest.raises(FieldsRefused, match="codes are unique"):
        new(name="Another")

    assert Customer.objects.count() == Contract.objects.count() == 1


def test_a_refused_contract_leaves_no_customer():
    with pytest.raises(FieldsRefused) as refusal:
        create_customer(
            fields={
                "code": "A",
                "name": "A",
                "cluster": make_cluster(),
                "bill_from": dt.date(2026, 1, 1),
            },
            contract_fields={"currency": "XXX"},
        )

    assert list(refusal.value.fields) == ["contract-currency"]
    assert not Customer.objects.exists()


@pytest.mark.requirement("H-CB6")
def test_the_code_never_changes():
    customer = new()

    with pytest.raises(CustomerRefused, match="never changes"):
        update_customer(customer_id=customer.pk, fields={"code": "OTHER"})


@pytest.mark.requirement("H-CB6", "CB-17")
def test_bill_from_moves_until_there_is_an_invoice():
    customer = make_customer()
    update_customer(customer_id=customer.pk, fields={"bill_from": dt.date(2026, 2, 1)})
    make_invoice(customer)

    with pytest.raises(FieldsRefused) as refusal:
        update_customer(customer_id=customer.pk, fields={"bill_from": dt.date(2026, 3, 1)})
    update_customer(
        customer_id=customer.pk, fields={"bill_from": dt.date(2026, 2, 1), "name": "Renamed"}
    )

    assert "has invoices already" in refusal.value.fields["bill_from"][0]
    customer.refresh_from_db()
    assert (customer.bill_from, customer.name) == (dt.date(2026, 2, 1), "Renamed")


def test_only_what_differs_is_written():
    customer = make_customer()
    before = version_of(customer)

    update_customer(customer_id=customer.pk, fields={"name": customer.name}, version=before)

    assert version_of(customer) == before


def test_a_stale_edit_says_what_changed_and_stores_nothing():
    customer = make_customer(name="Old", city="Kiel")
    seen = version_of(customer)
    update_customer(customer_id=customer.pk, fields={"name": "Newer"})

    with pytest.raises(EditIsStale, match="Name is now “Newer”") as refusal:
        update_customer(customer_id=customer.pk, fields={"city": "Bonn"}, version=seen)
    assert "City" not in str(refusal.value)
    update_customer(customer_id=customer.pk, fields={"city": "Bonn"}, version=version_of(customer))

    customer.refresh_from_db()
    assert (customer.name, customer.city) == ("Newer", "Bonn")


@pytest.mark.requirement("H-CB6")
def test_billing_is_suspended_with_a_reason_and_resumed():
    customer = make_customer()

    with pytest.raises(FieldsRefused, match="Say why"):
        suspend_customer(customer_id=customer.pk, reason="")
    suspend_customer(customer_id=customer.pk, reason="Insolvency")
    with pytest.raises(CustomerRefused, match="suspended already: Insolvency"):
        suspend_customer(customer_id=customer.pk, reason="Again")
    resume_customer(customer_id=customer.pk)
    with pytest.raises(CustomerRefused, match="is not suspended"):
        resume_customer(customer_id=customer.pk)

    customer.refresh_from_db()
    assert (customer.suspended, customer.suspended_reason) == (False, "")


@pytest.mark.requirement("K-15")
def test_the_currency_of_a_contract_is_fixed():
    contract = make_contract(make_customer(contract=False))

    with pytest.raises(CustomerRefused, match="kept in EUR for good"):
        update_contract(contract_id=contract.pk, fields={"currency": "USD"})


def test_a_new_default_takes_the_mark_from_the_one_before():
    customer = make_customer()
    first = customer.contracts.get()

    second = create_contract(customer=customer, fields={"currency": "USD", "is_default": True})
    assert customer.contracts.get(is_default=True) == second
    update_contract(contract_id=first.pk, fields={"is_default": True})
    assert customer.contracts.get(is_default=True) == first
    with pytest.raises(CustomerRefused, match="needs one"):
        update_contract(contract_id=first.pk, fields={"is_default": False})


def test_references_are_made_from_the_code_and_stay_unique():
    customer = new()
    make_contract(make_customer(), reference="NORD-1-2")

    second = create_contract(customer=customer, fields={"currency": "EUR"})

    assert second.reference == "NORD-1-3"
    assert not second.is_default


@pytest.mark.requirement("D-28")
@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"terms_kind": "net_days", "terms_months": 1}, "terms_days"),
        ({"terms_kind": "day_of_month", "terms_days": 32}, "terms_days"),
        ({"starts_on": dt.date(2026, 2, 2), "ends_on": dt.date(2026, 2, 1)}, "ends_on"),
    ],
)
def test_terms_that_do_not_fit_are_refused_in_words(terms, field):
    customer = make_customer()

    with pytest.raises(FieldsRefused) as refusal:
        create_contract(customer=customer, fields={"currency": "EUR"} | terms)

    assert list(refusal.value.fields) == [field]
    assert "Constraint" not in str(refusal.value)


@pytest.mark.requirement("D-28")
def test_terms_at_their_bounds_are_stored():
    customer = make_customer()

    contract = create_contract(
        customer=customer,
        fields={
            "currency": "EUR",
            "terms_kind": "day_of_month",
            "terms_days": 31,
            "terms_months": 1,
            "starts_on": dt.date(2026, 2, 1),
            "ends_on": dt.date(2026, 2, 1),
        },
    )

    assert contract.terms_days == 31


@pytest.mark.requirement("CB-51")
def test_a_cluster_moves_with_everything_below_it_and_never_below_itself():
    root, top = create_cluster(name="All"), create_cluster(name="Top")
    middle = create_cluster(name="Middle", parent=top)
    leaf = create_cluster(name="Leaf", parent=middle)

    move_cluster(cluster_id=middle.pk, parent=root)
    leaf.refresh_from_db()
    assert leaf.path == [root.pk, middle.pk, leaf.pk]
    with pytest.raises(MoveRefused, match="below itself"):
        move_cluster(cluster_id=middle.pk, parent=leaf)
    with pytest.raises(FieldsRefused, match="already"):
        create_cluster(name="Leaf")
    with pytest.raises(FieldsRefused, match="invisible"):
        create_cluster(name="a\u202eb")
