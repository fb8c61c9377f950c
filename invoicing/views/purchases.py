"""Purchases: the list and the page of one (H-CB4)."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.views.generic import DetailView

from billing_site.web.list_parts import Export, QuickSearch, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.models import CatalogueItem
from invoicing.filters.purchases import PurchaseFilter
from invoicing.models import ImportBatch, Invoice, Purchase
from invoicing.tables.purchases import PurchaseTable
from ledger.models import Customer

# A row of purchases needs only the names of what it points to.
SHOWN_OF_OTHERS = (
    "customer__code",
    "customer__name",
    "item__code",
    "item__name",
    "invoice__number",
    "invoice__reference",
    "invoice__status",
)
EXPORT_COLUMNS = (
    Column("reference", "Reference"),
    Column("purchased_at", "When", Kind.DATETIME),
    Column("purchased_on", "Day at the customer", Kind.DATE),
    Column("ended_at", "Ended", Kind.DATETIME),
    Column("customer_code", "Customer code"),
    Column("customer__name", "Customer"),
    Column("product_code", "Product code"),
    Column("item__name", "Product"),
    Column("label", "Label"),
    Column("quantity", "Quantity", Kind.DECIMAL),
    Column("metered_quantity", "Quantity counted", Kind.DECIMAL),
    Column("unit", "Unit"),
    Column("unit_price_override", "Own price", Kind.DECIMAL),
    Column("total_override", "Own total", Kind.MONEY),
    Column("cost_override", "Own cost", Kind.MONEY),
    Column("currency", "Currency"),
    Column("invoice_id", "Invoice ID", Kind.INTEGER),
    Column("invoice__number", "Invoice number"),
    Column("invoice_reference", "Invoice reference"),
    Column("get_unmapped_reason_display", "Unmapped because"),
)
PURCHASE_SUGGESTIONS = {
    "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
    "product_code": Suggestion(lambda user: CatalogueItem.objects.all(), "code", label="name"),
    "invoice_number": Suggestion(
        lambda user: Invoice.objects.filter(number__isnull=False), "number"
    ),
    "import_file": Suggestion(lambda user: ImportBatch.objects.all(), "filename"),
}


def _export_values(purchase: Purchase) -> list[Any]:
    return [_value(purchase, column.key) for column in EXPORT_COLUMNS]


def _value(purchase: Purchase, path: str) -> Any:
    if path == "get_unmapped_reason_display":
        return purchase.get_unmapped_reason_display()
    value: Any = purchase
    for name in path.split("__"):
        value = getattr(value, name) if value is not None else None
    return value


class PurchaseListView(ListView):
    """All purchases, the most recent first; on an invoice or with the reason why not."""

    key = "invoicing.purchase"
    permission_required = "invoicing.view_purchase"
    title, one, many = "Purchases", "purchase", "purchases"
    table_class = PurchaseTable
    filterset_class = PurchaseFilter
    bar_fields = ("reference", "customer_code", "product_code")
    quick_searches = (
        QuickSearch("mapped", "Mapped", lambda rows: rows.mapped()),
        QuickSearch("unmapped", "Unmapped", lambda rows: rows.unmapped()),
    )
    ordering = ("-purchased_at",)
    suggestions = PURCHASE_SUGGESTIONS
    export = Export(columns=EXPORT_COLUMNS, values=_export_values, currency="currency")
    row_template = "invoicing/_purchase_row.html"
    empty_title = "No purchases yet"
    empty_text = "Import a file of usage or charges; each row becomes a purchase."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return Purchase.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        own = [
            field.attname for field in Purchase._meta.concrete_fields if field.name != "metadata"
        ]
        return rows.select_related("customer", "item", "invoice").only(*own, *SHOWN_OF_OTHERS)


class PurchaseDetailView(PermissionRequiredMixin, DetailView):
    """Everything known about one purchase, and what happened to it."""

    permission_required = "invoicing.view_purchase"
    template_name = "invoicing/purchase_detail.html"
    context_object_name = "purchase"

    def get_queryset(self) -> QuerySet[Purchase]:
        related = ("customer", "contract", "item__category", "invoice", "import_batch__owner")
        return Purchase.objects.select_related(*related).defer("invoice__document_data")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        metadata = self.object.metadata
        pairs = sorted(metadata.items()) if isinstance(metadata, dict) else []
        return super().get_context_data(**kwargs, metadata=pairs)
