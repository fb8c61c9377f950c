"""What an export of a ledger shows, as plain frozen values; built by selectors, read by exports."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry of a contract's ledger, with the fields of its kind (B-16..B-18)."""

    type: str
    contract_id: str
    customer_id: str
    description: str
    currency: str  # ISO 4217
    amount: Decimal  # signed: above zero, the customer owes (B-20)
    balance: Decimal  # after the entry (B-21)
    vat_percentage: Decimal
    amount_type: str
    timestamp: dt.datetime
    country: str = ""  # ISO 3166-1 alpha-2
    invoice_id: str = ""
    invoice_draft_id: str = ""
    payment_transaction_id: str = ""
    payment_transaction_status: str = ""
    payment_status: str = ""
