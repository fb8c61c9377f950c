"""Customers, contracts and their ledgers. Django finds models here."""

from ledger.models.accounts import ContractAccount, LedgerEntry, Payment
from ledger.models.customers import Contract, Customer, CustomerCluster, Firm

__all__ = (
    "Contract",
    "ContractAccount",
    "Customer",
    "CustomerCluster",
    "Firm",
    "LedgerEntry",
    "Payment",
)
