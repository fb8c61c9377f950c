"""Choices of the orders floor."""

from django.db import models


class BillStatus(models.TextChoices):
    """Where a charge is on its way to a bill (L-16..L-19)."""

    NOT_BILLED = "not_billed", "Not Billed"
    READY = "ready", "Ready to Bill"
    IN_BILLING = "in_billing", "In Billing"


class Track(models.TextChoices):
    """The two charges of a line; each has a route and a bill status of its own (L-23)."""

    UPFRONT = "upfront", "Up-front"
    RECURRING = "recurring", "Recurring"


class StatusTrigger(models.TextChoices):
    """What moved a bill status (L-20, D-01, D-09, D-10)."""

    CONVERSION = "conversion", "Converted to an asset"
    UNCONVERSION = "unconversion", "Conversion undone"
    DATE = "date", "Date reached"
    DATA = "data", "Data changed"
    ROUTE = "route", "Billing route changed"
    DO_NOT_BILL = "do_not_bill", "Do Not Bill changed"
    TRANSFER = "transfer", "Transferred to billing"
    INVOICE = "invoice", "Invoice approved"
    SUBSCRIPTION = "subscription", "Put on a subscription"
    MANUAL = "manual", "Changed by hand"


class ExportKind(models.TextChoices):
    """The two spreadsheets of Billing Export (L-38, L-39)."""

    PRODUCT = "product", "Product"
    CLI = "cli", "CLI"


class FileFormat(models.TextChoices):
    XLSX = "xlsx", "Excel"
    CSV = "csv", "CSV"


# Item type -> the date of the line that is its second trigger (D-01).
TRIGGER_DATES = {
    "service_with_cli": "connection_date",
    "service": "activation_date",
    "hardware": "delivery_date",
    "one_off": "completion_date",
}
