"""The invoice viewer (CB-68..CB-78): header, the document, its items, and how they came about."""

from typing import Any

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.views.generic import DetailView, TemplateView

from invoicing.enums import InvoiceItemKind, InvoiceStatus, ResultStatus
from invoicing.models import Invoice, InvoiceItem
from invoicing.selectors.results import purchases_behind, result_tree

PURCHASES_SHOWN = 50


class ViewerPage(PermissionRequiredMixin, DetailView):
    """What every tab of the viewer shows: the header (CB-70)."""

    permission_required = "invoicing.view_invoice"
    context_object_name = "invoice"
    tab = ""

    def get_queryset(self) -> QuerySet[Invoice]:
        related = ("customer__cluster", "contract__account", "ledger_entry")
        return Invoice.objects.select_related(*related).with_period_past()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        purchases = self.object.purchases.count()
        return super().get_context_data(**kwargs, tab=self.tab, purchase_count=purchases)


class InvoiceDocumentView(ViewerPage):
    """The invoice as the customer will see it: the PDF when there is one, else a live preview."""

    template_name = "invoicing/invoice_document.html"
    tab = "document"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        result = self.object.results.filter(transformation="invoice-pdf").first()
        has_pdf = result is not None and result.status == ResultStatus.COMPLETED
        wants_preview = self.request.GET.get("show") == "preview"
        return super().get_context_data(
            **kwargs, result=result, has_pdf=has_pdf, show_pdf=has_pdf and not wants_preview
        )


class InvoiceItemsView(ViewerPage):
    """Details: the raw list of all invoice items (CB-73)."""

    template_name = "invoicing/invoice_items.html"
    tab = "items"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        items = self.object.items.select_related("rule", "item").order_by("position")
        page = Paginator(items, 200).get_page(self.request.GET.get("page"))
        return super().get_context_data(**kwargs, page=page)


class InvoiceResultsView(ViewerPage):
    """Pricing rule results as a tree; purchases are loaded when a branch is opened (CB-74)."""

    template_name = "invoicing/invoice_results.html"
    tab = "results"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, tree=result_tree(self.object))


REVIEWED = (InvoiceStatus.APPROVING, InvoiceStatus.APPROVED)


class InvoiceHistoryView(ViewerPage):
    """Who decided what and when."""

    template_name = "invoicing/invoice_history.html"
    tab = "history"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        was_reviewed = self.object.status in REVIEWED
        return super().get_context_data(**kwargs, was_reviewed=was_reviewed)


class ResultPurchasesView(PermissionRequiredMixin, TemplateView):
    """The purchases behind one result, a page at a time, as a part of the tree."""

    permission_required = ("invoicing.view_invoice", "invoicing.view_purchase")
    template_name = "invoicing/_result_purchases.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        item = get_object_or_404(
            InvoiceItem.objects.select_related("invoice", "item"),
            pk=kwargs["item_id"],
            invoice_id=kwargs["pk"],
            kind=InvoiceItemKind.PRICE,
        )
        page = Paginator(purchases_behind(item), PURCHASES_SHOWN).get_page(
            self.request.GET.get("page")
        )
        return super().get_context_data(**kwargs, item=item, page=page)
