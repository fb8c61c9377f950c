"""What the firm sells: billing platforms, product categories, catalogue items, assets, imports."""

import datetime as dt
import uuid
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django_fsm import FSMField, transition

from billing_site.web.enums import RowVerdict
from billing_site.web.trees import TreeNode
from billing_site.web.triggers import changed_at, contract_of_customer
from inventory.enums import ImportStatus, ItemKind, ItemType
from inventory.querysets import (
    AssetQuerySet,
    BillingPlatformQuerySet,
    CatalogueItemQuerySet,
)
from inventory.validators import validate_column_names
from ledger.models import Contract, Customer
from ledger.validators import validate_plain_text

PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 10}


@pghistory.track()
class BillingPlatform(models.Model):
    """A system that bills items: an external one, or ourselves (L-2, L-3, L-14).

    Invariants (where each one is enforced):
      B1  there is at most one in-house platform      platform_one_in_house
      B2  the in-house platform is never deleted      trigger platform_in_house_stays
    """

    name = models.CharField(max_length=80, unique=True, validators=[validate_plain_text])
    is_in_house = models.BooleanField(default=False, editable=False)
    notes = models.TextField(blank=True)
    link = models.URLField(blank=True)
    product_columns = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        validators=[validate_column_names],
        help_text="Columns of Export Product, in order; empty: the usual ones (L-40).",
    )
    cli_columns = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        validators=[validate_column_names],
        help_text="Columns of Export CLI, in order; empty: the usual ones (L-40).",
    )

    objects = BillingPlatformQuerySet.as_manager()

    class Meta:
        ordering = ["-is_in_house", "name"]
        constraints = [
            models.UniqueConstraint(
                name="platform_one_in_house",
                fields=["is_in_house"],
                condition=Q(is_in_house=True),
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="platform_in_house_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__is_in_house=True),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('inventory:platform-list')}#platform-{self.pk}"


@pghistory.track()
class ProductCategory(TreeNode):
    """A branch of the catalogue; pricing rules are scoped by it."""

    pricing_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its place in the tree or its name changed."
    )

    class Meta(TreeNode.Meta):
        verbose_name_plural = "product categories"
        triggers = [
            changed_at(
                name="category_pricing_changed",
                field="pricing_changed_at",
                columns=["path", "name"],
            )
        ]


def billing_route(track: str, related_name: str) -> models.ForeignKey:
    """Return a field for the platform that bills one track of a row (L-6, L-7)."""
    return models.ForeignKey(
        BillingPlatform,
        verbose_name=f"{track} billing route",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name=related_name,
    )


@pghistory.track(exclude=["guid"])
class CatalogueItem(models.Model):
    """A product or service as it is sold, with its two billing routes (L-5, L-6, L-7).

    Usage of the item is measured before it is priced: every purchase counts at least
    ``metering_minimum`` and is rounded up to a multiple of ``metering_increment``.

    Invariants (where each one is enforced):
      I1  the code is unique                          unique
      I2  prices and costs are not negative           item_amounts_not_negative
      I3  a metering increment is above zero          item_metering_is_positive
      I4  the GUID is unique and never changes        unique, item_guid_is_fixed
    """

    guid = models.UUIDField(
        "GUID",
        default=uuid.uuid4,
        db_default=RandomUUID(),
        unique=True,
        editable=False,
        help_text="Names the item in files, whatever becomes of its code (D-06).",
    )
    code = models.CharField(max_length=100, unique=True, validators=[validate_plain_text])
    name = models.CharField(max_length=200, validators=[validate_plain_text])
    kind = models.CharField(max_length=7, choices=ItemKind.choices, default=ItemKind.SERVICE)
    item_type = models.CharField(max_length=16, choices=ItemType.choices, default=ItemType.USAGE)
    category = models.ForeignKey(ProductCategory, on_delete=models.PROTECT, related_name="items")
    unit = models.CharField(max_length=40, default="unit", validators=[validate_plain_text])
    upfront_price = models.DecimalField("up-front price", **PRICE, null=True, blank=True)
    upfront_cost = models.DecimalField("up-front cost", **PRICE, null=True, blank=True)
    recurring_price = models.DecimalField(**PRICE, null=True, blank=True)
    recurring_cost = models.DecimalField(**PRICE, null=True, blank=True)
    upfront_route = billing_route("up-front", "upfront_items")
    recurring_route = billing_route("recurring", "recurring_items")
    platform_code = models.CharField(
        "code on the billing platform",
        max_length=60,
        null=True,
        blank=True,
        validators=[validate_plain_text],
        help_text="What the other billing platform calls the item; on its export.",
    )
    metering_minimum = models.DecimalField(
        max_digits=15, decimal_places=6, default=0, help_text="Each purchase counts at least this."
    )
    metering_increment = models.DecimalField(
        max_digits=15,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Each purchase is rounded up to a multiple of this; empty: not rounded.",
    )
    active = models.BooleanField(default=True)
    pricing_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When something changed that invoices are made of."
    )

    objects = CatalogueItemQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        permissions = [("import_items", "Can import the catalogue")]
        constraints = [
            models.CheckConstraint(
                name="item_amounts_not_negative",
                condition=(Q(upfront_price__isnull=True) | Q(upfront_price__gte=0))
                & (Q(upfront_cost__isnull=True) | Q(upfront_cost__gte=0))
                & (Q(recurring_price__isnull=True) | Q(recurring_price__gte=0))
                & (Q(recurring_cost__isnull=True) | Q(recurring_cost__gte=0)),
            ),
            models.CheckConstraint(
                name="item_metering_is_positive",
                condition=Q(metering_minimum__gte=0)
                & (Q(metering_increment__isnull=True) | Q(metering_increment__gt=0)),
            ),
        ]
        triggers = [
            changed_at(
                name="item_pricing_changed",
                field="pricing_changed_at",
                columns=[
                    "code",
                    "name",
                    "item_type",
                    "category_id",
                    "unit",
                    "upfront_price",
                    "upfront_cost",
                    "recurring_price",
                    "recurring_cost",
                    "metering_minimum",
                    "metering_increment",
                    "upfront_route_id",
                ],
            ),
            pgtrigger.ReadOnly(name="item_guid_is_fixed", fields=["guid"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def get_absolute_url(self) -> str:
        return reverse("inventory:item-detail", args=[self.pk])


@pghistory.track()
class Asset(models.Model):
    """One piece in a customer's hands; made by converting an order line (L-21).

    Invariants (where each one is enforced):
      A1  the contract is the customer's     trigger asset_contract_is_the_customers
      A2  the end is not before the start    asset_ends_after_start
      A3  the quantity is above zero         asset_quantity_is_positive
    """

    reference = models.GeneratedField(
        expression=Concat(Value("A-"), Cast("id", models.CharField())),
        output_field=models.CharField(max_length=30),
        db_persist=True,
        unique=True,
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="assets")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="assets")
    item = models.ForeignKey(CatalogueItem, on_delete=models.PROTECT, related_name="assets")
    label = models.CharField(max_length=200, validators=[validate_plain_text])
    quantity = models.DecimalField(max_digits=15, decimal_places=6, default=1)
    site = models.CharField(max_length=120, blank=True, validators=[validate_plain_text])
    cli = models.CharField("CLI", max_length=20, blank=True, validators=[validate_plain_text])
    serial = models.CharField(
        "SIM or serial", max_length=60, blank=True, validators=[validate_plain_text]
    )
    supplier = models.CharField(
        "network or supplier", max_length=80, blank=True, validators=[validate_plain_text]
    )
    upfront_route = billing_route("up-front", "upfront_assets")
    recurring_route = billing_route("recurring", "recurring_assets")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="asset_ends_after_start",
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
            ),
            models.CheckConstraint(name="asset_quantity_is_positive", condition=Q(quantity__gt=0)),
        ]
        indexes = [  # found by how they begin
            models.Index(
                name="asset_cli",
                fields=["cli"],
                opclasses=["varchar_pattern_ops"],
                condition=~Q(cli=""),
            ),
            models.Index(
                name="asset_serial",
                fields=["serial"],
                opclasses=["varchar_pattern_ops"],
                condition=~Q(serial=""),
            ),
        ]
        triggers = [contract_of_customer(name="asset_contract_is_the_customers")]

    def __str__(self) -> str:
        return f"{self.reference} {self.label}"

    def get_absolute_url(self) -> str:
        return reverse("inventory:asset-detail", args=[self.pk])


class ItemImport(models.Model):
    """One uploaded file of catalogue items: who, when, what became of it (L-8, L-9, D-06).

    Invariants (where each one is enforced):
      F1  an imported file says when   item_import_imported_has_moment
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    file = models.FileField(upload_to="item-imports/%Y/%m/")
    filename = models.CharField(max_length=200)
    status = FSMField(choices=ImportStatus.choices, default=ImportStatus.CHECKED)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the verdicts shown.")
    rows_new = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_error = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    committed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="item_import_imported_has_moment",
                condition=Q(status=ImportStatus.COMMITTED, committed_at__isnull=False)
                | (~Q(status=ImportStatus.COMMITTED) & Q(committed_at__isnull=True)),
            )
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("inventory:item-preview", args=[self.pk])

    @property
    def row_count(self) -> int:
        return self.rows_new + self.rows_changed + self.rows_unchanged + self.rows_error

    @property
    def brings(self) -> int:
        """How many items importing it would write."""
        return self.rows_new + self.rows_changed

    @property
    def is_checked(self) -> bool:
        return self.status == ImportStatus.CHECKED

    @property
    def is_imported(self) -> bool:
        return self.status == ImportStatus.COMMITTED

    @property
    def is_discarded(self) -> bool:
        return self.status == ImportStatus.DISCARDED

    @property
    def can_import(self) -> bool:
        """All its rows are good, and some of them bring something."""
        return self.is_checked and not self.rows_error and self.brings > 0

    @transition(field=status, source=ImportStatus.CHECKED, target=ImportStatus.COMMITTED)
    def commit(self, *, at: dt.datetime) -> None:
        """Its rows are in the catalogue."""
        self.committed_at = at

    @transition(field=status, source=ImportStatus.CHECKED, target=ImportStatus.DISCARDED)
    def discard(self) -> None:
        """It was given up."""


class ItemImportRow(models.Model):
    """One row of an uploaded file with its verdict: what the preview shows.

    ``changes`` holds ``[label, before, after]``, ``errors`` ``[column, value, sentence]``.

    Invariants (where each one is enforced):
      R1  a row of a file is judged once             item_import_row_once
      R2  exactly the rows in error say what it is   item_import_row_error_iff_reasons
    """

    item_import = models.ForeignKey(  # index: item_import_row_once
        ItemImport, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    number = models.PositiveIntegerField()
    verdict = models.CharField(max_length=9, choices=RowVerdict.choices)
    code = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=list)
    errors = models.JSONField(default=list)

    class Meta:
        ordering = ["item_import", "number"]
        constraints = [
            models.UniqueConstraint(name="item_import_row_once", fields=["item_import", "number"]),
            models.CheckConstraint(
                name="item_import_row_error_iff_reasons",
                condition=(Q(verdict=RowVerdict.ERROR) & ~Q(errors=[]))
                | (~Q(verdict=RowVerdict.ERROR) & Q(errors=[])),
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number}"
