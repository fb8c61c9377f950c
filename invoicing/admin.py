"""The invoicing floor for administrators: number schemes are edited, the rest is read."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError

from billing_site.kernel.errors import DomainError
from billing_site.kernel.numbers import NumberFormat
from billing_site.web.admin_pages import ReadOnlyAdmin, ReferenceAdmin
from billing_site.web.edits import WordedModelForm
from invoicing.models import (
    ImportBatch,
    Invoice,
    InvoiceItem,
    NumberCounter,
    NumberScheme,
    PriceTier,
    PricingRule,
    Purchase,
    TransformationResult,
)

SCHEME_SENTENCES = {
    "invoicing_numberscheme_name_key": (
        "name",
        "Another scheme has this name already; names are unique. Give another one.",
    ),
    "invoicing_numberscheme_customer_cluster_id_key": (
        "customer_cluster",
        "This cluster has a scheme already; change that one.",
    ),
    "scheme_one_default": (
        "customer_cluster",
        "There is a scheme for all customers already; choose a cluster for this one.",
    ),
    "scheme_first_number_is_positive": ("first_number", "Numbers begin at 1 or above."),
}


class NumberSchemeForm(WordedModelForm):
    """A format that would repeat numbers is refused (H-CB11)."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        text, reset = data.get("format"), data.get("reset")
        if not text or not reset:
            return data
        try:
            NumberFormat.parse(text, reset)
        except DomainError as refusal:
            raise ValidationError({"format": str(refusal)}) from refusal
        if self.instance.pk and self.has_changed():
            self._refuse_repeats(data)
        return data

    def _refuse_repeats(self, data: dict[str, Any]) -> None:
        """Numbers that were handed out may not be handed out again."""
        if not {"reset", "first_number"} & set(self.changed_data):
            return
        if NumberCounter.objects.filter(scheme=self.instance, last_number__gt=0).exists():
            field = "reset" if "reset" in self.changed_data else "first_number"
            raise ValidationError(
                {
                    field: "Numbers of this scheme are on invoices already, so where it begins is "
                    "fixed. Make another scheme for a cluster, or change the format only."
                }
            )


@admin.register(NumberScheme)
class NumberSchemeAdmin(ReferenceAdmin):
    form = NumberSchemeForm
    sentences = SCHEME_SENTENCES
    list_display = ("name", "format", "reset", "date_source", "customer_cluster")
    list_select_related = ("customer_cluster",)
    search_fields = ("name",)
    autocomplete_fields = ("customer_cluster",)


@admin.register(NumberCounter)
class NumberCounterAdmin(ReadOnlyAdmin):
    list_display = ("scheme", "key", "last_number")
    list_select_related = ("scheme",)
    ordering = ("scheme", "key")


class PriceTierInline(admin.TabularInline):
    model = PriceTier
    extra = 0
    can_delete = False

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(PricingRule)
class PricingRuleAdmin(ReadOnlyAdmin):
    """To look at; rules are changed on their own pages, which say what they concern."""

    list_display = ("name", "operator", "product_category", "customer_cluster", "order")
    list_select_related = ("product_category", "customer_cluster")
    list_filter = ("operator",)
    search_fields = ("name",)
    inlines = (PriceTierInline,)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "number",
        "customer",
        "period_from",
        "period_to",
        "status",
        "gross_total",
        "currency",
    )
    list_select_related = ("customer",)
    list_filter = ("status", "type")
    search_fields = ("=number", "=reference", "=customer__code")
    search_help_text = "The whole number, reference, or code of the customer."
    ordering = ("-id",)


@admin.register(InvoiceItem)
class InvoiceItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "position", "kind", "label", "quantity", "amount")
    list_select_related = ("invoice",)
    list_filter = ("kind",)
    search_fields = ("=invoice__number",)
    search_help_text = "The whole number of the invoice."
    ordering = ("-id",)


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "customer_code",
        "product_code",
        "quantity",
        "purchased_at",
        "unmapped_reason",
    )
    list_filter = ("unmapped_reason",)
    search_fields = ("=reference",)
    search_help_text = "The whole reference."
    ordering = ("-id",)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ("filename", "owner", "status", "rows_new", "rows_changed", "created_at")
    list_select_related = ("owner",)
    list_filter = ("status",)
    search_fields = ("filename",)


@admin.register(TransformationResult)
class TransformationResultAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "transformation", "status", "attempts", "processed_at")
    list_select_related = ("invoice",)
    list_filter = ("status", "transformation")
    search_fields = ("=invoice__number",)
