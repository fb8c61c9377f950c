"""What the pages of pricing rules show beside the rule itself."""

from dataclasses import dataclass

from invoicing.models import InvoiceItem, PricingRule
from invoicing.rules.price import Tier
from invoicing.rules.wording import effect_in_words, scope_in_words, validity_in_words
from ledger.models import Contract

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class RuleUse:
    """On how many invoice items a rule stands; counted up to ``MOST_COUNTED``."""

    items: int
    is_more: bool


def rule_use(rule: PricingRule) -> RuleUse:
    """A bounded count: a VAT rule stands on every invoice there is."""
    counted = InvoiceItem.objects.filter(rule=rule).order_by()[: MOST_COUNTED + 1].count()
    return RuleUse(min(counted, MOST_COUNTED), counted > MOST_COUNTED)


def currencies_in_use() -> list[str]:
    """ISO codes of the currencies of all contracts, sorted."""
    codes = Contract.objects.order_by("currency").values_list("currency", flat=True).distinct()
    return list(codes)


def tiers_of(rule: PricingRule) -> tuple[Tier, ...]:
    """The tiers in the order of the ladder; prefetched ones are not asked for again."""
    tiers = sorted(rule.tiers.all(), key=lambda tier: (tier.up_to is None, tier.up_to or 0))
    return tuple(Tier(tier.up_to, tier.unit_price, tier.flat_fee) for tier in tiers)


def effect_of(rule: PricingRule) -> str:
    """What a rule does, in words, without its scope."""
    return effect_in_words(
        rule.operator,
        value=rule.value,
        fee=rule.fee,
        percentage=rule.percentage,
        ladder_mode=rule.ladder_mode,
        tiers=tiers_of(rule),
        currency=rule.currency,
    )


def rule_sentence(rule: PricingRule) -> str:
    """Scope, effect and validity of a rule in one sentence."""
    category, cluster = rule.product_category, rule.customer_cluster
    scope = scope_in_words(
        category.name if category else None, cluster.name if cluster else None, rule.currency
    )
    return f"{scope}: {effect_of(rule)}; {validity_in_words(rule.valid_from, rule.valid_to)}."
