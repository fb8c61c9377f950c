"""Contract accounts and their append-only ledgers."""

from typing import Any

import pghistory
from django.db import models
from django.db.models import F, Q
from django.urls import NoReverseMatch, reverse

from ledger.enums import CREDIT_TYPES, DEBIT_TYPES, EntryType, PaymentMethod, PaymentStatus
from ledger.models.customers import Contract
from ledger.querysets import LedgerEntryQuerySet
from ledger.validators import validate_plain_text

MONEY: dict[str, Any] = {"max_digits": 19, "decimal_places": 4}


class ContractAccount(models.Model):
    """The account of one contract; its entries are the ledger (B-10).

    Invariants (where each one is enforced):
      A1  balance and last_sequence are those of the newest entry   trigger ledger_entry_continues
      A2  they start at zero and nothing else moves them            triggers
          ledger_account_begins_empty, ledger_account_balance_follows
    """

    contract = models.OneToOneField(Contract, on_delete=models.PROTECT, related_name="account")
    credit_limit = models.DecimalField(**MONEY, null=True, blank=True)
    balance = models.DecimalField(**MONEY, default=0, editable=False)
    last_sequence = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_credit_limit_not_negative",
                condition=Q(credit_limit__isnull=True) | Q(credit_limit__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"account of {self.contract}"


@pghistory.track()
class Payment(models.Model):
    """Money received from a customer (H-B2).

    Invariants (where each one is enforced):
      P1  an amount is above zero                             payment_amount_is_positive
      P2  a repeated form records one payment                 operation unique
    """

    account = models.ForeignKey(ContractAccount, on_delete=models.PROTECT, related_name="payments")
    operation = models.UUIDField(unique=True, editable=False)
    method = models.CharField(max_length=20, choices=PaymentMethod.choices)
    amount = models.DecimalField(**MONEY)
    booking_date = models.DateField()
    status = models.CharField(
        max_length=10, choices=PaymentStatus.choices, default=PaymentStatus.CONFIRMED
    )
    transaction_reference = models.CharField(
        max_length=80, blank=True, validators=[validate_plain_text]
    )
    note = models.CharField(max_length=200, blank=True, validators=[validate_plain_text])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("record_payment", "Can record payments")]
        constraints = [
            models.CheckConstraint(name="payment_amount_is_positive", condition=Q(amount__gt=0))
        ]

    def __str__(self) -> str:
        return f"payment {self.pk} of {self.amount}"


class LedgerEntry(models.Model):
    """One financial event on a contract account; never changed, never deleted (B-8..B-24).

    Invariants (where each one is enforced):
      L1  an entry is never updated or deleted                  trigger ledger_entry_append_only
      L2  sequence is 1..n per account, without gap             unique, trigger ledger_entry_continues
      L3  balance = balance of the entry before + amount        trigger ledger_entry_continues
      L4  a debit is positive, a credit negative, or zero       entry_sign_follows_type
      L5  a fact is posted once per account                     entry_fact_once
      L6  an entry is reversed once                             reverses is one-to-one
    """

    account = models.ForeignKey(ContractAccount, on_delete=models.PROTECT, related_name="entries")
    sequence = models.PositiveBigIntegerField()
    type = models.CharField(max_length=20, choices=EntryType.choices)
    fact = models.CharField(max_length=80, help_text="What happened, e.g. invoice:2031.")
    description = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(**MONEY)
    balance = models.DecimalField(**MONEY)
    vat_percentage = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    amount_type = models.CharField(max_length=12, default="GrossAmount")
    country = models.CharField(max_length=2, blank=True)
    timestamp = models.DateTimeField()
    booking_date = models.DateField()
    due_date = models.DateField(null=True, blank=True)
    document_id = models.BigIntegerField(null=True, blank=True)
    document_number = models.CharField(max_length=60, blank=True)
    document_view = models.CharField(max_length=60, blank=True, help_text="URL name of its page.")
    draft_id = models.BigIntegerField(null=True, blank=True)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="entry"
    )
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        ordering = ["account", "-sequence"]
        constraints = [
            models.UniqueConstraint(name="entry_sequence_once", fields=["account", "sequence"]),
            models.UniqueConstraint(name="entry_fact_once", fields=["account", "fact"]),
            models.CheckConstraint(
                name="entry_sign_follows_type",
                condition=Q(type__in=DEBIT_TYPES, amount__gte=0)
                | Q(type__in=CREDIT_TYPES, amount__lte=0)
                | Q(type=EntryType.REVERSAL),
            ),
            models.CheckConstraint(
                name="entry_payment_iff_named",
                condition=Q(payment__isnull=True) | Q(type=EntryType.PAYMENT),
            ),
            models.CheckConstraint(
                name="entry_due_after_booking",
                condition=Q(due_date__isnull=True) | Q(due_date__gte=F("booking_date")),
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.sequence} of {self.account_id}: {self.description}"

    def get_document_url(self) -> str:
        """The page of the document behind the entry (B-15); empty when there is none."""
        if not self.document_view or self.document_id is None:
            return ""
        try:
            return reverse(self.document_view, args=[self.document_id])
        except NoReverseMatch:
            return ""

    def save(self, **kwargs) -> None:
        if not self._state.adding:
            raise TypeError("Ledger entries are append-only: post a reversing entry instead.")
        super().save(**kwargs)
