"""Customers, their contracts, and the clusters they belong to (H-CB6)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from billing_site.web.edits import FieldsRefused, refuse_stale, save_valid
from ledger.errors import CONTRACT_SENTENCES, CUSTOMER_SENTENCES, CustomerRefused
from ledger.models import Contract, ContractAccount, Customer

Fields = Mapping[str, Any]
REFERENCE_STEM = 50


@transaction.atomic
def create_customer(*, fields: Fields, contract_fields: Fields) -> Customer:
    """Store a customer with its default contract and that contract's account, all or nothing.

    Its first invoices are made by the next sweep of invoicing (CB-15, CB-16).

    :param fields: values by field name of the model; code, name, cluster and bill_from are needed.
    :param contract_fields: likewise for the contract; currency is needed, an empty reference is
        made from the code of the customer.
    :raises FieldsRefused: a value does not fit; the fields of the contract begin ``contract-``.
    """
    customer = Customer(**fields)
    save_valid(customer, sentences=CUSTOMER_SENTENCES)
    try:
        create_contract(customer=customer, fields={**contract_fields, "is_default": True})
    except FieldsRefused as refusal:
        named = {f"contract-{name}": text for name, text in refusal.fields.items()}
        raise FieldsRefused(named, Customer) from refusal
    return customer


@transaction.atomic
def update_customer(*, customer_id: int, fields: Fields, version: int | None = None) -> Customer:
    """Change the data of a customer; only what differs is written.

    Billing is suspended and resumed by services of their own. A move to another cluster sends
    the unlocked invoices to Pending with the next sweep (H-CB3).

    :param version: ``version_of`` the record when the form was shown; None: no guard.
    :raises EditIsStale: the record was changed meanwhile.
    :raises FieldsRefused: a value does not fit; or Bill From of a customer with invoices.
    :raises CustomerRefused: the code would change.
    """
    customer = _locked(customer_id)
    if fields.get("code", customer.code) != customer.code:
        raise CustomerRefused(
            f"The code {customer.code} stands on invoices and in purchases and never changes."
        )
    if version is not None:
        refuse_stale(customer, version=version)
    if changed := _assign(customer, fields):
        save_valid(customer, sentences=CUSTOMER_SENTENCES, update_fields=changed)
    return customer


@transaction.atomic
def suspend_customer(*, customer_id: int, reason: str) -> Customer:
    """Stop the billing of a customer: no new invoices are made, purchases wait unmapped.

    :raises FieldsRefused: no reason, or one that does not fit.
    :raises CustomerRefused: billing is suspended already.
    """
    customer = _locked(customer_id)
    if customer.suspended:
        raise CustomerRefused(
            f"Billing of {customer.name} is suspended already: {customer.suspended_reason}"
        )
    customer.suspended = True
    customer.suspended_reason = reason
    save_valid(
        customer, sentences=CUSTOMER_SENTENCES, update_fields=("suspended", "suspended_reason")
    )
    return customer


@transaction.atomic
def resume_customer(*, customer_id: int) -> Customer:
    """Bill a suspended customer again; missing invoices are made by the next sweep.

    :raises CustomerRefused: billing is not suspended.
    """
    customer = _locked(customer_id)
    if not customer.suspended:
        raise CustomerRefused(f"Billing of {customer.name} is not suspended.")
    customer.suspended = False
    customer.suspended_reason = ""
    save_valid(
        customer, sentences=CUSTOMER_SENTENCES, update_fields=("suspended", "suspended_reason")
    )
    return customer


@transaction.atomic
def create_contract(*, customer: Customer, fields: Fields) -> Contract:
    """Store a contract of a customer with its account (B-10).

    An empty reference becomes ``<code>-<n>``. The first contract of a customer is its default;
    a new default takes the mark from the one before.

    :raises FieldsRefused: a value does not fit.
    """
    customer = _locked(customer.pk)
    others = list(customer.contracts.select_for_update())
    contract = Contract(customer=customer, **fields)
    contract.reference = contract.reference or _free_reference(customer, len(others) + 1)
    if not any(other.is_default for other in others):
        contract.is_default = True
    elif contract.is_default:
        customer.contracts.filter(is_default=True).update(is_default=False)
    save_valid(contract, sentences=CONTRACT_SENTENCES)
    ContractAccount.objects.create(contract=contract)
    return contract


@transaction.atomic
def update_contract(*, contract_id: int, fields: Fields, version: int | None = None) -> Contract:
    """Change the terms of a contract; the currency is fixed for good (K-15).

    :raises EditIsStale: the record was changed meanwhile.
    :raises FieldsRefused: a value does not fit.
    :raises CustomerRefused: the currency would change, or a customer would lose its default.
    """
    customer_id = Contract.objects.values_list("customer_id", flat=True).get(pk=contract_id)
    _locked(customer_id)
    contract = Contract.objects.select_for_update().get(pk=contract_id)
    if fields.get("currency", contract.currency) != contract.currency:
        raise CustomerRefused(
            f"Contract {contract.reference} is kept in {contract.currency} for good; make another "
            "contract for another currency."
        )
    if version is not None:
        refuse_stale(contract, version=version)
    if contract.is_default and not fields.get("is_default", True):
        raise CustomerRefused(
            f"{contract.reference} is the default contract, and a customer needs one. Mark "
            "another contract as the default instead."
        )
    changed = _assign(contract, fields)
    if "is_default" in changed:
        Contract.objects.filter(customer_id=customer_id, is_default=True).update(is_default=False)
    if changed:
        save_valid(contract, sentences=CONTRACT_SENTENCES, update_fields=changed)
    return contract


def _locked(customer_id: int) -> Customer:
    return Customer.objects.select_for_update().get(pk=customer_id)


def _assign(row: Any, fields: Fields) -> list[str]:
    """Set the fields that differ; their names."""
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


def _free_reference(customer: Customer, number: int) -> str:
    """``<code>-<n>`` with the first n that no contract has."""
    stem = customer.code[:REFERENCE_STEM]
    taken = set(
        Contract.objects.filter(reference__startswith=f"{stem}-").values_list(
            "reference", flat=True
        )
    )
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"
