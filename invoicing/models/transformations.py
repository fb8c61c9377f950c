"""Transformations: an invoice in another format."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q

from invoicing.enums import ResultStatus
from invoicing.models.invoices import Invoice
from invoicing.querysets import TransformationResultQuerySet


@pghistory.track()
class TransformationResult(models.Model):
    """One document made from one invoice; the row is the work list of the workers (D-44).

    Invariants (where each one is enforced):
      X1  one live result per invoice and transformation   result_once_per_transformation
      X2  completed means there is a file with a checksum  result_completed_has_file
      X3  failed means there is a reason                   result_failed_has_error
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="results")
    transformation = models.CharField(max_length=40, default="invoice-pdf")
    status = models.CharField(
        max_length=10, choices=ResultStatus.choices, default=ResultStatus.QUEUED
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    file = models.FileField(upload_to="invoices/%Y/%m/", blank=True)
    checksum = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(null=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True)

    objects = TransformationResultQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"],
                name="result_waiting",
                condition=Q(status__in=(ResultStatus.QUEUED, ResultStatus.PROCESSING)),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                name="result_once_per_transformation", fields=["invoice", "transformation"]
            ),
            models.CheckConstraint(
                name="result_completed_has_file",
                condition=~Q(status=ResultStatus.COMPLETED)
                | (~Q(checksum="") & ~Q(file="") & Q(processed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="result_failed_has_error",
                condition=~Q(status=ResultStatus.FAILED) | ~Q(error=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transformation} of invoice {self.invoice_id}"
