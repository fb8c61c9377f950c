"""What happened to the charges of order lines on their way to a bill."""

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from billing_site.web.models import Job
from inventory.models import BillingPlatform
from ledger.validators import validate_plain_text
from orders.enums import BillStatus, ExportKind, FileFormat, StatusTrigger, Track
from orders.models.orders import OrderLine

BY_TRANSFER_OR_INVOICE = (
    StatusTrigger.TRANSFER,
    StatusTrigger.INVOICE,
    StatusTrigger.SUBSCRIPTION,
)


class TransferBatch(models.Model):
    """One Transfer to Billing: what one person moved to one platform at once (L-41, X-11).

    Its events list the tracks it moved. Written once, never changed.

    Invariants (where each one is enforced):
      T1  never updated or deleted   triggers transfer_is_final, transfer_stays
    """

    platform = models.ForeignKey(
        BillingPlatform, on_delete=models.PROTECT, related_name="transfers"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="transfers"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="transfers")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "transfer batches"
        triggers = [
            pgtrigger.Protect(name="transfer_is_final", operation=pgtrigger.Update),
            pgtrigger.Protect(name="transfer_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"transfer {self.pk} to {self.platform}"

    def get_absolute_url(self) -> str:
        return reverse("orders:transfer-detail", args=[self.pk])


class BillStatusEvent(models.Model):
    """One move of the bill status of one track: who, when, why. Inserting it is the move.

    Invariants (where each one is enforced):
      E1  an event applies: the track was where it says              trigger event_moves_the_status
      E2  never updated or deleted                                   triggers event_is_final, event_stays
      E3  it moves somewhere                                         event_moves
      E4  by hand: with a person and a reason                        event_by_hand_has_reason
      E5  In Billing is left by hand only                            event_leaves_billing_by_hand
      E6  In Billing is reached from Ready by transfer, invoice or
          subscription, or by hand                                   event_reaches_billing
      E7  a transfer if and only if it names its batch               event_batch_iff_transfer
    """

    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="status_events")
    track = models.CharField(max_length=9, choices=Track.choices)
    from_status = models.CharField(max_length=10, choices=BillStatus.choices)
    to_status = models.CharField(max_length=10, choices=BillStatus.choices)
    trigger = models.CharField(max_length=12, choices=StatusTrigger.choices)
    reason = models.CharField(max_length=200, blank=True, validators=[validate_plain_text])
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="bill_status_events",
        help_text="Empty: the daily run.",
    )
    batch = models.ForeignKey(
        TransferBatch, on_delete=models.PROTECT, null=True, related_name="events"
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="event_at", fields=["at"])]
        constraints = [
            models.CheckConstraint(name="event_moves", condition=~Q(from_status=F("to_status"))),
            models.CheckConstraint(
                name="event_by_hand_has_reason",
                condition=~Q(trigger=StatusTrigger.MANUAL)
                | (Q(actor__isnull=False) & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="event_leaves_billing_by_hand",
                condition=~Q(from_status=BillStatus.IN_BILLING) | Q(trigger=StatusTrigger.MANUAL),
            ),
            models.CheckConstraint(
                name="event_reaches_billing",
                condition=~Q(to_status=BillStatus.IN_BILLING)
                | Q(trigger=StatusTrigger.MANUAL)
                | Q(from_status=BillStatus.READY, trigger__in=BY_TRANSFER_OR_INVOICE),
            ),
            models.CheckConstraint(
                name="event_batch_iff_transfer",
                condition=Q(trigger=StatusTrigger.TRANSFER, batch__isnull=False)
                | (~Q(trigger=StatusTrigger.TRANSFER) & Q(batch__isnull=True)),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="event_moves_the_status",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_events"),
                declare=[("applied", "bigint"), ("more", "bigint")],
                func="""
                    UPDATE orders_orderline l SET upfront_status = e.to_status FROM new_events e
                    WHERE e.track = 'upfront' AND l.id = e.line_id
                      AND l.upfront_status = e.from_status;
                    GET DIAGNOSTICS applied = ROW_COUNT;
                    UPDATE orders_orderline l SET recurring_status = e.to_status FROM new_events e
                    WHERE e.track = 'recurring' AND l.id = e.line_id
                      AND l.recurring_status = e.from_status;
                    GET DIAGNOSTICS more = ROW_COUNT;
                    IF applied + more <> (SELECT count(*) FROM new_events) THEN
                      RAISE EXCEPTION 'a bill status is not where the event says'
                        USING ERRCODE = 'check_violation',
                              CONSTRAINT = 'event_moves_the_status';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Protect(name="event_is_final", operation=pgtrigger.Update),
            pgtrigger.Protect(name="event_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.track}: {self.from_status} to {self.to_status}"


@pghistory.track()
class ExportFile(models.Model):
    """A spreadsheet that was made for a billing platform (L-38..L-40).

    Invariants (where each one is enforced):
      X1  a file if and only if it is finished   export_file_iff_finished
    """

    platform = models.ForeignKey(
        BillingPlatform, on_delete=models.PROTECT, related_name="export_files"
    )
    kind = models.CharField(max_length=7, choices=ExportKind.choices)
    format = models.CharField(max_length=4, choices=FileFormat.choices, default=FileFormat.XLSX)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="export_files"
    )
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="export_file")
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(null=True)
    file = models.CharField(max_length=300, blank=True, help_text="Name in the storage.")
    checksum = models.CharField(max_length=64, blank=True, help_text="SHA-256.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="export_file_iff_finished",
                condition=Q(finished_at__isnull=True, file="", rows__isnull=True)
                | (Q(finished_at__isnull=False, rows__isnull=False) & ~Q(file="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.platform}"

    @property
    def download_name(self) -> str:
        """``affinity-product-2026-05-04.csv``; letters, digits and dashes only (D-05)."""
        stem = "".join(c if c.isalnum() else "-" for c in self.platform.name.lower()).strip("-")
        return f"{stem or 'platform'}-{self.kind}-{timezone.localdate(self.at)}.{self.format}"
