"""Sets of customers and of ledger entries, in business words."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

NEW_FOR = dt.timedelta(days=30)


class CustomerQuerySet(models.QuerySet):
    """Sets of customers."""

    def billable(self) -> "CustomerQuerySet":
        """Customers whose billing is not suspended."""
        return self.filter(suspended=False)

    def suspended(self) -> "CustomerQuerySet":
        """Quick search Suspended (H-CB6)."""
        return self.filter(suspended=True)

    def orphaned(self) -> "CustomerQuerySet":
        """Quick search Orphaned (H-CB6): customers without a contract, who cannot be billed."""
        return self.filter(contracts=None)

    def new(self) -> "CustomerQuerySet":
        """Quick search New (H-CB6): customers stored in the last 30 days."""
        return self.filter(created_at__gte=Now() - NEW_FOR)

    def in_cluster(self, cluster_id: int, *, descendants: bool = True) -> "CustomerQuerySet":
        """Customers of a cluster, with those of its descendants by default (CB-36)."""
        if descendants:
            return self.filter(cluster__path__contains=[cluster_id])
        return self.filter(cluster_id=cluster_id)

    def matching(self, text: str) -> "CustomerQuerySet":
        """Customers whose code begins with, or whose name holds, ``text``."""
        return self.filter(Q(code__istartswith=text) | Q(name__icontains=text))


class LedgerEntryQuerySet(models.QuerySet):
    """Sets of ledger entries; append-only."""

    def newest_first(self) -> "LedgerEntryQuerySet":
        """The order of the ledger page (B-22)."""
        return self.order_by("account_id", "-sequence")

    def update(self, **kwargs) -> int:
        raise TypeError("Ledger entries are append-only: post a reversing entry instead.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("Ledger entries are append-only: post a reversing entry instead.")
