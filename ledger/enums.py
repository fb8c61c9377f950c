"""Choices of the ledger floor."""

from django.db import models


class FrequencyUnit(models.TextChoices):
    DAY = "day", "days"
    MONTH = "month", "months"
    YEAR = "year", "years"


class TermsKind(models.TextChoices):
    """How a due date follows from an invoice date (D-28)."""

    NET_DAYS = "net_days", "n days after the invoice date"
    DAY_OF_MONTH = "day_of_month", "a day of a later month"


class EntryType(models.TextChoices):
    """Ledger entry types (D-50); values as in the JSON form of the ledger (B-19)."""

    RECEIVABLE = "Receivable", "Receivable"
    CREDIT_MEMO = "CreditMemo", "Credit memo"
    PAYMENT = "Payment", "Payment"
    OUTGOING_PAYMENT = "OutgoingPayment", "Outgoing payment"
    REFUND = "Refund", "Refund"
    CHARGEBACK = "Chargeback", "Chargeback"
    CREDIT_CARD_CHARGEBACK = "CreditCardChargeback", "Credit card chargeback"
    WRITE_OFF = "WriteOff", "Write-off"
    REVERSAL = "Reversal", "Reversal"


DEBIT_TYPES = (
    EntryType.RECEIVABLE,
    EntryType.OUTGOING_PAYMENT,
    EntryType.REFUND,
    EntryType.CHARGEBACK,
    EntryType.CREDIT_CARD_CHARGEBACK,
)
CREDIT_TYPES = (EntryType.CREDIT_MEMO, EntryType.PAYMENT, EntryType.WRITE_OFF)


class PaymentMethod(models.TextChoices):
    BANK_TRANSFER = "bank_transfer", "Bank transfer"
    DIRECT_DEBIT = "direct_debit", "Direct debit"
    CARD = "card", "Card"
    CASH = "cash", "Cash"


class PaymentStatus(models.TextChoices):
    """B-18 shows Confirmed."""

    PENDING = "Pending", "Pending"
    CONFIRMED = "Confirmed", "Confirmed"
    FAILED = "Failed", "Failed"
