"""URLs of the invoicing floor."""

from django.urls import path

from invoicing.views.invoices import InvoiceListView
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

urlpatterns = [*invoice_urls]
