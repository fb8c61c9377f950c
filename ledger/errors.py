"""Refusals of the ledger floor: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class LedgerEntryConflict(DomainError):
    """A fact is posted already, with other content."""


class PostingRefused(DomainError):
    """An entry does not fit its account."""


class PaymentRefused(DomainError):
    """A payment that cannot be booked as it was given."""


class CustomerRefused(DomainError):
    """A change that the state of the customer does not allow."""


class MoveRefused(DomainError):
    """A node of a tree cannot be placed there."""


# What the database refuses -> the field it is about, and what to do.
CUSTOMER_SENTENCES = {
    "ledger_customer_code_key": (
        "code",
        "Another customer has this code already; codes are unique. Give another one.",
    ),
    "customer_frequency_is_positive": (
        "frequency_count",
        "An invoice comes every 1 or more days, months or years.",
    ),
    "customer_suspended_has_reason": (
        "suspended_reason",
        "Say why billing is suspended; the reason is shown on the customer's page.",
    ),
    "customer_bill_from_is_used": (
        "bill_from",
        "The customer has invoices already, so Bill From has no effect any more and stays as it "
        "is. Put the earlier date back.",
    ),
}
CONTRACT_SENTENCES = {
    "ledger_contract_reference_key": (
        "reference",
        "Another contract has this reference already; references are unique. Give another one.",
    ),
    "contract_one_default_per_customer": (
        "is_default",
        "The customer has a default contract already; take the mark from that one first.",
    ),
    "contract_ends_after_start": (
        "ends_on",
        "The end is before the start; give the day of the start or a later one.",
    ),
    "contract_terms_are_complete": (
        "terms_days",
        "For a day of a later month give a day from 1 to 31; for days after the invoice date "
        "leave the months at 0.",
    ),
}
CLUSTER_SENTENCES = {
    "ledger_customercluster_name_key": (
        "name",
        "Another cluster has this name already; names are unique. Give another one.",
    ),
}
