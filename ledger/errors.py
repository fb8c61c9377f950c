"""Refusals of the ledger floor: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class LedgerEntryConflict(DomainError):
    """A fact is posted already, with other content."""


class PostingRefused(DomainError):
    """An entry does not fit its account."""


class PaymentRefused(DomainError):
    """A payment that cannot be booked as it was given."""
