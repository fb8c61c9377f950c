"""Refusals of the approvals floor: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class ApprovalRefused(DomainError):
    """The invoice, its review, or the person's rights do not allow this decision."""


class Stale(DomainError):
    """What the person saw is not what is there any more; says what changed."""
