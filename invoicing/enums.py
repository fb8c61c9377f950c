"""Choices of the invoicing floor."""

from django.db import models


class InvoiceStatus(models.TextChoices):
    """CB-9..CB-14."""

    PENDING = "pending", "Pending"
    OPEN = "open", "Open"
    APPROVING = "approving", "Approving"
    APPROVED = "approved", "Approved"
    CLOSED = "closed", "Closed"
    ERROR = "error", "Error"


LIVE_STATUSES = (InvoiceStatus.PENDING, InvoiceStatus.OPEN, InvoiceStatus.ERROR)
FINAL_STATUSES = (InvoiceStatus.APPROVED, InvoiceStatus.CLOSED)
UNFINISHED_STATUSES = (*LIVE_STATUSES, InvoiceStatus.APPROVING)
LOCKED_STATUSES = (InvoiceStatus.APPROVING, *FINAL_STATUSES)


class InvoiceType(models.TextChoices):
    PERIODICAL = "periodical", "Periodical"
    AD_HOC = "ad_hoc", "Ad hoc"


class InvoiceItemKind(models.TextChoices):
    """Which step of pricing made the item."""

    PRICE = "price", "Price"
    ADJUSTMENT = "adjustment", "Adjustment"
    VAT = "vat", "VAT"


class Operator(models.TextChoices):
    """Operators of pricing rules (D-40) and the VAT step (K-2)."""

    PRICE = "price", "Price"
    PRICE_LADDER = "price_ladder", "Price ladder"
    ADJUST_PERCENTAGE = "adjust_percentage", "Adjust percentage"
    VAT = "vat", "VAT"


class LadderMode(models.TextChoices):
    """K-10."""

    GRADUATED = "graduated", "Graduated: each slice at the price of its tier"
    VOLUME = "volume", "Volume: all at the price of the tier reached"


class UnmappedReason(models.TextChoices):
    """Why a purchase is on no invoice (H-CB5, D-46, K-15, L-10)."""

    UNKNOWN_CUSTOMER = "unknown_customer", "Unknown customer"
    UNKNOWN_PRODUCT = "unknown_product", "Unknown product"
    EXTERNAL_ROUTE = "external_route", "Billed on another platform"
    OTHER_UNIT = "other_unit", "Measured in another unit than the product"
    CUSTOMER_SUSPENDED = "customer_suspended", "Customer suspended"
    NO_CONTRACT = "no_contract", "Customer has no contract in this currency"
    BEFORE_BILL_FROM = "before_bill_from", "Before the customer's Bill From date"
    NO_INVOICE = "no_invoice", "No invoice for this date yet"
    UNKNOWN_REFERENCE = "unknown_reference", "Unknown invoice reference"
    INVOICE_LOCKED = "invoice_locked", "Its invoice is in approval"
    PERIOD_FINISHED = "period_finished", "Its period is finished"


class NumberReset(models.TextChoices):
    """When a number scheme begins anew (H-CB11)."""

    NEVER = "never", "Never"
    YEARLY = "yearly", "Every year"
    MONTHLY = "monthly", "Every month"


class NumberDate(models.TextChoices):
    """Which date fills the placeholders of a number (H-CB11)."""

    APPROVAL = "approval", "Day of approval"
    PERIOD_START = "period_start", "First day of the period"
    PERIOD_END = "period_end", "Last day of the period"


class ResultStatus(models.TextChoices):
    """Statuses of a transformation result (D-44)."""

    QUEUED = "queued", "Queued"
    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class ImportStatus(models.TextChoices):
    """An import file's way from upload to commit."""

    UPLOADED = "uploaded", "Uploaded"
    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    COMMITTING = "committing", "Committing"
    COMMITTED = "committed", "Committed"
    REFUSED = "refused", "Refused"
    DISCARDED = "discarded", "Discarded"
