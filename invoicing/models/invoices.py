"""Invoices, their items, and the counters that number them."""

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django_fsm import ConcurrentTransitionMixin, FSMField, transition

from billing_site.web.triggers import status_map
from inventory.models import CatalogueItem
from invoicing.enums import (
    FINAL_STATUSES,
    LIVE_STATUSES,
    UNFINISHED_STATUSES,
    InvoiceItemKind,
    InvoiceStatus,
    InvoiceType,
    NumberDate,
    NumberReset,
)
from invoicing.models.rules import PricingRule
from invoicing.querysets import InvoiceQuerySet
from ledger.models import Contract, Customer, CustomerCluster, LedgerEntry
from ledger.validators import validate_currency, validate_plain_text

MONEY: dict[str, Any] = {"max_digits": 19, "decimal_places": 4}
EXACT: dict[str, Any] = {"max_digits": 30, "decimal_places": 15}


@pghistory.track()
class NumberScheme(models.Model):
    """How invoice numbers look and when they begin anew (H-CB11).

    Invariants (where each one is enforced):
      S1  a cluster has one scheme, and there is one for all customers   unique, scheme_one_default
    """

    name = models.CharField(max_length=80, unique=True, validators=[validate_plain_text])
    format = models.CharField(max_length=60, default="R{yyyy}-{####}")
    first_number = models.PositiveIntegerField(default=1)
    reset = models.CharField(max_length=7, choices=NumberReset.choices, default=NumberReset.YEARLY)
    date_source = models.CharField(
        max_length=12, choices=NumberDate.choices, default=NumberDate.APPROVAL
    )
    customer_cluster = models.OneToOneField(
        CustomerCluster,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="number_scheme",
        help_text="With everything below it; empty: all customers.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scheme_one_default",
                fields=["customer_cluster"],
                condition=Q(customer_cluster__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="scheme_first_number_is_positive", condition=Q(first_number__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.format}"


class NumberCounter(models.Model):
    """The row that hands out numbers; locked while an approval uses it (X-13).

    Invariants (where each one is enforced):
      N1  one counter per scheme and reset period   counter_once_per_period
    """

    scheme = models.ForeignKey(NumberScheme, on_delete=models.PROTECT, related_name="counters")
    key = models.CharField(max_length=7, blank=True, help_text="2026, 2026-05 or empty.")
    last_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="counter_once_per_period", fields=["scheme", "key"])
        ]

    def __str__(self) -> str:
        return f"{self.scheme} {self.key}: {self.last_number}"


STATUS_MAP = (
    (InvoiceStatus.PENDING, InvoiceStatus.OPEN),
    (InvoiceStatus.PENDING, InvoiceStatus.ERROR),
    (InvoiceStatus.OPEN, InvoiceStatus.PENDING),
    (InvoiceStatus.ERROR, InvoiceStatus.PENDING),
    (InvoiceStatus.OPEN, InvoiceStatus.APPROVING),
    (InvoiceStatus.OPEN, InvoiceStatus.CLOSED),
    (InvoiceStatus.APPROVING, InvoiceStatus.APPROVED),
    (InvoiceStatus.APPROVING, InvoiceStatus.PENDING),
)
# What a reviewer looked at stays as it was (CB-11).
FROZEN_WHEN_LOCKED = (
    "customer",
    "contract",
    "type",
    "reference",
    "invoice_date",
    "period_from",
    "period_to",
    "currency",
    "net_total",
    "vat_total",
    "gross_total",
    "cost_total",
    "item_count",
    "calculated_at",
)
DECIDED = (InvoiceStatus.APPROVING, InvoiceStatus.APPROVED, InvoiceStatus.CLOSED)


@pghistory.track(
    pghistory.UpdateEvent(
        "invoice_decided",
        condition=pgtrigger.Q(old__status__df=pgtrigger.F("new__status"))
        & (pgtrigger.Q(new__status__in=DECIDED) | pgtrigger.Q(old__status=DECIDED[0])),
    ),
    fields=[
        "status",
        "number",
        "currency",
        "net_total",
        "vat_total",
        "gross_total",
        "cost_total",
        "period_from",
        "period_to",
    ],
)
class Invoice(ConcurrentTransitionMixin, models.Model):
    """What one customer owes for one period: the results of all pricing rules (CB-1, CB-2).

    Invariants (where each one is enforced):
      V1  a number if and only if approved                     invoice_number_iff_approved
      V2  a ledger entry if and only if approved               invoice_entry_iff_approved
      V3  a reference if and only if ad hoc                    invoice_reference_iff_ad_hoc
      V4  the period does not end before it begins             invoice_period_to_after_from
      V5  an error text if and only if in error                invoice_error_iff_error
      V6  one periodical invoice per contract and period       invoice_once_per_period
      V7  status moves along STATUS_MAP only                   trigger invoice_status_map
      V8  approved and closed invoices never change            trigger invoice_final_is_frozen
      V9  numbers begin at the scheme's first, without a gap   trigger invoice_number_continues
      V10 gross = net + VAT                                    invoice_gross_is_net_plus_vat
      V11 no invoice is deleted once it was locked             trigger invoice_locked_stays
      V12 what is in approval does not change                  trigger invoice_locked_is_frozen
      V13 a number is given once                               invoice_number_once, _sequence_once
      V14 a reference is given once                            invoice_reference_once
    """

    customer = models.ForeignKey(  # index: invoice_by_customer
        Customer, on_delete=models.PROTECT, related_name="invoices", db_index=False
    )
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="invoices")
    type = models.CharField(
        max_length=10, choices=InvoiceType.choices, default=InvoiceType.PERIODICAL
    )
    reference = models.CharField(
        max_length=60, null=True, blank=True, validators=[validate_plain_text]
    )
    number = models.CharField(max_length=60, null=True, blank=True, editable=False)
    number_counter = models.ForeignKey(  # index: invoice_sequence_once
        NumberCounter,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="invoices",
        db_index=False,
    )
    number_sequence = models.PositiveBigIntegerField(null=True, editable=False)
    invoice_date = models.DateField()
    due_date = models.DateField(null=True, editable=False)
    period_from = models.DateField()
    period_to = models.DateField()
    status = FSMField(choices=InvoiceStatus.choices, default=InvoiceStatus.PENDING, protected=True)
    currency = models.CharField(max_length=3, validators=[validate_currency])
    net_total = models.DecimalField(**MONEY, default=0, editable=False)
    vat_total = models.DecimalField(**MONEY, default=0, editable=False)
    gross_total = models.DecimalField(**MONEY, default=0, editable=False)
    cost_total = models.DecimalField(**MONEY, default=0, editable=False)
    item_count = models.PositiveIntegerField(default=0, editable=False)
    items_digest = models.CharField(
        max_length=32,
        blank=True,
        editable=False,
        help_text="Of the stored items; equal: not rewritten.",
    )
    error = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    calculated_at = models.DateTimeField(null=True, editable=False)
    approved_at = models.DateTimeField(null=True, editable=False)
    ledger_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, editable=False, related_name="invoice"
    )
    document_data = models.JSONField(
        null=True, editable=False, help_text="Firm and customer as they were on approval."
    )

    objects = InvoiceQuerySet.as_manager()

    # What querysets annotate.
    is_past: bool  # with_period_past()
    account_id: Any  # with_account_id(); None when the contract has no account
    decisions: Collection[str]  # set by the list: what its reader may decide now

    class Meta:
        ordering = ["-period_from", "-id"]
        permissions = [
            ("close_invoice", "Can close invoices"),
            ("recalculate_invoice", "Can recalculate invoices"),
        ]
        indexes = [
            models.Index(fields=["-period_from", "-id"], name="invoice_newest"),
            models.Index(fields=["status", "-period_from", "-id"], name="invoice_by_status"),
            models.Index(fields=["customer", "-period_from", "-id"], name="invoice_by_customer"),
            models.Index(
                fields=["status", "period_to", "customer"],
                include=["currency", "gross_total"],
                name="invoice_unfinished",
                condition=Q(status__in=UNFINISHED_STATUSES),
            ),
            models.Index(
                fields=["id"], name="invoice_closed", condition=Q(status=InvoiceStatus.CLOSED)
            ),
            models.Index(
                fields=["id"], name="invoice_pending", condition=Q(status=InvoiceStatus.PENDING)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="invoice_once_per_period",
                fields=["contract", "period_from"],
                condition=Q(type=InvoiceType.PERIODICAL),
            ),
            # Partial, because every new version of a row costs an entry in every index that has
            # it; the operator class lets one index serve uniqueness and searches by a beginning.
            models.UniqueConstraint(
                name="invoice_number_once",
                fields=["number"],
                opclasses=["varchar_pattern_ops"],
                condition=Q(number__isnull=False),
            ),
            models.UniqueConstraint(
                name="invoice_reference_once",
                fields=["reference"],
                opclasses=["varchar_pattern_ops"],
                condition=Q(reference__isnull=False),
                violation_error_message="Another invoice has this reference; choose another one.",
            ),
            models.UniqueConstraint(
                name="invoice_sequence_once",
                fields=["number_counter", "number_sequence"],
                condition=Q(number_counter__isnull=False),
            ),
            models.CheckConstraint(
                name="invoice_number_iff_approved",
                condition=Q(
                    status=InvoiceStatus.APPROVED,
                    number__isnull=False,
                    number_counter__isnull=False,
                    number_sequence__isnull=False,
                    approved_at__isnull=False,
                    document_data__isnull=False,
                )
                | (
                    ~Q(status=InvoiceStatus.APPROVED)
                    & Q(
                        number__isnull=True,
                        number_counter__isnull=True,
                        number_sequence__isnull=True,
                        approved_at__isnull=True,
                    )
                ),
            ),
            models.CheckConstraint(
                name="invoice_entry_iff_approved",
                condition=Q(status=InvoiceStatus.APPROVED, ledger_entry__isnull=False)
                | (~Q(status=InvoiceStatus.APPROVED) & Q(ledger_entry__isnull=True)),
            ),
            models.CheckConstraint(
                name="invoice_reference_iff_ad_hoc",
                condition=Q(type=InvoiceType.AD_HOC, reference__isnull=False)
                | Q(type=InvoiceType.PERIODICAL, reference__isnull=True),
            ),
            models.CheckConstraint(
                name="invoice_period_to_after_from", condition=Q(period_to__gte=F("period_from"))
            ),
            models.CheckConstraint(
                name="invoice_error_iff_error",
                condition=(Q(status=InvoiceStatus.ERROR) & ~Q(error=""))
                | (~Q(status=InvoiceStatus.ERROR) & Q(error="")),
            ),
            models.CheckConstraint(
                name="invoice_gross_is_net_plus_vat",
                condition=Q(gross_total=F("net_total") + F("vat_total")),
            ),
            models.CheckConstraint(
                name="invoice_open_is_calculated",
                condition=~Q(status=InvoiceStatus.OPEN) | Q(calculated_at__isnull=False),
            ),
        ]
        triggers = [
            status_map(name="invoice_status_map", transitions=STATUS_MAP),
            pgtrigger.Protect(
                name="invoice_final_is_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status__in=FINAL_STATUSES),
            ),
            pgtrigger.Protect(
                name="invoice_locked_is_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__status=InvoiceStatus.APPROVING)
                & reduce(
                    or_,
                    (
                        pgtrigger.Q(**{f"old__{name}__df": pgtrigger.F(f"new__{name}")})
                        for name in FROZEN_WHEN_LOCKED
                    ),
                ),
            ),
            pgtrigger.Protect(
                name="invoice_locked_stays",
                operation=pgtrigger.Delete,
                condition=~pgtrigger.Q(old__status__in=LIVE_STATUSES),
            ),
        ]

    def __str__(self) -> str:
        return self.number or self.reference or f"invoice {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("invoicing:invoice-detail", args=[self.pk])

    # Transitions: fields only. Services lock, check and save; sets move by the queryset's methods.

    @transition(
        field=status,
        source=[InvoiceStatus.OPEN, InvoiceStatus.ERROR],
        target=InvoiceStatus.PENDING,
    )
    def mark_pending(self) -> None:
        """Something changed: wait for calculation (CB-9)."""
        self.error = ""

    @transition(field=status, source=InvoiceStatus.PENDING, target=InvoiceStatus.OPEN)
    def record_result(self, *, at) -> None:
        """Calculated and up to date (CB-10)."""
        self.calculated_at = at

    @transition(field=status, source=InvoiceStatus.PENDING, target=InvoiceStatus.ERROR)
    def record_failure(self, *, reason: str, at) -> None:
        """Calculation failed (CB-14)."""
        self.error = reason
        self.calculated_at = at

    @transition(field=status, source=InvoiceStatus.OPEN, target=InvoiceStatus.APPROVING)
    def lock(self) -> None:
        """Approval was requested (CB-11)."""

    @transition(field=status, source=InvoiceStatus.APPROVING, target=InvoiceStatus.APPROVED)
    def finalise(self, *, number, counter, sequence, entry, document_data, due_date, at) -> None:
        """The last approval: number, receivable, done for good (CB-12, D-52)."""
        self.number = number
        self.number_counter = counter
        self.number_sequence = sequence
        self.ledger_entry = entry
        self.document_data = document_data
        self.due_date = due_date
        self.approved_at = at

    @transition(field=status, source=InvoiceStatus.APPROVING, target=InvoiceStatus.PENDING)
    def reopen(self) -> None:
        """Rejected: recalculated with what arrived meanwhile (CB-105)."""

    @transition(field=status, source=InvoiceStatus.OPEN, target=InvoiceStatus.CLOSED)
    def close(self) -> None:
        """Will not be sent; done for good (CB-13)."""


class InvoiceItem(models.Model):
    """One result of one pricing rule (CB-4); derived, written by the calculation only.

    Invariants (where each one is enforced):
      E1  items change only while their invoice is pending   trigger item_invoice_is_pending
      E2  positions are unique on an invoice                 item_position_once
    """

    invoice = models.ForeignKey(  # index: item_position_once
        Invoice, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=InvoiceItemKind.choices)
    rule = models.ForeignKey(
        PricingRule, on_delete=models.PROTECT, null=True, related_name="invoice_items"
    )
    item = models.ForeignKey(
        CatalogueItem, on_delete=models.PROTECT, null=True, related_name="invoice_items"
    )
    label = models.CharField(max_length=240)
    category = models.CharField(max_length=120, blank=True)
    quantity = models.DecimalField(**EXACT, null=True)
    unit = models.CharField(max_length=40, blank=True)
    unit_price = models.DecimalField(**EXACT, null=True)
    stated = models.BooleanField(default=False, help_text="The purchases brought their totals.")
    exact_amount = models.DecimalField(**EXACT)
    amount = models.DecimalField(**MONEY)
    cost = models.DecimalField(**MONEY, default=0)
    percentage = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    base_positions = ArrayField(models.PositiveIntegerField(), default=list)
    spans = ArrayField(DateRangeField(), default=list)
    purchase_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["invoice", "position"]
        constraints = [
            models.UniqueConstraint(name="item_position_once", fields=["invoice", "position"])
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.label}"
