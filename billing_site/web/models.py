"""Long work and selections.

Invariants, and what enforces each:

1. A job moves only along ``enums.JOB_TRANSITIONS``: trigger ``job_status_path``; the moves
   themselves are compare-and-swap UPDATEs in :mod:`billing_site.web.querysets`.
2. A job is under a lease if and only if it is running: ``job_leased_iff_running``.
3. A job has a finishing time if and only if it is in a final state, and no other status than
   the known ones: ``job_finished_iff_final``.
4. A job is retried at most once, by one other job: ``retry_of`` is one to one.
5. A job names the outcome of an object at most once: ``job_item_once_per_object``.
6. A skipped or failed row says why: ``job_item_has_reason``.
7. A selection is never empty and its count is that of its ids: ``selection_counts_its_ids``;
   it leaves rows out only of a whole filter: ``selection_excludes_from_filter_only``.
8. A selection is acted upon at most once: ``job`` is one to one.

The proxies at the end have no rows of their own: they audit the rights that Django keeps.
"""

import datetime as dt

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from billing_site.web.enums import ACTIVE, FINAL, JOB_TRANSITIONS, RETRYABLE, ItemOutcome, JobStatus
from billing_site.web.querysets import JobQuerySet
from billing_site.web.triggers import status_map


class Job(models.Model):
    """Long work of one person: the row is the truth, the Celery message only a nudge."""

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    status = models.CharField(max_length=24, choices=JobStatus, default=JobStatus.QUEUED)
    params = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    result_url = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    total = models.PositiveIntegerField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    retry_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="retried_by"
    )
    created_at = models.DateTimeField()
    enqueued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        permissions = [("view_all_jobs", "Can see and cancel everybody's jobs")]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="job_owner_newest"),
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(
                fields=["owner"], condition=Q(status__in=ACTIVE), name="job_active_by_owner"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status=JobStatus.RUNNING, lease_token__isnull=False, lease_until__isnull=False
                )
                | (
                    ~Q(status=JobStatus.RUNNING)
                    & Q(lease_token__isnull=True, lease_until__isnull=True)
                ),
                name="job_leased_iff_running",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, finished_at__isnull=False)
                | Q(status__in=ACTIVE, finished_at__isnull=True),
                name="job_finished_iff_final",
            ),
        ]
        triggers = [
            status_map(
                name="job_status_path",
                transitions=[
                    (source.value, target.value)
                    for source, targets in JOB_TRANSITIONS.items()
                    for target in targets
                ],
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("web:job-detail", args=[self.pk])

    @property
    def processed(self) -> int:
        """Rows with an outcome so far."""
        return self.done + self.skipped + self.failed

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_retryable(self) -> bool:
        return self.status in RETRYABLE

    @property
    def is_unannounced(self) -> bool:
        """Queued, and the workers could not be told yet."""
        return self.status == JobStatus.QUEUED and self.enqueued_at is None

    @property
    def file_name(self) -> str:
        """The name of the file behind ``result_url``; empty when that is a page, or nothing."""
        return self.result.get("file_name", "") if self.result_url else ""

    @property
    def warning(self) -> str:
        """What the person has to look at although the work was done; mostly empty."""
        return self.result.get("warning", "")

    @property
    def ending(self) -> str:
        """How an ended job is announced: ``success``, ``info`` or ``warning``."""
        if self.warning:
            return "warning"
        endings = {JobStatus.COMPLETED: "success", JobStatus.CANCELLED: "info"}
        return endings.get(JobStatus(self.status), "warning")

    @property
    def percent(self) -> int | None:
        """Whole percent, rounded down; None while the total is unknown."""
        if not self.total:
            return None
        return min(100, self.processed * 100 // self.total)

    def remaining(self, *, at: dt.datetime) -> dt.timedelta | None:
        """Estimate of the time left at the pace so far; None while there is no pace."""
        if self.status != JobStatus.RUNNING or not (self.total and self.processed):
            return None
        if self.started_at is None:
            return None
        spent = at - self.started_at
        return spent / self.processed * max(0, self.total - self.processed)


class JobItem(models.Model):
    """What became of one row of a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    object_id = models.BigIntegerField(null=True, blank=True)
    label = models.CharField(max_length=200)
    outcome = models.CharField(max_length=10, choices=ItemOutcome)
    reason = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["job", "outcome", "id"], name="job_item_by_outcome")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=ItemOutcome.values), name="job_item_outcome_is_known"
            ),
            models.UniqueConstraint(fields=["job", "object_id"], name="job_item_once_per_object"),
            models.CheckConstraint(
                condition=Q(outcome=ItemOutcome.DONE) | ~Q(reason=""), name="job_item_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.get_outcome_display()}"


class Selection(models.Model):
    """Rows a person picked in a list: a filter or ids, the moment, and what was shown (X-14)."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="selections"
    )
    list_key = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    whole_filter = models.BooleanField()
    excluded_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    ids = ArrayField(models.BigIntegerField())
    count = models.PositiveIntegerField()
    totals = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.PROTECT, related_name="selection"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(whole_filter=True) | Q(excluded_ids=[]),
                name="selection_excludes_from_filter_only",
            ),
            models.CheckConstraint(
                condition=Q(count__gt=0, ids__len=F("count")), name="selection_counts_its_ids"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.list_key}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.UpdateEvent("password_change", condition=pgtrigger.AnyChange("password")),
    pghistory.DeleteEvent(),
    exclude=["password", "last_login"],
)
class AuditedUser(User):
    """A user; the password is never kept, only that it was changed."""

    class Meta:
        proxy = True
        default_permissions = ()


@pghistory.track()
class AuditedGroup(Group):
    """A role."""

    class Meta:
        proxy = True
        default_permissions = ()


MEMBERSHIP_EVENTS = (pghistory.InsertEvent("granted"), pghistory.DeleteEvent("taken_away"))


@pghistory.track(*MEMBERSHIP_EVENTS, obj_field=None)
class UserRole(User.groups.through):  # type: ignore[name-defined,misc]
    """A user has a role."""

    class Meta:
        proxy = True
        default_permissions = ()


@pghistory.track(*MEMBERSHIP_EVENTS, obj_field=None)
class UserRight(User.user_permissions.through):  # type: ignore[name-defined,misc]
    """A user has a permission of their own."""

    class Meta:
        proxy = True
        default_permissions = ()


@pghistory.track(*MEMBERSHIP_EVENTS, obj_field=None)
class RoleRight(Group.permissions.through):  # type: ignore[name-defined,misc]
    """A role has a permission."""

    class Meta:
        proxy = True
        default_permissions = ()
