"""Sets of platforms, catalogue items and assets."""

import re

from django.db import models
from django.db.models import Q

_REFERENCE = re.compile(r"A-([1-9][0-9]{0,17})", re.ASCII | re.IGNORECASE)


class BillingPlatformQuerySet(models.QuerySet):
    """Sets of billing platforms."""

    def external(self) -> "BillingPlatformQuerySet":
        """Platforms that stand for another billing system (L-2)."""
        return self.filter(is_in_house=False)


class CatalogueItemQuerySet(models.QuerySet):
    """Sets of catalogue items."""

    def active(self) -> "CatalogueItemQuerySet":
        return self.filter(active=True)

    def inactive(self) -> "CatalogueItemQuerySet":
        return self.filter(active=False)

    def without_price(self) -> "CatalogueItemQuerySet":
        """Active items that only a pricing rule can price."""
        return self.active().filter(upfront_price=None, recurring_price=None)

    def in_category(self, category_id: int) -> "CatalogueItemQuerySet":
        """Items of a category and of everything below it."""
        return self.filter(category__path__contains=[category_id])

    def matching(self, text: str) -> "CatalogueItemQuerySet":
        """Items whose code begins with, or whose name holds, ``text``."""
        return self.filter(Q(code__istartswith=text) | Q(name__icontains=text))


class AssetQuerySet(models.QuerySet):
    """Sets of assets."""

    def matching(self, text: str) -> "AssetQuerySet":
        """The asset of this reference, and assets whose CLI or serial begins with ``text``.

        Each part has an index of its own.
        """
        condition = Q(cli__startswith=text) & ~Q(cli="")
        for serial in sorted({text, text.upper(), text.lower()}):
            condition |= Q(serial__startswith=serial) & ~Q(serial="")
        if number := _REFERENCE.fullmatch(text.strip()):
            condition |= Q(pk=int(number[1]))
        return self.filter(condition)

    def with_cli(self, text: str) -> "AssetQuerySet":
        """Assets whose telephone number begins with ``text``, blanks in it left out."""
        return self.filter(~Q(cli=""), cli__startswith="".join(text.split()))
