"""Pricing rules: what turns purchases into invoice items."""

from typing import Any

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from inventory.models import ProductCategory
from invoicing.enums import LadderMode, Operator
from invoicing.querysets import PricingRuleQuerySet
from ledger.models import CustomerCluster
from ledger.validators import validate_currency, validate_plain_text

PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 10}
PRICING = (Operator.PRICE, Operator.PRICE_LADDER)


class DateRange(Func):
    """``daterange(from, to, '[]')``: inclusive at both ends, open when ``to`` is empty."""

    function = "daterange"


@pghistory.track()
class PricingRule(models.Model):
    """One step of pricing, scoped by product category and customer cluster (CB-2, H-CB2).

    Invariants (where each one is enforced):
      R1  Price and Price ladder of equal scope, currency and order never
          overlap                                                           rule_no_double_price
      R2  Adjust percentage and VAT carry a percentage, the others do not   rule_percentage_iff_needed
      R3  a ladder has a mode, the others do not                            rule_mode_iff_ladder
      R4  validity does not end before it begins                            rule_valid_to_after_from
      R5  VAT is between 0 and 100 percent                                  rule_vat_in_range
      R6  VAT rules of equal scope and order never overlap                  rule_no_double_vat
      R7  only rules with amounts of their own are limited to a currency    rule_currency_of_amounts
    """

    name = models.CharField(max_length=120, unique=True, validators=[validate_plain_text])
    operator = models.CharField(max_length=20, choices=Operator.choices)
    product_category = models.ForeignKey(
        ProductCategory,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="pricing_rules",
        help_text="With everything below it; empty: all products.",
    )
    customer_cluster = models.ForeignKey(
        CustomerCluster,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="pricing_rules",
        help_text="With everything below it; empty: all customers.",
    )
    value = models.DecimalField(
        "price per unit", **PRICE, null=True, blank=True, help_text="Empty: the catalogue price."
    )
    fee = models.DecimalField(
        "fee per purchase", **PRICE, default=0, help_text="Added for every purchase used."
    )
    cost = models.DecimalField(
        "cost per unit", **PRICE, null=True, blank=True, help_text="Empty: the catalogue cost."
    )
    percentage = models.DecimalField(
        max_digits=7, decimal_places=4, null=True, blank=True, help_text="-4 takes 4 % off."
    )
    currency = models.CharField(
        max_length=3,
        blank=True,
        validators=[validate_currency],
        help_text="Invoices in this currency only; empty: in every currency, amounts as they are.",
    )
    ladder_mode = models.CharField(max_length=9, choices=LadderMode.choices, blank=True)
    order = models.IntegerField(default=100, help_text="Lowest first among rules of equal scope.")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day it applies.")
    label = models.CharField(
        "text on the invoice",
        max_length=200,
        blank=True,
        validators=[validate_plain_text],
        help_text="Empty: the product's name, or the rule's.",
    )

    objects = PricingRuleQuerySet.as_manager()

    class Meta:
        ordering = ["operator", "order", "name"]
        constraints = [
            ExclusionConstraint(
                name="rule_no_double_price",
                condition=Q(operator__in=PRICING),
                expressions=[
                    (Coalesce("product_category", Value(0)), RangeOperators.EQUAL),
                    (Coalesce("customer_cluster", Value(0)), RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("order", RangeOperators.EQUAL),
                    (
                        DateRange("valid_from", "valid_to", Value("[]")),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            ExclusionConstraint(
                name="rule_no_double_vat",
                condition=Q(operator=Operator.VAT),
                expressions=[
                    (Coalesce("product_category", Value(0)), RangeOperators.EQUAL),
                    (Coalesce("customer_cluster", Value(0)), RangeOperators.EQUAL),
                    ("order", RangeOperators.EQUAL),
                    (
                        DateRange("valid_from", "valid_to", Value("[]")),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                name="rule_percentage_iff_needed",
                condition=Q(
                    operator__in=(Operator.ADJUST_PERCENTAGE, Operator.VAT),
                    percentage__isnull=False,
                    value__isnull=True,
                )
                | Q(operator__in=PRICING, percentage__isnull=True),
            ),
            models.CheckConstraint(
                name="rule_mode_iff_ladder",
                condition=(
                    Q(operator=Operator.PRICE_LADDER, value__isnull=True) & ~Q(ladder_mode="")
                )
                | (~Q(operator=Operator.PRICE_LADDER) & Q(ladder_mode="")),
            ),
            models.CheckConstraint(
                name="rule_valid_to_after_from",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="rule_currency_of_amounts",
                condition=Q(currency="") | Q(operator__in=PRICING),
            ),
            models.CheckConstraint(
                name="rule_vat_in_range",
                condition=~Q(operator=Operator.VAT) | Q(percentage__range=(0, 100)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("invoicing:rule-detail", args=[self.pk])


@pghistory.track()
class PriceTier(models.Model):
    """A tier of a price ladder; upper bounds are inclusive (K-10).

    Invariants (where each one is enforced):
      T1  two tiers of a rule never end at the same quantity   tier_bound_once, tier_one_open_end
      T2  a bound is above zero, prices are not negative       tier_amounts_in_range
    """

    rule = models.ForeignKey(PricingRule, on_delete=models.CASCADE, related_name="tiers")
    up_to = models.DecimalField(
        max_digits=30, decimal_places=15, null=True, blank=True, help_text="Empty: no end."
    )
    unit_price = models.DecimalField(**PRICE)
    flat_fee = models.DecimalField(**PRICE, default=0)

    class Meta:
        ordering = ["rule", F("up_to").asc(nulls_last=True)]
        constraints = [
            models.UniqueConstraint(name="tier_bound_once", fields=["rule", "up_to"]),
            models.UniqueConstraint(
                name="tier_one_open_end", fields=["rule"], condition=Q(up_to__isnull=True)
            ),
            models.CheckConstraint(
                name="tier_amounts_in_range",
                condition=(Q(up_to__isnull=True) | Q(up_to__gt=0))
                & Q(unit_price__gte=0, flat_fee__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"up to {self.up_to}" if self.up_to is not None else "above"


class PricingSweep(models.Model):
    """How far changes of clusters, categories and items have been carried on to invoices. One row.

    Invariants (where each one is enforced):
      W1  there is one   sweep_is_one
    """

    swept_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="sweep_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"swept at {self.swept_at}"
