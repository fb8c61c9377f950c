"""Refusals of the workplace: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class JobNotCancellable(DomainError):
    """The job has already ended."""


class JobNotRetryable(DomainError):
    """The job is still at work, or ended well."""


class SelectionIsEmpty(DomainError):
    """Nothing is selected."""


class SelectionHasChanged(DomainError):
    """More rows match the selection than were confirmed."""


class UnknownJobKind(DomainError):
    """No handler is registered under this name."""


class ListIsGone(DomainError):
    """The list of an export does not exist for this user."""


class JobNotPermitted(DomainError):
    """The owner of the job may not do this work (any more)."""
