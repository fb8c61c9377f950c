"""Pricing rules and products as the pure rules want them: read once per batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from inventory.enums import ItemType
from inventory.models import CatalogueItem
from invoicing.models import PriceTier, PricingRule
from invoicing.rules.errors import PricingRuleRefused
from invoicing.rules.price import ZERO, Tier
from invoicing.rules.selection import PricingRuleSpec, RuleIndex

ONE_TIME_TYPES = frozenset({ItemType.HARDWARE, ItemType.ONE_OFF})
FREE_OF_CHARGE = (Tier(None, ZERO),)


@dataclass(frozen=True, slots=True)
class Pricing:
    """All pricing rules of the firm, ready for a batch.

    ``broken`` has the refusal of every rule that could price nothing (a ladder whose last tier was
    taken away behind the services' back): what they touch fails with it, everything else goes on.
    """

    index: RuleIndex
    broken: dict[int, str]


class Product(NamedTuple):
    """A catalogue item as the calculation sees it; prices net per unit."""

    code: str
    name: str
    category_path: tuple[int, ...]  # root first
    category: str
    unit: str
    price: Decimal | None
    cost: Decimal | None


def read_pricing() -> Pricing:
    """Return every pricing rule with its tiers; two queries."""
    tiers: dict[int, list[Tier]] = defaultdict(list)
    for rule_id, up_to, unit_price, flat_fee in PriceTier.objects.values_list(
        "rule_id", "up_to", "unit_price", "flat_fee"
    ):
        tiers[rule_id].append(Tier(up_to, unit_price, flat_fee))
    specs = []
    broken = {}
    for rule in PricingRule.objects.select_related("product_category", "customer_cluster"):
        try:
            spec = rule_spec(rule, tiers.get(rule.pk, ()))
        except PricingRuleRefused as refusal:
            broken[rule.pk] = f"Pricing rule {rule.name} cannot be used: {refusal}"
            spec = rule_spec(rule, FREE_OF_CHARGE)
        specs.append(spec)
    return Pricing(RuleIndex(specs), broken)


def rule_spec(rule: PricingRule, tiers: Sequence[Tier]) -> PricingRuleSpec:
    """Return one rule for the pure rules.

    :raises PricingRuleRefused: it could price nothing.
    """
    category, cluster = rule.product_category, rule.customer_cluster
    return PricingRuleSpec(
        id=rule.pk,
        name=rule.name,
        operator=rule.operator,
        category_path=tuple(category.path) if category is not None else None,
        cluster_path=tuple(cluster.path) if cluster is not None else None,
        value=rule.value,
        cost=rule.cost,
        fee=rule.fee,
        percentage=rule.percentage,
        tiers=tuple(sorted(tiers, key=lambda tier: (tier.up_to is None, tier.up_to or ZERO))),
        ladder_mode=rule.ladder_mode,
        order=rule.order,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        label=rule.label,
        currency=rule.currency or None,
    )


def read_products(item_ids: Iterable[int]) -> dict[int, Product]:
    """Return the catalogue items of a batch by id; one query.

    The catalogue price of hardware and one-off charges is the up-front one, of everything else
    the recurring one; where an item has only the other, that one.
    """
    products = {}
    rows = CatalogueItem.objects.filter(pk__in=list(item_ids)).values_list(
        "pk",
        "code",
        "name",
        "category__path",
        "category__name",
        "unit",
        "item_type",
        "upfront_price",
        "upfront_cost",
        "recurring_price",
        "recurring_cost",
    )
    for pk, code, name, path, category, unit, kind, *amounts in rows:
        upfront_price, upfront_cost, recurring_price, recurring_cost = amounts
        prices = (recurring_price, upfront_price)
        costs = (recurring_cost, upfront_cost)
        if kind in ONE_TIME_TYPES:
            prices, costs = prices[::-1], costs[::-1]
        products[pk] = Product(
            code, name, tuple(path), category, unit, _first(prices), _first(costs)
        )
    return products


def _first(amounts: tuple[Decimal | None, Decimal | None]) -> Decimal | None:
    return amounts[0] if amounts[0] is not None else amounts[1]
