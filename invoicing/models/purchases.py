"""Purchases: everything that is to be charged in-house, and the files they came from."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.urls import reverse

from billing_site.web.enums import RowVerdict
from billing_site.web.models import Job
from inventory.models import CatalogueItem
from invoicing.enums import ImportStatus, UnmappedReason
from invoicing.models.invoices import EXACT, Invoice
from invoicing.querysets import PurchaseQuerySet
from ledger.models import Contract, Customer
from orders.enums import Track
from orders.models import OrderLine


class ImportBatch(models.Model):
    """One uploaded file of purchases: who, when, what became of it.

    Invariants (where each one is enforced):
      M1  a refused file says why   import_refused_has_error
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    file = models.FileField(upload_to="imports/%Y/%m/")
    filename = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    mapping_name = models.CharField(max_length=60, blank=True)
    mapping = models.JSONField(default=dict)
    status = models.CharField(
        max_length=10, choices=ImportStatus.choices, default=ImportStatus.UPLOADED
    )
    rows_new = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_error = models.PositiveIntegerField(default=0)
    rows_large = models.PositiveIntegerField(default=0, help_text="Unusually large quantities.")
    rows_waiting = models.JSONField(
        null=True, help_text="Foretold reason -> rows that find no invoice; null: not foretold."
    )
    warnings = models.JSONField(default=list)
    job = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, related_name="+", help_text="The newest one."
    )
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    committed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "import batches"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="import_refused_has_error",
                condition=~Q(status=ImportStatus.REFUSED) | ~Q(error=""),
            )
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("invoicing:import-detail", args=[self.pk])

    @property
    def row_count(self) -> int:
        return self.rows_new + self.rows_changed + self.rows_unchanged + self.rows_error

    @property
    def brings(self) -> int:
        """Rows that importing it would store."""
        return self.rows_new + self.rows_changed

    @property
    def is_working(self) -> bool:
        """A job is at this file now."""
        return self.job is not None and self.job.is_active


class ImportRow(models.Model):
    """One row of a file between its check and its import; removed when the import ends.

    The table is unlogged: after a crash of the database its rows are gone, and the file is
    checked again.

    Invariants (where each one is enforced):
      W1  a row of a file is staged once                    primary key
      W2  a row without error holds a whole purchase        import_row_error_or_complete
      W3  a row is changed or unchanged beside a purchase   import_row_known_has_purchase
    """

    pk = models.CompositePrimaryKey("batch_id", "number")
    batch = models.ForeignKey(
        ImportBatch,
        on_delete=models.CASCADE,
        related_name="rows",
        db_index=False,
        db_constraint=False,  # it would cost a look-up for each of a million passing rows
    )
    number = models.PositiveIntegerField()
    verdict = models.CharField(max_length=9, choices=RowVerdict.choices, default=RowVerdict.NEW)
    errors = models.JSONField(default=list)
    note = models.CharField(max_length=300, blank=True)
    purchase_id = models.BigIntegerField(null=True, help_text="The stored one it is compared with.")
    unmapped_reason = models.CharField(
        max_length=20,
        choices=UnmappedReason.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Foretold: why importing would put it on none.",
    )
    is_large = models.BooleanField(
        default=False, db_default=False, help_text="Its quantity is unusual for its product."
    )
    reference = models.CharField(max_length=120, blank=True)
    customer_code = models.CharField(max_length=100, blank=True)
    product_code = models.CharField(max_length=100, blank=True)
    label = models.CharField(max_length=200, blank=True)
    quantity = models.DecimalField(**EXACT, null=True)
    unit = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    purchased_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    unit_price_override = models.DecimalField(**EXACT, null=True)
    total_override = models.DecimalField(**EXACT, null=True)
    cost_override = models.DecimalField(**EXACT, null=True)
    invoice_reference = models.CharField(max_length=60, blank=True)
    source_updated_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        ordering = ["batch", "number"]
        constraints = [
            models.CheckConstraint(
                name="import_row_error_or_complete",
                condition=(Q(verdict=RowVerdict.ERROR) & ~Q(errors=[]))
                | (
                    ~Q(verdict=RowVerdict.ERROR)
                    & Q(quantity__isnull=False, purchased_at__isnull=False, errors=[])
                    & ~Q(reference="")
                    & ~Q(currency="")
                ),
            ),
            models.CheckConstraint(
                name="import_row_known_has_purchase",
                condition=~Q(verdict__in=(RowVerdict.CHANGED, RowVerdict.UNCHANGED))
                | Q(purchase_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number} of {self.batch_id}"


class ForetoldInvoice(models.Model):
    """The invoice that importing would put a staged row on; comes and goes with the row.

    Beside the rows and not in them: half a million narrow rows are written four times as fast as
    half a million wide ones are rewritten. Unlogged like the rows.

    Invariants (where each one is enforced):
      T1  a row of a file is foretold one invoice   primary key
    """

    pk = models.CompositePrimaryKey("batch_id", "number")
    batch = models.ForeignKey(
        ImportBatch,
        on_delete=models.CASCADE,
        related_name="foretold",
        db_index=False,
        db_constraint=False,  # as of the rows
    )
    number = models.PositiveIntegerField()
    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.DO_NOTHING,  # a forecast; an invoice that is gone is not shown
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    def __str__(self) -> str:
        return f"row {self.number} of {self.batch_id}: invoice {self.invoice_id}"


@pghistory.track(pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Purchase(models.Model):
    """A booked or used product: the only thing pricing rules work on (H-CB4).

    Its insertion is recorded by the import batch (owner, moment, file); the audit holds what
    happened to it afterwards.

    Invariants (where each one is enforced):
      U1  the reference is unique: importing it again updates             purchase_reference_once
      U2  it is on an invoice or has a reason, never both, never neither  purchase_mapped_or_reason
      U3  what is on an invoice has customer, contract and item           purchase_mapped_is_complete
      U4  purchases of a locked invoice never change                      trigger purchase_invoice_unlocked
      U5  an end is not before the start                                  purchase_ends_after_start
      U6  a charge of an order line is one purchase, and names its track  purchase_once_per_charge,
                                                                          purchase_line_iff_track
      U7  nothing comes onto an invoice that another platform bills       trigger purchase_route_is_in_house
    """

    reference = models.CharField(max_length=120)
    import_batch = models.ForeignKey(
        ImportBatch, on_delete=models.PROTECT, null=True, related_name="purchases"
    )
    customer_code = models.CharField(max_length=100)
    product_code = models.CharField(max_length=100)
    label = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="purchases"
    )
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, null=True, related_name="purchases"
    )
    item = models.ForeignKey(
        CatalogueItem, on_delete=models.PROTECT, null=True, related_name="purchases"
    )
    invoice = models.ForeignKey(  # index: purchase_invoice_item
        Invoice, on_delete=models.PROTECT, null=True, related_name="purchases", db_index=False
    )
    order_line = models.ForeignKey(  # index: purchase_once_per_charge
        OrderLine,
        on_delete=models.PROTECT,
        null=True,
        related_name="purchases",
        db_index=False,
        help_text="The line whose charge it is; empty: it was imported.",
    )
    track = models.CharField(
        max_length=9, choices=Track.choices, blank=True, default="", db_default=""
    )
    unmapped_reason = models.CharField(max_length=20, choices=UnmappedReason.choices, blank=True)
    invoice_reference = models.CharField(max_length=60, blank=True)
    purchased_at = models.DateTimeField()
    purchased_on = models.DateField(help_text="Day of the purchase in the customer's time zone.")
    ended_at = models.DateTimeField(null=True)
    quantity = models.DecimalField(**EXACT)
    metered_quantity = models.DecimalField(**EXACT)
    unit = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    unit_price_override = models.DecimalField(**EXACT, null=True)
    total_override = models.DecimalField(**EXACT, null=True)
    cost_override = models.DecimalField(**EXACT, null=True)
    metadata = models.JSONField(default=dict)
    source_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        ordering = ["-purchased_at", "-id"]
        permissions = [
            ("import_purchases", "Can import purchases"),
            ("map_purchase", "Can map purchases to invoices"),
        ]
        indexes = [
            models.Index(fields=["invoice", "item", "purchased_on"], name="purchase_invoice_item"),
            models.Index(
                fields=["unmapped_reason", "-id"],
                name="purchase_unmapped",
                condition=Q(invoice__isnull=True),
            ),
            models.Index(fields=["-purchased_at", "-id"], name="purchase_newest"),
            models.Index(
                fields=["invoice"],
                name="purchase_of_line",
                condition=Q(order_line__isnull=False),
            ),
            models.Index(
                F("purchased_at").desc(),
                F("id").desc(),
                name="purchase_unmapped_newest",
                condition=Q(invoice__isnull=True),
            ),
            models.Index(
                Upper("customer_code"),
                F("purchased_at").desc(),
                F("id").desc(),
                name="purchase_by_customer_code",
            ),
            models.Index(
                Upper("product_code"),
                F("purchased_at").desc(),
                F("id").desc(),
                name="purchase_by_product_code",
            ),
        ]
        constraints = [
            models.UniqueConstraint(  # one index for uniqueness and searches by a beginning
                name="purchase_reference_once",
                fields=["reference"],
                opclasses=["varchar_pattern_ops"],
                violation_error_message="Another purchase has this reference.",
            ),
            models.CheckConstraint(
                name="purchase_mapped_or_reason",
                condition=Q(invoice__isnull=False, unmapped_reason="")
                | (Q(invoice__isnull=True) & ~Q(unmapped_reason="")),
            ),
            models.CheckConstraint(
                name="purchase_mapped_is_complete",
                condition=Q(invoice__isnull=True)
                | Q(customer__isnull=False, contract__isnull=False, item__isnull=False),
            ),
            models.UniqueConstraint(
                name="purchase_once_per_charge",
                fields=["order_line", "track"],
                condition=Q(order_line__isnull=False),
            ),
            models.CheckConstraint(
                name="purchase_line_iff_track",
                condition=Q(order_line__isnull=True, track="")
                | (Q(order_line__isnull=False) & ~Q(track="")),
            ),
            models.CheckConstraint(
                name="purchase_ends_after_start",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("purchased_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("invoicing:purchase-detail", args=[self.pk])
