"""The ledger floor for administrators: the firm and the clusters are edited, the rest is read."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from billing_site.web.admin_pages import ReadOnlyAdmin, ReferenceAdmin
from billing_site.web.edits import WordedModelForm
from ledger.errors import CLUSTER_SENTENCES
from ledger.forms import BankCodeField
from ledger.models import (
    Contract,
    ContractAccount,
    Customer,
    CustomerCluster,
    Firm,
    LedgerEntry,
    Payment,
)
from ledger.validators import validate_plain_text


class TreeNodeForm(WordedModelForm):
    """A node keeps out of its own subtree."""

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        validate_plain_text(name)
        return name

    def clean_parent(self) -> Any:
        parent = self.cleaned_data["parent"]
        if parent is not None and self.instance.pk and self.instance.pk in parent.path:
            raise forms.ValidationError(
                f"{self.instance.name} cannot be placed below itself; choose another parent, or "
                "none."
            )
        return parent


class FirmForm(WordedModelForm):
    class Meta:
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {
            "iban": BankCodeField,
            "bic": BankCodeField,
        }


@admin.register(Firm)
class FirmAdmin(ReferenceAdmin):
    form = FirmForm
    list_display = ("name", "city", "country", "vat_id", "email")
    fieldsets = (
        (None, {"fields": ("name", ("street", "postal_code"), ("city", "country"))}),
        ("Registration", {"fields": ("vat_id", "registration")}),
        ("Contact", {"fields": ("email", "phone")}),
        ("Bank", {"fields": ("bank_name", ("iban", "bic"))}),
        ("On invoices", {"fields": ("invoice_footer",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Firm.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Firm, form: Any, change: bool) -> None:
        obj.pk = 1  # there is one firm
        super().save_model(request, obj, form, change)


@admin.register(CustomerCluster)
class CustomerClusterAdmin(ReferenceAdmin):
    form = TreeNodeForm
    sentences = CLUSTER_SENTENCES
    list_display = ("name", "parent", "depth")
    list_select_related = ("parent",)
    search_fields = ("name",)
    ordering = ("name",)
    autocomplete_fields = ("parent",)
    fields = ("name", "parent")


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "cluster", "bill_from", "suspended")
    list_select_related = ("cluster",)
    list_filter = ("suspended", "frequency_unit", "language")
    search_fields = ("code", "name")
    ordering = ("name", "id")


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin):
    list_display = ("reference", "customer", "currency", "is_default", "starts_on", "ends_on")
    list_select_related = ("customer",)
    list_filter = ("is_default", "terms_kind")
    search_fields = ("reference", "customer__code", "customer__name")


@admin.register(ContractAccount)
class ContractAccountAdmin(ReadOnlyAdmin):
    list_display = ("contract", "customer", "currency", "balance", "last_sequence", "credit_limit")
    list_select_related = ("contract__customer",)
    search_fields = ("contract__reference", "contract__customer__code")
    ordering = ("id",)

    @admin.display(ordering="contract__customer__name")
    def customer(self, account: ContractAccount) -> str:
        return str(account.contract.customer)

    @admin.display(ordering="contract__currency")
    def currency(self, account: ContractAccount) -> str:
        return account.contract.currency


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "contract",
        "sequence",
        "type",
        "description",
        "amount",
        "balance",
        "currency",
        "booking_date",
    )
    list_select_related = ("account__contract",)
    list_filter = ("type",)
    search_fields = ("=account__contract__reference", "=document_number", "=fact")
    search_help_text = "The whole reference of a contract, number of a document, or fact."
    ordering = ("-id",)

    @admin.display()
    def contract(self, entry: LedgerEntry) -> str:
        return entry.account.contract.reference


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "contract", "method", "amount", "booking_date", "status")
    list_select_related = ("account__contract",)
    list_filter = ("method", "status")
    search_fields = ("=account__contract__reference", "=transaction_reference")
    search_help_text = "The whole reference of a contract or of a transaction."
    ordering = ("-id",)

    @admin.display()
    def contract(self, payment: Payment) -> str:
        return payment.account.contract.reference
