"""Refusals of the invoicing floor: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class InvoiceRefused(DomainError):
    """What was asked of an invoice is not possible as it stands."""


class FirmIsMissing(DomainError):
    """There is no provider to print on invoices."""

    def __init__(self) -> None:
        super().__init__(
            "Your firm's name and address are not filled in, and every invoice names its sender. "
            "An administrator fills them in under Administration, Ledger, Firm."
        )


class NumberTaken(DomainError):
    """Two number schemes made the same number."""


class ResultRefused(DomainError):
    """A document that cannot be made."""


class ImportRefused(DomainError):
    """What was asked of an import is not possible as it stands."""


class ImportHasChanged(ImportRefused):
    """Since the preview other rows would be new, changed or unchanged; nothing was imported."""
