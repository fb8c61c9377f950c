"""Which pricing rules apply to a product, a customer and a date (H-CB2, D-40, D-41).

A rule covers the products under its category and the customers under its cluster (whole
subtrees), from its first to its last valid day, both included. Paths run from the root down;
``None`` means all. The most specific rule wins: deepest cluster, then deepest category, then a
rule for the invoice's currency alone, then lowest order. Adjustments do not compete: every one that matches applies, in order.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from .errors import PricingRuleRefused
from .price import ZERO, Tier, validated_tiers

Path = tuple[Hashable, ...]
ONE_DAY = dt.timedelta(days=1)


class Operator(StrEnum):
    """What a pricing rule does (D-40)."""

    PRICE = "price"
    PRICE_LADDER = "price_ladder"
    ADJUST_PERCENTAGE = "adjust_percentage"
    VAT = "vat"


class LadderMode(StrEnum):
    """How a price ladder reads its tiers (K-10)."""

    GRADUATED = "graduated"
    VOLUME = "volume"


PRICE_OPERATORS = frozenset({Operator.PRICE, Operator.PRICE_LADDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingRuleSpec:
    """A pricing rule as the calculation sees it; refuses what could price nothing.

    ``value`` is the net price per unit of a Price rule, None for the product's catalogue price;
    ``cost`` the cost per unit, None for the catalogue cost; ``fee`` is charged per purchase that
    used something. ``percentage`` is signed for an adjustment (-4 is 4 % off) and zero or more
    for VAT (19 is 19 %). ``currency`` limits the rule to invoices in it; None fits every currency.

    :raises PricingRuleRefused: a field the operator needs is missing or out of range.
    """

    id: int
    name: str
    operator: str
    category_path: Path | None = None
    cluster_path: Path | None = None
    value: Decimal | None = None
    cost: Decimal | None = None
    fee: Decimal = ZERO
    percentage: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    ladder_mode: str = LadderMode.GRADUATED
    fee_at_zero: bool = False
    order: int = 0
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    label: str = ""
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.operator not in set(Operator):
            raise PricingRuleRefused(
                f"Pricing rule {self.name} has the unknown operator {self.operator!r}; "
                f"use one of {', '.join(Operator)}."
            )
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise PricingRuleRefused(
                f"Pricing rule {self.name} is valid to {self.valid_to}, before it begins on "
                f"{self.valid_from}; choose a later end."
            )
        if self.operator == Operator.PRICE_LADDER:
            if self.ladder_mode not in set(LadderMode):
                raise PricingRuleRefused(
                    f"Pricing rule {self.name} has the unknown ladder mode {self.ladder_mode!r}; "
                    f"use {' or '.join(LadderMode)}."
                )
            validated_tiers(self.tiers)
        if self.operator in (Operator.ADJUST_PERCENTAGE, Operator.VAT):
            if self.percentage is None:
                raise PricingRuleRefused(
                    f"Pricing rule {self.name} has no percentage; enter one (0 is one too)."
                )
            floor = -100 if self.operator == Operator.ADJUST_PERCENTAGE else 0
            if self.percentage < floor:
                raise PricingRuleRefused(
                    f"Pricing rule {self.name} has {self.percentage} %; it must be {floor} or more."
                )

    @property
    def shown_label(self) -> str:
        """The text of its items where no product names them."""
        return self.label or self.name

    def is_valid(self, on: dt.date) -> bool:
        """Whether the rule may be used for a purchase of ``on``; both ends count."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    def covers(self, category_path: Path, cluster_path: Path, currency: str | None) -> bool:
        """Whether product, customer and currency lie within the rule's scope."""
        return (
            _is_under(cluster_path, self.cluster_path)
            and _is_under(category_path, self.category_path)
            and (self.currency is None or currency is None or self.currency == currency)
        )


def overlaps(one: PricingRuleSpec, other: PricingRuleSpec) -> bool:
    """Return whether the two rules would compete on equal terms, which D-41 refuses.

    True for two Price or PriceLadder rules (or two VAT rules) of equal cluster, category, currency
    and order that share a valid day. A rule for one currency does not compete with one for every
    currency: it is more specific. A rule does not compete with itself.
    """
    families = [_family(rule.operator) for rule in (one, other)]
    return (
        one.id != other.id
        and families[0] == families[1] != Operator.ADJUST_PERCENTAGE
        and one.cluster_path == other.cluster_path
        and one.category_path == other.category_path
        and one.order == other.order
        and one.currency == other.currency
        and (one.valid_from or dt.date.min) <= (other.valid_to or dt.date.max)
        and (other.valid_from or dt.date.min) <= (one.valid_to or dt.date.max)
    )


def select_price_rule(
    specs: Iterable[PricingRuleSpec],
    category_path: Path,
    cluster_path: Path,
    on: dt.date,
    currency: str | None = None,
) -> PricingRuleSpec | None:
    """Return the Price or PriceLadder rule for a purchase, None if there is none (H-CB2).

    :param category_path: the product's category, root first.
    :param cluster_path: the customer's cluster, root first.
    :param on: date of the purchase.
    """
    return _most_specific(specs, PRICE_OPERATORS, category_path, cluster_path, on, currency)


def select_vat_rule(
    specs: Iterable[PricingRuleSpec],
    category_path: Path,
    cluster_path: Path,
    on: dt.date,
    currency: str | None = None,
) -> PricingRuleSpec | None:
    """Return the VAT rule for a purchase, None if there is none; see ``select_price_rule``."""
    return _most_specific(specs, {Operator.VAT}, category_path, cluster_path, on, currency)


def matching_adjustments(
    specs: Iterable[PricingRuleSpec],
    category_path: Path,
    cluster_path: Path,
    on: dt.date,
    currency: str | None = None,
) -> tuple[PricingRuleSpec, ...]:
    """Return every AdjustPercentage rule for a purchase, in order, then by name."""
    found = [
        spec
        for spec in specs
        if spec.operator == Operator.ADJUST_PERCENTAGE
        and spec.is_valid(on)
        and spec.covers(category_path, cluster_path, currency)
    ]
    return tuple(sorted(found, key=lambda spec: (spec.order, spec.name, spec.id)))


class Plan(NamedTuple):
    """What applies to one category, cluster, currency and epoch.

    ``treatment`` is equal for usage with the same VAT rate and the same adjustments.
    """

    price: PricingRuleSpec | None
    vat: PricingRuleSpec | None
    adjustments: tuple[PricingRuleSpec, ...]
    treatment: tuple[Hashable, ...]


class RuleIndex:
    """The pricing rules of a batch, with the answers already found.

    Between two ``boundaries`` (an epoch) no rule begins or ends, so one answer serves every
    purchase of the epoch. Build it once per batch; it holds no more than clusters x categories x
    epochs answers.
    """

    def __init__(self, specs: Iterable[PricingRuleSpec]) -> None:
        self.specs = tuple(sorted(specs, key=lambda spec: (spec.order, spec.name, spec.id)))
        begins = {spec.valid_from for spec in self.specs if spec.valid_from}
        ends = {
            spec.valid_to + ONE_DAY
            for spec in self.specs
            if spec.valid_to and spec.valid_to < dt.date.max
        }
        self.boundaries: list[dt.date] = sorted(begins | ends)
        self._epochs: dict[dt.date, int] = {}
        self._plans: dict[tuple[Path, str], CustomerPlans] = {}

    def epoch(self, on: dt.date) -> int:
        """Return the number of boundaries on or before ``on``; usage of one group shares it."""
        found = self._epochs.get(on)
        if found is None:
            found = self._epochs[on] = bisect_right(self.boundaries, on)
        return found

    def plans(self, cluster_path: Path, currency: str) -> "CustomerPlans":
        """Return the answers for customers of one cluster and currency."""
        found = self._plans.get((cluster_path, currency))
        if found is None:
            specs = [
                spec
                for spec in self.specs
                if _is_under(cluster_path, spec.cluster_path)
                and (spec.currency is None or spec.currency == currency)
            ]
            found = self._plans[cluster_path, currency] = CustomerPlans(specs, cluster_path)
        return found


class CustomerPlans:
    """The plans of one cluster and currency, by category and epoch, found when first needed."""

    __slots__ = ("_cluster_path", "_specs", "found")

    def __init__(self, specs: Sequence[PricingRuleSpec], cluster_path: Path) -> None:
        self._specs = specs
        self._cluster_path = cluster_path
        self.found: dict[tuple[Path, int], Plan] = {}

    def find(self, category_path: Path, epoch: int, on: dt.date) -> Plan:
        """Return the plan for a category on ``on``, a day of ``epoch``."""
        plan = self.found.get((category_path, epoch))
        if plan is None:
            place = (self._specs, category_path, self._cluster_path, on)
            vat = select_vat_rule(*place)
            adjustments = matching_adjustments(*place)
            plan = self.found[category_path, epoch] = Plan(
                price=select_price_rule(*place),
                vat=vat,
                adjustments=adjustments,
                treatment=(vat and vat_key(vat), tuple(rule.id for rule in adjustments)),
            )
        return plan


def vat_key(rule: PricingRuleSpec) -> tuple[Hashable, ...]:
    """Return what VAT is summed by: the rate (K-2); at 0 % the rule, which carries the reason."""
    return (rule.percentage, None if rule.percentage else rule.id)


def _most_specific(
    specs: Iterable[PricingRuleSpec],
    operators: Iterable[str],
    category_path: Path,
    cluster_path: Path,
    on: dt.date,
    currency: str | None,
) -> PricingRuleSpec | None:
    found = [
        spec
        for spec in specs
        if spec.operator in operators
        and spec.is_valid(on)
        and spec.covers(category_path, cluster_path, currency)
    ]
    return min(found, key=_specificity, default=None)


def _specificity(spec: PricingRuleSpec) -> tuple[int, int, bool, int, str, int]:
    return (
        -len(spec.cluster_path or ()),
        -len(spec.category_path or ()),
        spec.currency is None,
        spec.order,
        spec.name,
        spec.id,
    )


def _is_under(path: Path, scope: Path | None) -> bool:
    return scope is None or path[: len(scope)] == scope


def _family(operator: str) -> str:
    return Operator.PRICE if operator in PRICE_OPERATORS else operator
