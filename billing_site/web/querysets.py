"""Jobs in the words of the workplace, and their set-based moves from state to state.

Each move is one UPDATE that names its source states, so two workers or a worker and a user cannot
both win; the number of moved rows says who did.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from billing_site.web.enums import ACTIVE, FINAL, RETRYABLE, JobStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class JobQuerySet(models.QuerySet):
    def visible_to(self, user: "AbstractBaseUser") -> "JobQuerySet":
        """A user's own jobs; everybody's for staff who hold ``web.view_all_jobs``."""
        if user.is_staff and user.has_perm("web.view_all_jobs"):
            return self
        return self.filter(owner=user)

    def active(self) -> "JobQuerySet":
        return self.filter(status__in=ACTIVE)

    def retryable(self) -> "JobQuerySet":
        return self.filter(status__in=RETRYABLE)

    def claimable(self, *, at: dt.datetime) -> "JobQuerySet":
        """Queued, or running under a lease that nobody renews any more."""
        return self.filter(
            Q(status=JobStatus.QUEUED) | Q(status=JobStatus.RUNNING, lease_until__lt=at)
        )

    def unannounced(self, *, at: dt.datetime, since: dt.datetime) -> "JobQuerySet":
        """Claimable, and no message to a worker was sent since ``since``."""
        return self.claimable(at=at).filter(Q(enqueued_at=None) | Q(enqueued_at__lt=since))

    def just_ended(
        self, *, watched: Sequence[int], told: Sequence[int], since: dt.datetime
    ) -> "JobQuerySet":
        """Ended jobs of which a page is to tell: those it watched, and those that ended after
        ``since`` and were not told yet.
        """
        untold = Q(finished_at__gt=since) & ~Q(pk__in=told)
        return self.filter(status__in=FINAL).filter(Q(pk__in=watched) | untold)

    def newest_first(self) -> "JobQuerySet":
        return self.order_by("-created_at", "-pk")

    def held_by(self, token: uuid.UUID) -> "JobQuerySet":
        """Running, and still under the lease that ``token`` stands for."""
        return self.filter(status=JobStatus.RUNNING, lease_token=token)

    # moves

    def claim(self, *, token: uuid.UUID, at: dt.datetime, lease_until: dt.datetime) -> int:
        return self.claimable(at=at).update(
            status=JobStatus.RUNNING,
            lease_token=token,
            lease_until=lease_until,
            heartbeat_at=at,
            started_at=Coalesce("started_at", models.Value(at)),
            attempts=F("attempts") + 1,
        )

    def finish(self, *, token: uuid.UUID, status: str, at: dt.datetime, **values) -> int:
        """Running under ``token`` -> one of the final states."""
        return self.held_by(token).update(
            status=status, finished_at=at, lease_token=None, lease_until=None, **values
        )

    def cancel_queued(self, *, at: dt.datetime) -> int:
        return self.filter(status=JobStatus.QUEUED).update(
            status=JobStatus.CANCELLED, cancel_requested_at=at, finished_at=at
        )

    def request_cancel(self, *, at: dt.datetime) -> int:
        return self.filter(status=JobStatus.RUNNING, cancel_requested_at=None).update(
            cancel_requested_at=at
        )

    def give_up(self, *, at: dt.datetime, attempts: int, error: str) -> int:
        """Claimable jobs whose workers died ``attempts`` times -> Failed."""
        return (
            self.claimable(at=at)
            .filter(attempts__gte=attempts)
            .update(
                status=JobStatus.FAILED,
                finished_at=at,
                lease_token=None,
                lease_until=None,
                error=error,
            )
        )
