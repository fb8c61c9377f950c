"""From usage to the items and totals of one invoice (CB-2, K-1, K-2, K-3, K-10).

1. *Prices.* Usage is added up per pricing rule and product, priced exactly, and rounded once: one
   item (K-1). A purchase's own unit price beats the rule (one item per unit price); a purchase's
   own total is never recalculated (K-3) and makes an item of its own.
2. *Adjustments* (discounts, surcharges). Items with the same VAT rate and the same adjustments
   form a group. In each group every adjustment, in order, is a percentage of what the group comes
   to so far: its rounded items and the adjustments before it. So percentages compound (10 % off
   and then 4 % off 100.00 is 86.40), and every adjustment can be checked from the lines above it.
3. *VAT* once per rate, on the sum of the rounded items and adjustments of that rate (K-2).

Where the VAT rate or the adjustments of a product change within the period, its usage makes one
item for each side of the change; a price ladder still sees the whole quantity, and its price is
shared out by quantity.
"""

import datetime as dt
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from billing_site.kernel.money import exact, rounder

from .errors import CalculationError
from .price import ZERO, graduated_price, volume_price
from .selection import LadderMode, Operator, Path, Plan, PricingRuleSpec, RuleIndex, vat_key

HUNDRED = Decimal(100)
SENTENCES_SHOWN = 3
Span = tuple[dt.date, dt.date]


class ItemKind(StrEnum):
    """What an invoice item comes from."""

    PRICE = "price"
    ADJUSTMENT = "adjustment"
    VAT = "vat"


class UsageLine(NamedTuple):
    """The purchases of one product that are priced together, added up (by SQL, or one by one).

    Purchases of one line share the product, their override unit price, their separate key, and
    whether they bring their own total; their dates lie in one epoch of the ``RuleIndex``. Lines
    of the same product say the same about it (code, label, category, unit, price, cost).

    A named tuple, not a dataclass: a batch makes half a million of them straight from rows.
    """

    product_id: int
    product_code: str
    label: str
    category_path: Path  # root first
    unit: str
    quantity: Decimal  # sum, exact
    purchase_count: int  # purchases with a quantity other than zero
    from_on: dt.date  # first and last purchase date
    to_on: dt.date
    catalogue_price: Decimal | None = None  # net per unit, in the invoice's currency
    catalogue_cost: Decimal | None = None
    stated_total: Decimal | None = None  # sum of the totals the purchases bring themselves (K-3)
    stated_cost: Decimal | None = None  # sum of the costs they bring themselves
    unit_price_override: Decimal | None = None
    separate_key: str = ""  # lines with different keys stay separate items


class InvoiceItem(NamedTuple):
    """One result of a pricing rule, ready to be stored."""

    position: int  # 1, 2, ...
    kind: ItemKind
    rule_id: int | None  # None: the purchases brought their own price or total
    product_id: int | None  # None on adjustments and VAT
    label: str  # the rule's, else the product's name; on adjustments and VAT the rule's name
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None  # None: a ladder, stated totals, adjustments, VAT
    exact_amount: Decimal  # net (VAT: the tax), before rounding
    amount: Decimal  # rounded to the currency's minor units
    cost: Decimal  # rounded likewise; zero on adjustments and VAT
    vat_percentage: Decimal
    base_positions: tuple[int, ...]  # items a percentage was taken of
    spans: tuple[Span, ...]  # dates of the purchases, sorted, joined where they touch
    percentage: Decimal | None  # of an adjustment or VAT
    purchase_count: int  # purchases with a quantity other than zero; 0 on adjustments and VAT
    stated: bool  # the purchases brought their totals (K-3)


@dataclass(frozen=True, slots=True)
class InvoiceResult:
    """The items of an invoice and its totals, all in one currency.

    ``net_total`` is the sum of the rounded price and adjustment items, ``vat_total`` of the VAT
    items, ``gross_total`` of both, ``cost_total`` of the rounded costs. Without usage: no items,
    all zero (K-14).
    """

    items: tuple[InvoiceItem, ...]
    net_total: Decimal
    vat_total: Decimal
    gross_total: Decimal
    cost_total: Decimal


class _Group:
    """Usage that becomes one price item, while it is added up."""

    __slots__ = (
        "cost",
        "count",
        "line",
        "plan",
        "quantity",
        "rule",
        "spans",
        "stated",
        "unit_price",
    )

    def __init__(
        self,
        line: UsageLine,
        plan: Plan,
        rule: PricingRuleSpec | None,
        unit_price: Decimal | None,
        cost: Decimal,
    ) -> None:
        self.line = line
        self.plan = plan
        self.rule = rule
        self.unit_price = unit_price
        self.cost = cost
        self.quantity = line.quantity
        self.count = line.purchase_count
        self.stated = line.stated_total
        self.spans: tuple[Span, ...] | list[Span] = ((line.from_on, line.to_on),)

    def add(self, line: UsageLine, cost: Decimal) -> None:
        self.cost += cost
        self.quantity += line.quantity
        self.count += line.purchase_count
        if self.stated is not None and line.stated_total is not None:
            self.stated += line.stated_total
        self.spans = [*self.spans, (line.from_on, line.to_on)]

    def sort_key(self) -> tuple[Any, ...]:
        line, unit_price = self.line, self.unit_price
        return (
            line.category_path,
            line.product_code,
            line.product_id,
            self.rule.name if self.rule else "",
            self.stated is not None,
            ZERO if unit_price is None else unit_price,
            line.separate_key,
            min(self.spans),
        )


def calculate_invoice(
    usage: Iterable[UsageLine], *, cluster_path: Path, currency: str, index: RuleIndex
) -> InvoiceResult:
    """Return the items and totals of one invoice.

    The order of ``usage`` does not matter. Items come by category, product code and rule name,
    then adjustments, then VAT by rate.

    :param cluster_path: the customer's cluster, root first.
    :param currency: ISO 4217 code of the contract; decides the rounding.
    :param index: the pricing rules, once per batch.
    :raises CalculationError: usage without a price or without a VAT rule; names the products and
        the remedy.
    :raises UnknownCurrency: ``currency`` is not in ISO 4217.
    :raises ValueError: a usage line straddles a boundary of the index (a bug in the caller).
    """
    with exact():
        groups = _grouped(usage, cluster_path, currency, index)
        groups.sort(key=_Group.sort_key)
        rounded = rounder(currency)
        zero = rounded(ZERO)
        shared = _shared_ladder_prices(groups)

        items: list[InvoiceItem] = []
        parts: dict[tuple[Hashable, ...], tuple[Plan, list[InvoiceItem]]] = {}
        cost_total = zero
        make = InvoiceItem._make
        for position, group in enumerate(groups, start=1):
            line, plan, rule = group.line, group.plan, group.rule
            amount = shared[position - 1] if shared else None
            if amount is None:
                amount = _exact_price(group)
            cost = rounded(group.cost)
            cost_total += cost
            item = make(
                (
                    position,
                    ItemKind.PRICE,
                    rule.id if rule is not None else None,
                    line.product_id,
                    rule.label or line.label if rule is not None else line.label,
                    group.quantity,
                    line.unit,
                    group.unit_price,
                    amount,
                    rounded(amount),
                    cost,
                    plan.vat.percentage,  # type: ignore[union-attr]  # _grouped refused None
                    (),
                    group.spans if len(group.spans) == 1 else _joined(group.spans),
                    None,
                    group.count,
                    group.stated is not None,
                )
            )
            items.append(item)
            part = parts.get(plan.treatment)
            if part is None:
                parts[plan.treatment] = (plan, [item])
            else:
                part[1].append(item)

        for plan, members in parts.values():
            _adjust(plan, members, items, rounded, zero)
        net_total = sum((item.amount for item in items), zero)
        vat_total = _add_vat(parts.values(), items, rounded, zero)
    return InvoiceResult(tuple(items), net_total, vat_total, net_total + vat_total, cost_total)


def _grouped(
    usage: Iterable[UsageLine], cluster_path: Path, currency: str, index: RuleIndex
) -> list[_Group]:
    plans = index.plans(cluster_path, currency)
    found, epoch_of = plans.found, index.epoch
    groups: dict[tuple[Hashable, ...], _Group] = {}
    refused: list[tuple[str, UsageLine]] = []
    for line in usage:
        from_on = line.from_on
        epoch = epoch_of(from_on)
        if line.to_on != from_on and epoch_of(line.to_on) != epoch:
            raise ValueError(f"usage {line} straddles one of the boundaries {index.boundaries}")
        plan = found.get((line.category_path, epoch))
        if plan is None:
            plan = plans.find(line.category_path, epoch, from_on)
        rule: PricingRuleSpec | None = plan.price
        unit_cost = rule.cost if rule is not None and rule.cost is not None else line.catalogue_cost
        if plan.vat is None:
            refused.append((_no_vat(line), line))
            continue
        stated = line.stated_total is not None
        if stated:
            rule = unit_price = None
        elif line.unit_price_override is not None:
            rule, unit_price = None, line.unit_price_override
        elif rule is None:
            refused.append((_no_rule(line), line))
            continue
        elif rule.operator == Operator.PRICE_LADDER:
            unit_price = None
        else:
            unit_price = rule.value if rule.value is not None else line.catalogue_price
            if unit_price is None:
                refused.append((_no_price(line, rule), line))
                continue
        if line.stated_cost is not None:
            cost = line.stated_cost
        else:
            cost = ZERO if unit_cost is None else unit_cost * line.quantity
        key = (
            line.product_id,
            rule.id if rule is not None else None,
            unit_price,
            stated,
            line.separate_key,
            plan.treatment,
        )
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(line, plan, rule, unit_price, cost)
        else:
            group.add(line, cost)
    if refused:
        raise _refusal(refused)
    return list(groups.values())


def _exact_price(group: _Group) -> Decimal:
    rule = group.rule
    if rule is None:
        if group.stated is not None:
            return group.stated
        assert group.unit_price is not None  # neither rule nor total: its own unit price
        return group.quantity * group.unit_price
    if group.unit_price is not None:
        amount = group.quantity * group.unit_price
    else:
        amount = _ladder_price(rule, group.quantity)
    return amount + rule.fee * group.count if rule.fee else amount


def _ladder_price(rule: PricingRuleSpec, quantity: Decimal) -> Decimal:
    price = volume_price if rule.ladder_mode == LadderMode.VOLUME else graduated_price
    return price(quantity, rule.tiers, fee_at_zero=rule.fee_at_zero)


def _shared_ladder_prices(groups: Sequence[_Group]) -> list[Decimal | None] | None:
    """Return the amounts of ladder groups that a change of VAT or adjustments has divided.

    One entry per group, None for a group that has its price for itself; None if all have.
    """
    divided: dict[tuple[Hashable, ...], list[int]] = {}
    for place, group in enumerate(groups):
        if group.rule is not None and group.unit_price is None:
            key = (group.rule.id, group.line.product_id, group.line.separate_key)
            divided.setdefault(key, []).append(place)
    amounts: list[Decimal | None] | None = None
    for places in divided.values():
        if len(places) == 1:
            continue
        if amounts is None:
            amounts = [None] * len(groups)
        rule = groups[places[0]].rule
        assert rule is not None  # only ladders are divided
        quantity = sum((groups[place].quantity for place in places), ZERO)
        price = _ladder_price(rule, quantity)
        left = price
        for place in reversed(places):
            group = groups[place]
            if place == places[0]:
                share = left
            else:
                share = price * group.quantity / quantity if quantity else ZERO
                left -= share
            amounts[place] = share + rule.fee * group.count
    return amounts


def _adjust(
    plan: Plan,
    members: list[InvoiceItem],
    items: list[InvoiceItem],
    rounded: Any,
    zero: Decimal,
) -> None:
    """Append the adjustments of one group to its members and to the items."""
    if not plan.adjustments:
        return
    assert plan.vat is not None
    assert plan.vat.percentage is not None
    running = sum((item.amount for item in members), zero)
    for rule in plan.adjustments:
        assert rule.percentage is not None  # PricingRuleSpec refuses it
        amount = running * rule.percentage / HUNDRED
        item = InvoiceItem(
            position=len(items) + 1,
            kind=ItemKind.ADJUSTMENT,
            rule_id=rule.id,
            product_id=None,
            label=rule.shown_label,
            quantity=None,
            unit="",
            unit_price=None,
            exact_amount=amount,
            amount=rounded(amount),
            cost=zero,
            vat_percentage=plan.vat.percentage,
            base_positions=tuple(member.position for member in members),
            spans=(),
            percentage=rule.percentage,
            purchase_count=0,
            stated=False,
        )
        items.append(item)
        members.append(item)
        running += item.amount


def _add_vat(
    parts: Iterable[tuple[Plan, list[InvoiceItem]]],
    items: list[InvoiceItem],
    rounded: Any,
    zero: Decimal,
) -> Decimal:
    """Append one VAT item per rate and return their sum."""
    rates: dict[tuple[Hashable, ...], tuple[list[PricingRuleSpec], list[InvoiceItem]]] = {}
    for plan, members in parts:
        assert plan.vat is not None
        rules, bases = rates.setdefault(vat_key(plan.vat), ([], []))
        rules.append(plan.vat)
        bases.extend(members)
    total = zero
    chosen = [
        (min(rules, key=lambda rule: (rule.name, rule.id)), bases)
        for rules, bases in rates.values()
    ]
    for rule, bases in sorted(chosen, key=lambda pair: (pair[0].percentage, pair[0].name)):
        assert rule.percentage is not None  # PricingRuleSpec refuses it
        amount = sum((item.amount for item in bases), zero) * rule.percentage / HUNDRED
        item = InvoiceItem(
            position=len(items) + 1,
            kind=ItemKind.VAT,
            rule_id=rule.id,
            product_id=None,
            label=rule.shown_label,
            quantity=None,
            unit="",
            unit_price=None,
            exact_amount=amount,
            amount=rounded(amount),
            cost=zero,
            vat_percentage=rule.percentage,
            base_positions=tuple(sorted(item.position for item in bases)),
            spans=(),
            percentage=rule.percentage,
            purchase_count=0,
            stated=False,
        )
        items.append(item)
        total += item.amount
    return total


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for from_on, to_on in sorted(spans):
        if joined and from_on <= joined[-1][1] + dt.timedelta(days=1):
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_on))
        else:
            joined.append((from_on, to_on))
    return tuple(joined)


def _named(line: UsageLine) -> str:
    count = f"{line.purchase_count} purchase{'' if line.purchase_count == 1 else 's'}"
    dates = (
        f"on {line.from_on}" if line.from_on == line.to_on else f"{line.from_on} to {line.to_on}"
    )
    return f"product {line.product_code} {line.label} ({count}, {dates})"


def _no_rule(line: UsageLine) -> str:
    return (
        f"No pricing rule covers {_named(line)}; add a Price or PriceLadder rule for its category "
        "and the customer's cluster that is valid then."
    )


def _no_price(line: UsageLine, rule: PricingRuleSpec) -> str:
    return (
        f"There is no price for {_named(line)}: the pricing rule {rule.name} takes the catalogue "
        "price and the catalogue has none; enter a price there or a value on the rule."
    )


def _no_vat(line: UsageLine) -> str:
    return (
        f"No VAT rule covers {_named(line)}; add a VAT rule for its category and the customer's "
        "cluster that is valid then (0 % where no VAT is due)."
    )


def _refusal(refused: list[tuple[str, UsageLine]]) -> CalculationError:
    refused.sort(key=lambda pair: (pair[1].product_code, pair[1].from_on, pair[0]))
    sentences = list(dict.fromkeys(sentence for sentence, _ in refused))
    shown = sentences[:SENTENCES_SHOWN]
    if more := len(sentences) - len(shown):
        shown.append(f"And {more} more of the kind.")
    return CalculationError(" ".join(shown))
