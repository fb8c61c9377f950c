"""What is billed again and again, and the order lines that pick-up has yet to look at."""

import datetime as dt

import pghistory
import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from inventory.models import Asset, CatalogueItem
from invoicing.models.invoices import EXACT
from invoicing.querysets import SubscriptionItemQuerySet
from ledger.models import Contract
from ledger.validators import validate_plain_text
from orders.models import OrderLine

FROM_ORDERS = "Sales orders"
CHANGED = dt.date(2000, 1, 1)  # LineCheck.look_on of a line that was changed; triggers write it


@pghistory.track()
class Subscription(models.Model):
    """The recurring charges of one contract that are billed together (d4).

    Invariants (where each one is enforced):
      B1  a contract has one subscription of a name   subscription_name_once
      B2  the end is not before the start             subscription_ends_after_start
    """

    contract = models.ForeignKey(  # index: subscription_name_once
        Contract, on_delete=models.PROTECT, related_name="subscriptions", db_index=False
    )
    name = models.CharField(max_length=80, default=FROM_ORDERS, validators=[validate_plain_text])
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["contract", "name"]
        constraints = [
            models.UniqueConstraint(name="subscription_name_once", fields=["contract", "name"]),
            models.CheckConstraint(
                name="subscription_ends_after_start",
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.contract}"


@pghistory.track()
class SubscriptionItem(models.Model):
    """The recurring charge of one order line, as the invoice runs will bill it (D-10, H-L11).

    Made and taken away by pick-up only; a line whose recurring route becomes external loses its
    item at once, by trigger ``line_route_is_not_invoiced``.

    Invariants (where each one is enforced):
      J1  a line is on a subscription once                      unique
      J2  the line's recurring route is not another platform    trigger subscription_route_is_in_house
      J3  quantity and months above zero, price not negative    subscription_item_amounts
      J4  the end is not before the start                       subscription_item_ends_after_start
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="items")
    order_line = models.OneToOneField(
        OrderLine, on_delete=models.PROTECT, related_name="subscription_item"
    )
    # undoing the conversion of a line that nothing was billed of takes its item along (D-09)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="subscription_items")
    item = models.ForeignKey(
        CatalogueItem, on_delete=models.PROTECT, related_name="subscription_items"
    )
    label = models.CharField(max_length=200, validators=[validate_plain_text])
    quantity = models.DecimalField(**EXACT)
    unit_price = models.DecimalField(**EXACT)
    unit_cost = models.DecimalField(**EXACT, default=0)
    billing_months = models.PositiveSmallIntegerField(
        "billing period in months", default=1, validators=[MinValueValidator(1)]
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = SubscriptionItemQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="subscription_item_amounts",
                condition=Q(quantity__gt=0, unit_price__gte=0, billing_months__gte=1),
            ),
            models.CheckConstraint(
                name="subscription_item_ends_after_start",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="subscription_route_is_in_house",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("order_line_id"),
                func="""
                    IF EXISTS (SELECT FROM orders_orderline l
                               JOIN inventory_billingplatform b ON b.id = l.recurring_route_id
                               WHERE l.id = NEW.order_line_id AND NOT b.is_in_house) THEN
                      RAISE EXCEPTION 'the recurring charge is billed on another platform'
                        USING ERRCODE = 'check_violation',
                              CONSTRAINT = 'subscription_route_is_in_house';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return f"{reverse('invoicing:subscription-list')}?line={self.order_line_id}"


class LineCheck(models.Model):
    """A converted order line that pick-up has yet to look at: its work list (D-10).

    Triggers of the database write a row for each line with a charge of ours whenever something
    changes that its charges depend on, whoever changes it; orders know nothing of invoicing.
    Pick-up takes the rows away. So it costs as much as there is to do, not as there are lines.
    Whoever writes a row holds the lock of the line.
    """

    line = models.OneToOneField(
        OrderLine, on_delete=models.CASCADE, primary_key=True, related_name="billing_check"
    )
    look_on = models.DateField(
        default=CHANGED, help_text="The day of its trigger date; long ago: it was changed."
    )

    class Meta:
        indexes = [models.Index(name="line_check_day", fields=["look_on", "line"])]

    def __str__(self) -> str:
        return f"line {self.line_id} from {self.look_on}"
