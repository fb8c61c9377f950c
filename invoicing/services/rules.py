"""Pricing rules: made, changed, ended and deleted; open invoices follow at once (H-CB2, H-CB3)."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from invoicing.enums import LIVE_STATUSES, Operator
from invoicing.models import Invoice, InvoiceItem, PriceTier, PricingRule
from invoicing.models.rules import PRICING
from invoicing.rules.errors import PricingRuleRefused
from invoicing.rules.price import Tier
from invoicing.selectors.pricing import rule_spec
from invoicing.services.changes import Scope, hold_pricing, mark_scopes_pending

SENTENCES = {
    "rule_no_double_price": (
        "Another Price or Price ladder rule has the same category, cluster, currency and order for "
        "some of these days, so both would charge; choose another order or other dates."
    ),
    "rule_no_double_vat": (
        "Another VAT rule has the same category, cluster and order for some of these days, so both "
        "would charge; choose another order or other dates."
    ),
    "tier_bound_once": "Two tiers end at the same quantity; give each its own upper bound.",
    "tier_one_open_end": "Two tiers have no upper bound; only the last one may be open.",
    "tier_amounts_in_range": (
        "A tier has an upper bound of zero or less, or a negative price or fee; enter amounts of "
        "zero or more."
    ),
}


@transaction.atomic
def create_rule(*, tiers: Sequence[Tier] = (), **fields: Any) -> PricingRule:
    """Make a pricing rule; open invoices with purchases in its scope wait for calculation.

    :param tiers: of a Price ladder, in any order; empty otherwise.
    :param fields: of ``PricingRule``; what the operator does not use is left out or empty.
    :raises PricingRuleRefused: the rule could price nothing, or it would charge beside another
        one (D-41); nothing is written.
    """
    hold_pricing()
    rule = PricingRule(**fields)
    _save(rule, tiers)
    mark_scopes_pending([Scope.of(rule)])
    return rule


@transaction.atomic
def update_rule(*, rule_id: int, tiers: Sequence[Tier] | None = None, **fields: Any) -> PricingRule:
    """Change a pricing rule; open invoices in its old or new scope wait for calculation.

    Locked and finished invoices keep what they were charged. Nothing happens when nothing differs.

    :param tiers: the new tiers of a ladder; None keeps those it has.
    :raises PricingRuleRefused: see ``create_rule``; nothing is changed.
    :raises PricingRule.DoesNotExist: no such rule.
    """
    hold_pricing()
    rule = PricingRule.objects.select_for_update().get(pk=rule_id)
    stored = _tiers(rule)
    if tiers is None:
        tiers = stored if fields.get("operator", rule.operator) == Operator.PRICE_LADDER else ()
    before = Scope.of(rule)
    changed = _apply(rule, fields)
    if not changed and _sorted(tiers) == stored:
        return rule
    _save(rule, tiers)
    mark_scopes_pending([before, Scope.of(rule)])
    return rule


@transaction.atomic
def end_rule(*, rule_id: int, valid_to: dt.date) -> PricingRule:
    """Make ``valid_to`` the last day of a rule; to change a price, end the old rule and add one.

    :raises PricingRuleRefused: the rule begins after that day.
    :raises PricingRule.DoesNotExist: no such rule.
    """
    return update_rule(rule_id=rule_id, valid_to=valid_to)


@transaction.atomic
def delete_rule(*, rule_id: int) -> None:
    """Delete a rule that no locked or finished invoice was made with.

    Open invoices in its scope wait for calculation; until then their items stand without a rule.

    :raises PricingRuleRefused: invoices in approval, approved or closed show its results.
    :raises PricingRule.DoesNotExist: no such rule.
    """
    hold_pricing()
    rule = PricingRule.objects.select_for_update().get(pk=rule_id)
    used = Invoice.objects.filter(items__rule=rule).distinct()
    mark_scopes_pending([Scope.of(rule)])
    # Items made before the rule's scope was narrowed may still name it.
    live = used.filter(status__in=LIVE_STATUSES).values("pk")
    Invoice.objects.filter(pk__in=live).move_to_pending()
    locked = used.exclude(status__in=LIVE_STATUSES).order_by("pk")
    if count := locked.count():
        example = locked.first()
        raise PricingRuleRefused(
            f"Pricing rule {rule.name} was used for {count} "
            f"invoice{'s' if count > 1 else ''} that can no longer change, such as {example}; "
            "end it with a last day instead of deleting it."
        )
    waiting = Invoice.objects.filter(pk__in=used.values("pk"))
    waiting.update(items_digest="")
    InvoiceItem.objects.filter(rule=rule).update(rule=None)
    rule.delete()


def _save(rule: PricingRule, tiers: Sequence[Tier]) -> None:
    """Write a rule and its tiers, or refuse with a sentence."""
    tiers = _sorted(tiers)
    _refuse_unusable(rule, tiers)
    _refuse_overlap(rule)
    with _refusals():
        rule.save()
        if tiers != _tiers(rule):
            rule.tiers.all().delete()
            PriceTier.objects.bulk_create(
                PriceTier(rule=rule, up_to=up_to, unit_price=unit_price, flat_fee=flat_fee)
                for up_to, unit_price, flat_fee in tiers
            )


def _refuse_unusable(rule: PricingRule, tiers: Sequence[Tier]) -> None:
    try:
        rule.clean_fields()
        rule.validate_unique()
    except ValidationError as error:
        raise PricingRuleRefused(_sentence(error)) from error
    if rule.operator in (Operator.ADJUST_PERCENTAGE, Operator.VAT):
        if rule.value is not None:
            raise PricingRuleRefused(
                f"{rule.get_operator_display()} rules work by percentage; leave the price empty."
            )
        if rule.currency:
            raise PricingRuleRefused(
                f"{rule.get_operator_display()} rules have no amounts of their own and apply in "
                "every currency; leave the currency empty."
            )
        if rule.operator == Operator.VAT and rule.percentage and rule.percentage > 100:
            raise PricingRuleRefused(f"VAT is from 0 to 100 %, not {rule.percentage} %.")
    elif rule.percentage is not None:
        raise PricingRuleRefused(
            f"{rule.get_operator_display()} rules have no percentage; leave it empty, or choose "
            "the operator Adjust percentage."
        )
    if rule.operator == Operator.PRICE_LADDER:
        if rule.value is not None:
            raise PricingRuleRefused(
                "The tiers of a ladder have its prices; leave the price empty."
            )
    elif tiers:
        raise PricingRuleRefused("Only a Price ladder has tiers; remove them or choose it.")
    elif rule.ladder_mode:
        raise PricingRuleRefused("Only a Price ladder is graduated or by volume; leave it empty.")
    rule_spec(rule, tiers)


def _refuse_overlap(rule: PricingRule) -> None:
    """Refuse a second Price, ladder or VAT rule of equal scope, order and time (D-41)."""
    if rule.operator in PRICING:
        rivals = PricingRule.objects.pricing()
    elif rule.operator == Operator.VAT:
        rivals = PricingRule.objects.filter(operator=Operator.VAT)
    else:
        return
    rivals = rivals.exclude(pk=rule.pk).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=rule.valid_from),
        product_category=rule.product_category_id,
        customer_cluster=rule.customer_cluster_id,
        currency=rule.currency,
        order=rule.order,
    )
    if rule.valid_to is not None:
        rivals = rivals.filter(valid_from__lte=rule.valid_to)
    rival = rivals.order_by("valid_from", "pk").first()
    if rival is None:
        return
    category = rule.product_category or "all products"
    cluster = rule.customer_cluster or "all customers"
    money = f" in {rule.currency}" if rule.currency else ""
    until = f"until {rival.valid_to}" if rival.valid_to else "without end"
    raise PricingRuleRefused(
        f"{rival.name} already covers {category} and {cluster}{money} with order {rule.order} from "
        f"{rival.valid_from} {until}, so both rules would charge. End {rival.name} before "
        f"{rule.valid_from}, or choose another order or other dates."
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what a constraint refuses after all (a race, the last word) into its sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        if name in SENTENCES:
            raise PricingRuleRefused(SENTENCES[name]) from error
        raise


def _apply(rule: PricingRule, fields: Mapping[str, Any]) -> bool:
    """Set the fields; return whether one of them differs now."""
    names = [field.attname for field in PricingRule._meta.concrete_fields]
    before = [getattr(rule, name) for name in names]
    for name, value in fields.items():
        setattr(rule, name, value)
    return before != [getattr(rule, name) for name in names]


def _tiers(rule: PricingRule) -> list[Tier]:
    return _sorted(Tier(*row) for row in rule.tiers.values_list("up_to", "unit_price", "flat_fee"))


def _sorted(tiers: Any) -> list[Tier]:
    return sorted(tiers, key=lambda tier: (tier.up_to is None, tier.up_to or 0))


def _sentence(error: ValidationError) -> str:
    """Return one sentence of Django's messages, with the names of the fields."""
    parts = []
    for name, messages in error.message_dict.items():
        label = "" if name == "__all__" else f"{_verbose(name)}: "
        parts.append(label + " ".join(messages))
    return " ".join(parts)


def _verbose(name: str) -> str:
    label = str(getattr(PricingRule._meta.get_field(name), "verbose_name", name))
    return label[:1].upper() + label[1:]
