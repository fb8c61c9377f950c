"""Pricing rules in words, for templates."""

from django import template

from invoicing.models import PricingRule
from invoicing.selectors.rules import effect_of

register = template.Library()


@register.filter
def effect(rule: PricingRule) -> str:
    """What the rule does, without its scope; its tiers are prefetched by the list."""
    return effect_of(rule)
