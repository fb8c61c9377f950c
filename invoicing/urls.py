"""URLs of the invoicing floor."""

from django.urls import path

from invoicing.views.decisions import InvoiceCloseView, InvoiceRecalculateView
from invoicing.views.documents import InvoiceOrderPdfView, InvoicePdfView, InvoicePreviewView
from invoicing.views.imports import (
    ImportCheckView,
    ImportCommitView,
    ImportDetailView,
    ImportDiscardView,
    ImportListView,
    ImportMappingView,
    ImportSampleView,
    ImportUploadView,
)
from invoicing.views.invoices import InvoiceListView
from invoicing.views.purchases import PurchaseDetailView, PurchaseListView
from invoicing.views.rule_forms import RuleCreateView, RuleDeleteView, RuleEditView, RuleEndView
from invoicing.views.rules import RuleDetailView, RuleListView
from invoicing.views.subscriptions import SubscriptionListView
from invoicing.views.unmapped import PurchaseMapView, PurchaseRouteView, UnmappedListView
from invoicing.views.viewer import (
    InvoiceDocumentView,
    InvoiceHistoryView,
    InvoiceItemsView,
    InvoiceResultsView,
    ResultPurchasesView,
)

app_name = "invoicing"

invoice_urls = [
    path("invoices/", InvoiceListView.as_view(), name="invoice-list"),
    path("invoices/<int:pk>/", InvoiceDocumentView.as_view(), name="invoice-detail"),
    path("invoices/<int:pk>/items/", InvoiceItemsView.as_view(), name="invoice-items"),
    path("invoices/<int:pk>/results/", InvoiceResultsView.as_view(), name="invoice-results"),
    path("invoices/<int:pk>/history/", InvoiceHistoryView.as_view(), name="invoice-history"),
    path(
        "invoices/<int:pk>/results/<int:item_id>/purchases/",
        ResultPurchasesView.as_view(),
        name="result-purchases",
    ),
]

document_urls = [
    path("invoices/<int:pk>/pdf/", InvoicePdfView.as_view(), name="invoice-pdf"),
    path("invoices/<int:pk>/pdf/order/", InvoiceOrderPdfView.as_view(), name="invoice-order-pdf"),
    path("invoices/<int:pk>/preview/", InvoicePreviewView.as_view(), name="invoice-preview"),
]

decision_urls = [
    path("invoices/<int:pk>/close/", InvoiceCloseView.as_view(), name="invoice-close"),
    path(
        "invoices/<int:pk>/recalculate/",
        InvoiceRecalculateView.as_view(),
        name="invoice-recalculate",
    ),
]

purchase_urls = [
    path("purchases/", PurchaseListView.as_view(), name="purchase-list"),
    path("purchases/<int:pk>/", PurchaseDetailView.as_view(), name="purchase-detail"),
    path("purchases/<int:pk>/map/", PurchaseMapView.as_view(), name="purchase-map"),
    path("purchases/<int:pk>/route/", PurchaseRouteView.as_view(), name="purchase-route"),
    path("purchases/unmapped/", UnmappedListView.as_view(), name="unmapped-list"),
    path("subscriptions/", SubscriptionListView.as_view(), name="subscription-list"),
]

import_urls = [
    path("imports/", ImportListView.as_view(), name="import-list"),
    path("imports/new/", ImportUploadView.as_view(), name="import-upload"),
    path("imports/sample/", ImportSampleView.as_view(), name="import-sample"),
    path("imports/<int:pk>/", ImportDetailView.as_view(), name="import-detail"),
    path("imports/<int:pk>/mapping/", ImportMappingView.as_view(), name="import-mapping"),
    path("imports/<int:pk>/check/", ImportCheckView.as_view(), name="import-check"),
    path("imports/<int:pk>/commit/", ImportCommitView.as_view(), name="import-commit"),
    path("imports/<int:pk>/discard/", ImportDiscardView.as_view(), name="import-discard"),
]

rule_urls = [
    path("rules/", RuleListView.as_view(), name="rule-list"),
    path("rules/new/", RuleCreateView.as_view(), name="rule-create"),
    path("rules/<int:pk>/", RuleDetailView.as_view(), name="rule-detail"),
    path("rules/<int:pk>/edit/", RuleEditView.as_view(), name="rule-edit"),
    path("rules/<int:pk>/end/", RuleEndView.as_view(), name="rule-end"),
    path("rules/<int:pk>/delete/", RuleDeleteView.as_view(), name="rule-delete"),
]

urlpatterns = [
    *invoice_urls,
    *document_urls,
    *decision_urls,
    *purchase_urls,
    *import_urls,
    *rule_urls,
]
