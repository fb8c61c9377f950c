"""Refusals of rating, each with its remedy."""

from billing_site.kernel.errors import DomainError


class PricingRuleRefused(DomainError):
    """A pricing rule that could not price anything."""


class TierRefused(PricingRuleRefused):
    """Tiers that leave a quantity without a price, or give it two."""


class CalculationError(DomainError):
    """An invoice that cannot be calculated; it goes to Error with this sentence (CB-14)."""
