"""Approval: who decides on invoices, and what was decided."""

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from approvals.enums import ReviewStatus, Verdict
from approvals.querysets import ReviewQuerySet
from invoicing.models import Invoice
from ledger.models import CustomerCluster
from ledger.validators import validate_plain_text


@pghistory.track()
class ApprovalProcess(models.Model):
    """The steps an invoice passes for a group of customers (H-CB7, K-17).

    Invariants (where each one is enforced):
      G1  a cluster has one process, and there is one for all customers   unique, process_one_default
    """

    name = models.CharField(max_length=80, unique=True, validators=[validate_plain_text])
    customer_cluster = models.OneToOneField(
        CustomerCluster,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approval_process",
        help_text="With everything below it; empty: all customers.",
    )
    four_eyes = models.BooleanField(
        default=False, help_text="The requester may not approve; nobody decides twice in a review."
    )
    allow_empty = models.BooleanField(
        "empty invoices may be approved", default=False, help_text="Otherwise close them (K-14)."
    )

    class Meta:
        verbose_name_plural = "approval processes"
        permissions = [
            ("approve_invoice", "Can approve invoices"),
            ("request_approval", "Can request approval of invoices"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="process_one_default",
                fields=["customer_cluster"],
                condition=Q(customer_cluster__isnull=True),
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class ApprovalStep(models.Model):
    """One decision of a process, taken by somebody of a user group (CB-106).

    Invariants (where each one is enforced):
      G2  positions of a process are unique   step_position_once
    """

    process = models.ForeignKey(ApprovalProcess, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=1)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="approval_steps")

    class Meta:
        ordering = ["process", "position"]
        constraints = [
            models.UniqueConstraint(name="step_position_once", fields=["process", "position"])
        ]

    def __str__(self) -> str:
        return f"step {self.position}: {self.group}"


@pghistory.track()
class Review(models.Model):
    """One way of one invoice through its process; keeps the steps it started with (D-42).

    Invariants (where each one is enforced):
      W1  an invoice has one running review   review_one_running
      W2  ended if and only if not running    review_ended_iff_decided
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="reviews")
    process = models.ForeignKey(ApprovalProcess, on_delete=models.PROTECT, related_name="reviews")
    steps = models.JSONField(help_text="Ids of the user groups, in order.")
    position = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(
        max_length=8, choices=ReviewStatus.choices, default=ReviewStatus.RUNNING
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_requested"
    )
    requested_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="review_one_running",
                fields=["invoice"],
                condition=Q(status=ReviewStatus.RUNNING),
            ),
            models.CheckConstraint(
                name="review_ended_iff_decided",
                condition=Q(status=ReviewStatus.RUNNING, ended_at__isnull=True)
                | (~Q(status=ReviewStatus.RUNNING) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"review of invoice {self.invoice_id}"

    @property
    def group_id(self) -> int:
        """The user group whose turn it is."""
        return self.steps[self.position - 1]

    @property
    def is_at_first_step(self) -> bool:
        return self.position == 1

    @property
    def is_at_last_step(self) -> bool:
        return self.position == len(self.steps)


class Decision(models.Model):
    """What one person decided on one step; never changed (R2).

    Invariants (where each one is enforced):
      D1  a decision is never updated or deleted   triggers decision_is_final, decision_stays
      D2  a step of a review is approved once      decision_step_approved_once
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="decisions")
    step = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField(default=1)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions"
    )
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    note = models.CharField(max_length=500, blank=True, validators=[validate_plain_text])
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="decision_step_approved_once", fields=["review", "step", "round"]
            )
        ]
        triggers = [
            pgtrigger.Protect(name="decision_is_final", operation=pgtrigger.Update),
            pgtrigger.Protect(name="decision_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.user_id}"
