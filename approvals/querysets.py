"""Sets of reviews, and their moves: compare-and-swap on the step that was seen (R5)."""

import datetime as dt

from django.db import models
from django.db.models import F

from approvals.enums import ReviewStatus


class ReviewQuerySet(models.QuerySet):
    """Sets of reviews."""

    def running(self) -> "ReviewQuerySet":
        return self.filter(status=ReviewStatus.RUNNING)

    def at_step(self, position: int) -> "ReviewQuerySet":
        return self.running().filter(position=position)

    # Set-based moves: each names the step it leaves and returns how many rows left it.

    def advance(self, *, from_position: int) -> int:
        """To the next reviewer (CB-107)."""
        return self.at_step(from_position).update(position=F("position") + 1)

    def step_back(self, *, from_position: int) -> int:
        """To the reviewer before (CB-108)."""
        return self.at_step(from_position).update(position=F("position") - 1)

    def end_approved(self, *, from_position: int, at: dt.datetime) -> int:
        """The last reviewer approved (CB-109)."""
        return self.at_step(from_position).update(status=ReviewStatus.APPROVED, ended_at=at)

    def end_rejected(self, *, from_position: int, at: dt.datetime) -> int:
        """The first reviewer rejected (CB-110)."""
        return self.at_step(from_position).update(status=ReviewStatus.REJECTED, ended_at=at)
