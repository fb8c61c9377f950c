"""Sales orders and their lines, each with two charges that have a route and a bill status."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django_fsm import FSMField, FSMModelMixin, transition

from billing_site.web.triggers import contract_of_customer
from inventory.models import Asset, BillingPlatform, CatalogueItem, billing_route
from ledger.models import Contract, Customer
from ledger.validators import validate_plain_text
from orders.enums import BillStatus, Track
from orders.querysets import WAITING, OrderLineQuerySet, SalesOrderQuerySet
from orders.rules import LineFacts, TrackFacts

PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 10}
NOT_NEGATIVE = [MinValueValidator(0)]


@pghistory.track()
class SalesOrder(models.Model):
    """What one customer ordered, under one contract.

    Invariants (where each one is enforced):
      O1  the contract is the customer's   trigger order_contract_is_the_customers
    """

    number = models.GeneratedField(
        expression=Concat(Value("SO-"), Cast("id", models.CharField())),
        output_field=models.CharField(max_length=30),
        db_persist=True,
        unique=True,
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="orders")
    customer_reference = models.CharField(
        max_length=60,
        blank=True,
        validators=[validate_plain_text],
        help_text="The customer's own order number.",
    )
    site = models.CharField(
        max_length=120,
        blank=True,
        validators=[validate_plain_text],
        help_text="Where it is delivered; on the export for the billing platform.",
    )
    ordered_on = models.DateField()
    notes = models.TextField(blank=True, max_length=2_000)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="orders_created",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SalesOrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("use_apps_change_queue", "Apps - Change Queue")]
        triggers = [contract_of_customer(name="order_contract_is_the_customers")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("orders:order-detail", args=[self.pk])


@pghistory.track(exclude=["upfront_status", "recurring_status", "bill_start_computed"])
class OrderLine(FSMModelMixin, models.Model):
    """One item of an order: an up-front and a recurring charge (L-16, L-18, L-23).

    Routes and prices are copied from the item when the line is made and are the line's own from
    then on (H-L7). The statuses are not written here: inserting a :class:`BillStatusEvent` moves
    them, so every move has one.

    Invariants (where each one is enforced):
      L1  bill statuses begin at Not Billed and move by events only   trigger line_status_by_event
      L2  positions of an order are unique                            line_position_once
      L3  quantity above zero, amounts not negative                   line_amounts_in_range
      L4  an asset belongs to one line, which is then converted       unique, line_asset_iff_converted
      L5  Do Not Bill has a reason                                    line_do_not_bill_has_reason
      L6  a line is no part of itself                                 line_is_not_its_own_package
      L7  price, quantity and route of a charge In Billing stay       trigger line_in_billing_is_fixed
    """

    order = models.ForeignKey(  # index: line_position_once
        SalesOrder, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    position = models.PositiveIntegerField()
    package = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        help_text="The package that the line is a part of.",
    )
    item = models.ForeignKey(CatalogueItem, on_delete=models.PROTECT, related_name="order_lines")
    label = models.CharField(
        max_length=200,
        blank=True,
        validators=[validate_plain_text],
        help_text="Empty: the name of the item.",
    )
    quantity = models.DecimalField(max_digits=15, decimal_places=6, default=1)
    upfront_price = models.DecimalField("up-front price", **PRICE, default=0)
    upfront_cost = models.DecimalField("up-front cost", **PRICE, default=0)
    recurring_price = models.DecimalField(**PRICE, default=0)
    recurring_cost = models.DecimalField(**PRICE, default=0)
    billing_months = models.PositiveSmallIntegerField(
        "billing period in months", default=1, validators=[MinValueValidator(1)]
    )
    upfront_route = billing_route("up-front", "upfront_lines")
    recurring_route = billing_route("recurring", "recurring_lines")
    upfront_status = FSMField(
        "up-front bill status",
        choices=BillStatus.choices,
        default=BillStatus.NOT_BILLED,
        protected=True,
    )
    recurring_status = FSMField(
        "recurring bill status",
        choices=BillStatus.choices,
        default=BillStatus.NOT_BILLED,
        protected=True,
    )
    upfront_do_not_bill = models.BooleanField("do not bill up-front", default=False)
    recurring_do_not_bill = models.BooleanField("do not bill recurring", default=False)
    do_not_bill_reason = models.CharField(
        max_length=200, blank=True, validators=[validate_plain_text]
    )
    cli = models.CharField(
        "CLI",
        max_length=20,
        blank=True,
        validators=[validate_plain_text],
        help_text="The telephone number, as +441632960123.",
    )
    serial = models.CharField(
        "SIM or serial", max_length=60, blank=True, validators=[validate_plain_text]
    )
    supplier = models.CharField(
        "network or supplier", max_length=80, blank=True, validators=[validate_plain_text]
    )
    connection_date = models.DateField(null=True, blank=True)
    activation_date = models.DateField(null=True, blank=True)
    delivery_date = models.DateField(null=True, blank=True)
    completion_date = models.DateField(null=True, blank=True)
    bill_start_computed = models.DateField(null=True, editable=False)
    bill_start_override = models.DateField(null=True, blank=True)
    notes = models.CharField(max_length=500, blank=True, validators=[validate_plain_text])
    asset = models.OneToOneField(
        Asset,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="order_line",
    )
    converted_at = models.DateTimeField(null=True, editable=False)

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        ordering = ["order", "position"]
        permissions = [
            ("update_billing", "Allow update billing"),
            ("convert_orderline", "Can convert lines to assets and undo it"),
        ]
        constraints = [
            models.UniqueConstraint(name="line_position_once", fields=["order", "position"]),
            models.CheckConstraint(
                name="line_amounts_in_range",
                condition=Q(
                    quantity__gt=0,
                    upfront_price__gte=0,
                    upfront_cost__gte=0,
                    recurring_price__gte=0,
                    recurring_cost__gte=0,
                    billing_months__gte=1,
                ),
            ),
            models.CheckConstraint(
                name="line_asset_iff_converted",
                condition=Q(asset__isnull=True, converted_at__isnull=True)
                | Q(asset__isnull=False, converted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="line_do_not_bill_has_reason",
                condition=Q(upfront_do_not_bill=False, recurring_do_not_bill=False)
                | ~Q(do_not_bill_reason=""),
            ),
            models.CheckConstraint(
                name="line_is_not_its_own_package", condition=~Q(package=F("id"))
            ),
        ]
        indexes = [
            models.Index(  # the page of Billing Export: few lines among very many, by key
                name="line_ready",
                fields=["id"],
                condition=Q(upfront_status=BillStatus.READY) | Q(recurring_status=BillStatus.READY),
            ),
            models.Index(
                name="line_upfront_ready",
                fields=["upfront_route", "id"],
                condition=Q(upfront_status=BillStatus.READY),
            ),
            models.Index(
                name="line_recurring_ready",
                fields=["recurring_route", "id"],
                condition=Q(recurring_status=BillStatus.READY),
            ),
            models.Index(
                name="line_waiting",
                fields=["id"],
                condition=Q(asset__isnull=False) & WAITING,
            ),
            models.Index(
                name="line_unconverted",
                fields=["id"],
                condition=Q(asset__isnull=True) & WAITING,
            ),
            models.Index(
                name="line_do_not_bill",
                fields=["id"],
                condition=Q(upfront_do_not_bill=True) | Q(recurring_do_not_bill=True),
            ),
            models.Index(name="line_cli", fields=["cli"], condition=~Q(cli="")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="line_status_by_event",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("upfront_status", "recurring_status"),
                func="""
                    IF TG_OP = 'INSERT' THEN
                      IF NEW.upfront_status <> 'not_billed'
                         OR NEW.recurring_status <> 'not_billed' THEN
                        RAISE EXCEPTION 'a line begins at Not Billed'
                          USING ERRCODE = 'check_violation',
                                CONSTRAINT = 'line_status_by_event';
                      END IF;
                    ELSIF pg_trigger_depth() < 2
                      AND (NEW.upfront_status <> OLD.upfront_status
                           OR NEW.recurring_status <> OLD.recurring_status) THEN
                      RAISE EXCEPTION 'a bill status moves by an event'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'line_status_by_event';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="line_in_billing_is_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf(
                    "item_id",
                    "quantity",
                    "upfront_price",
                    "upfront_route_id",
                    "recurring_price",
                    "recurring_route_id",
                ),
                func="""
                    IF (OLD.upfront_status = 'in_billing' AND
                        ROW(NEW.item_id, NEW.quantity, NEW.upfront_price, NEW.upfront_route_id)
                        IS DISTINCT FROM
                        ROW(OLD.item_id, OLD.quantity, OLD.upfront_price, OLD.upfront_route_id))
                    OR (OLD.recurring_status = 'in_billing' AND
                        ROW(NEW.item_id, NEW.quantity, NEW.recurring_price, NEW.recurring_route_id)
                        IS DISTINCT FROM
                        ROW(OLD.item_id, OLD.quantity, OLD.recurring_price, OLD.recurring_route_id))
                    THEN
                      RAISE EXCEPTION 'a charge in billing does not change'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'line_in_billing_is_fixed';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.number} line {self.position}"

    def get_absolute_url(self) -> str:
        return f"{reverse('orders:data-capture', args=[self.order_id])}#line-{self.pk}"

    @property
    def name(self) -> str:
        """What the line is called: its own label, else the item's name."""
        return self.label or self.item.name

    def status_of(self, track: str) -> str:
        return getattr(self, f"{track}_status")

    def route_of(self, track: str) -> BillingPlatform | None:
        return getattr(self, f"{track}_route")

    def facts(self) -> LineFacts:
        """What the rules look at; asks for the item and the contract of the order."""
        return LineFacts(
            item_type=self.item.item_type,
            is_converted=self.asset_id is not None,
            cli=self.cli,
            connection_date=self.connection_date,
            activation_date=self.activation_date,
            delivery_date=self.delivery_date,
            completion_date=self.completion_date,
            contract_start=self.order.contract.starts_on,
        )

    def track_facts(self, track: str) -> TrackFacts:
        return TrackFacts(
            has_route=getattr(self, f"{track}_route_id") is not None,
            charge=self.quantity * getattr(self, f"{track}_price"),
            do_not_bill=getattr(self, f"{track}_do_not_bill"),
        )

    def move(self, track: str, target: str) -> None:
        """Check one step of a bill status; the event that is inserted then takes it.

        :raises django_fsm.TransitionNotAllowed: the track has this status already.
        """
        step = {
            BillStatus.NOT_BILLED: "hold",
            BillStatus.READY: "release",
            BillStatus.IN_BILLING: "bill",
        }[BillStatus(target)]
        getattr(self, f"{step}_{Track(track).value}")()

    @transition(
        field=upfront_status,
        source=[BillStatus.READY, BillStatus.IN_BILLING],
        target=BillStatus.NOT_BILLED,
    )
    def hold_upfront(self) -> None:
        """A trigger was taken back, or somebody decided so."""

    @transition(
        field=upfront_status,
        source=[BillStatus.NOT_BILLED, BillStatus.IN_BILLING],
        target=BillStatus.READY,
    )
    def release_upfront(self) -> None:
        """Both triggers have fired, or somebody decided so (D-01)."""

    @transition(
        field=upfront_status,
        source=[BillStatus.NOT_BILLED, BillStatus.READY],
        target=BillStatus.IN_BILLING,
    )
    def bill_upfront(self) -> None:
        """Transferred, invoiced, or somebody decided so (L-41, D-10)."""

    @transition(
        field=recurring_status,
        source=[BillStatus.READY, BillStatus.IN_BILLING],
        target=BillStatus.NOT_BILLED,
    )
    def hold_recurring(self) -> None:
        """As ``hold_upfront``."""

    @transition(
        field=recurring_status,
        source=[BillStatus.NOT_BILLED, BillStatus.IN_BILLING],
        target=BillStatus.READY,
    )
    def release_recurring(self) -> None:
        """As ``release_upfront``."""

    @transition(
        field=recurring_status,
        source=[BillStatus.NOT_BILLED, BillStatus.READY],
        target=BillStatus.IN_BILLING,
    )
    def bill_recurring(self) -> None:
        """As ``bill_upfront``; in-house: put on a subscription (D-10)."""
