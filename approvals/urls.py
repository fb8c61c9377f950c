"""URLs of the approvals floor."""

from django.urls import path

from approvals.views import InvoiceApproveView, InvoiceRejectView

app_name = "approvals"
urlpatterns = [
    path("invoices/<int:pk>/approve/", InvoiceApproveView.as_view(), name="invoice-approve"),
    path("invoices/<int:pk>/reject/", InvoiceRejectView.as_view(), name="invoice-reject"),
]
