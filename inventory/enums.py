"""Choices of the inventory floor."""

from django.db import models


class ItemKind(models.TextChoices):
    PRODUCT = "product", "Product"
    SERVICE = "service", "Service"


class ItemType(models.TextChoices):
    """What an item is; decides which date makes it ready to bill (D-01)."""

    SERVICE_WITH_CLI = "service_with_cli", "Service with a number (CLI)"
    SERVICE = "service", "Service without a number"
    HARDWARE = "hardware", "Hardware"
    ONE_OFF = "one_off", "One-off charge or labour"
    LEASE = "lease", "Lease"
    PACKAGE = "package", "Package"
    USAGE = "usage", "Usage"


class ImportStatus(models.TextChoices):
    """An uploaded file of items on its way into the catalogue (D-06)."""

    CHECKED = "checked", "Checked"
    COMMITTED = "committed", "Imported"
    DISCARDED = "discarded", "Discarded"
