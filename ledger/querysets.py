"""Sets of customers and of ledger entries, in business words."""

from django.db import models
from django.db.models import Q


class CustomerQuerySet(models.QuerySet):
    """Sets of customers."""

    def billable(self) -> "CustomerQuerySet":
        """Customers whose billing is not suspended."""
        return self.filter(suspended=False)

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
