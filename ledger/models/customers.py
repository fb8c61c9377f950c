"""The firm, its customers in a tree of clusters, and their contracts."""

import pghistory
import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from billing_site.web.trees import TreeNode
from billing_site.web.triggers import changed_at
from ledger.enums import FrequencyUnit, TermsKind
from ledger.querysets import CustomerQuerySet
from ledger.validators import (
    validate_bic,
    validate_country,
    validate_currency,
    validate_iban,
    validate_plain_text,
    validate_time_zone,
)


class PostalAddress(models.Model):
    """Where somebody receives post; country as ISO 3166-1 alpha-2 (B-24)."""

    street = models.CharField(max_length=200, blank=True, validators=[validate_plain_text])
    postal_code = models.CharField(max_length=20, blank=True, validators=[validate_plain_text])
    city = models.CharField(max_length=120, blank=True, validators=[validate_plain_text])
    country = models.CharField(max_length=2, blank=True, validators=[validate_country])

    class Meta:
        abstract = True


@pghistory.track()
class Firm(PostalAddress):
    """Who sends the invoices (B-30, block 1). One row.

    Invariants (where each one is enforced):
      F1  there is one firm   firm_is_one
    """

    name = models.CharField(max_length=200, validators=[validate_plain_text])
    vat_id = models.CharField("VAT ID", max_length=30, blank=True)
    registration = models.CharField(max_length=120, blank=True, help_text="Court and number.")
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    bank_name = models.CharField(max_length=120, blank=True)
    iban = models.CharField("IBAN", max_length=34, blank=True, validators=[validate_iban])
    bic = models.CharField("BIC", max_length=11, blank=True, validators=[validate_bic])
    invoice_footer = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "firm"
        constraints = [models.CheckConstraint(name="firm_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class CustomerCluster(TreeNode):
    """A group of customers; rules, number schemes and approval processes are scoped by it."""

    pricing_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its place in the tree changed."
    )

    class Meta(TreeNode.Meta):
        triggers = [
            changed_at(name="cluster_pricing_changed", field="pricing_changed_at", columns=["path"])
        ]

    def get_absolute_url(self) -> str:
        return reverse("ledger:cluster-detail", args=[self.pk])


@pghistory.track()
class Customer(PostalAddress):
    """Somebody who is billed (H-CB6).

    Invariants (where each one is enforced):
      C1  the code is unique and never changes   unique, trigger customer_code_is_fixed
      C2  a frequency is at least one unit       customer_frequency_is_positive
      C3  a suspended customer has a reason      customer_suspended_has_reason
    """

    code = models.CharField(max_length=100, unique=True, validators=[validate_plain_text])
    name = models.CharField(max_length=200, validators=[validate_plain_text])
    cluster = models.ForeignKey(CustomerCluster, on_delete=models.PROTECT, related_name="customers")
    bill_from = models.DateField(help_text="The first invoice is for the period of this day.")
    frequency_count = models.PositiveSmallIntegerField(
        "one invoice every", default=1, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    frequency_unit = models.CharField(
        max_length=5, choices=FrequencyUnit.choices, default=FrequencyUnit.MONTH
    )
    align_with_calendar = models.BooleanField("align period with calendar", default=True)
    suspended = models.BooleanField("suspend billing", default=False)
    suspended_reason = models.CharField(
        max_length=200, blank=True, validators=[validate_plain_text]
    )
    time_zone = models.CharField(
        max_length=64, default="Europe/Berlin", validators=[validate_time_zone]
    )
    language = models.CharField(
        max_length=2, choices=[("en", "English"), ("de", "German")], default="en"
    )
    contact_name = models.CharField(max_length=120, blank=True, validators=[validate_plain_text])
    phone = models.CharField(max_length=40, blank=True, validators=[validate_plain_text])
    email = models.EmailField("e-mail for invoices", blank=True)
    vat_id = models.CharField("VAT ID", max_length=30, blank=True, validators=[validate_plain_text])
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    pricing_changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When the customer moved to another cluster."
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["name", "id"], name="customer_name")]
        constraints = [
            models.CheckConstraint(
                name="customer_frequency_is_positive", condition=Q(frequency_count__gte=1)
            ),
            models.CheckConstraint(
                name="customer_suspended_has_reason",
                condition=Q(suspended=False) | ~Q(suspended_reason=""),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="customer_code_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__code__df=pgtrigger.F("new__code")),
            ),
            changed_at(
                name="customer_pricing_changed",
                field="pricing_changed_at",
                columns=["cluster_id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def get_absolute_url(self) -> str:
        return reverse("ledger:customer-detail", args=[self.pk])


@pghistory.track()
class Contract(models.Model):
    """An agreement with a customer; fixes currency and payment terms.

    Invariants (where each one is enforced):
      K1  a customer has at most one default contract   contract_one_default_per_customer
      K2  the currency never changes                    trigger contract_currency_is_fixed
      K3  an end is not before the start                contract_ends_after_start
      K4  payment terms are complete                    contract_terms_are_complete
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    reference = models.CharField(max_length=60, unique=True, validators=[validate_plain_text])
    currency = models.CharField(max_length=3, validators=[validate_currency])
    terms_kind = models.CharField(
        "payment terms", max_length=12, choices=TermsKind.choices, default=TermsKind.NET_DAYS
    )
    terms_days = models.PositiveSmallIntegerField(
        "days, or day of the month",
        default=14,
        validators=[MaxValueValidator(366)],
        help_text="Days after the invoice date; or the day of the month, 1 to 31.",
    )
    terms_months = models.PositiveSmallIntegerField(
        "months later", default=0, validators=[MaxValueValidator(12)]
    )
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True, help_text="The last day is billed.")
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["reference"]
        constraints = [
            models.UniqueConstraint(
                name="contract_one_default_per_customer",
                fields=["customer"],
                condition=Q(is_default=True),
            ),
            models.CheckConstraint(
                name="contract_ends_after_start",
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
            ),
            models.CheckConstraint(
                name="contract_terms_are_complete",
                condition=Q(terms_kind=TermsKind.NET_DAYS, terms_months=0)
                | Q(terms_kind=TermsKind.DAY_OF_MONTH, terms_days__range=(1, 31)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="contract_currency_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__currency__df=pgtrigger.F("new__currency")),
            )
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("ledger:contract-detail", args=[self.pk])
