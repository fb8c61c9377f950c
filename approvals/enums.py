"""Choices of the approvals floor."""

from django.db import models


class ReviewStatus(models.TextChoices):
    RUNNING = "running", "Running"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class Verdict(models.TextChoices):
    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
