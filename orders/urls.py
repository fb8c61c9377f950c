"""URLs of the orders floor."""

from django.urls import path

from orders.views import capture, exports, lines, orders, transfers

app_name = "orders"

urlpatterns = [
    path("", orders.SalesOrderListView.as_view(), name="order-list"),
    path("new/", orders.SalesOrderCreateView.as_view(), name="order-create"),
    path("<int:pk>/", orders.SalesOrderDetailView.as_view(), name="order-detail"),
    path("<int:pk>/edit/", orders.SalesOrderUpdateView.as_view(), name="order-edit"),
    path("<int:pk>/delete/", orders.SalesOrderDeleteView.as_view(), name="order-delete"),
    path("<int:pk>/convert/", lines.OrderConvertView.as_view(), name="order-convert"),
    path("<int:pk>/data-capture/", capture.DataCaptureView.as_view(), name="data-capture"),
    path("<int:order_pk>/lines/new/", lines.LineCreateView.as_view(), name="line-create"),
    path("lines/", lines.OrderLineListView.as_view(), name="line-list"),
    path("lines/<int:pk>/edit/", lines.LineUpdateView.as_view(), name="line-edit"),
    path("lines/<int:pk>/delete/", lines.LineDeleteView.as_view(), name="line-delete"),
    path("lines/<int:pk>/unconvert/", lines.LineUnconvertView.as_view(), name="line-unconvert"),
    path("billing-export/", exports.BillingExportView.as_view(), name="billing-export"),
    path("billing-export/export/", exports.ExportCreateView.as_view(), name="export-create"),
    path("export-files/", exports.ExportFileListView.as_view(), name="export-file-list"),
    path(
        "export-files/<int:pk>/",
        exports.ExportFileDownloadView.as_view(),
        name="export-file-download",
    ),
    path("transfers/", transfers.TransferBatchListView.as_view(), name="transfer-list"),
    path("transfers/<int:pk>/", transfers.TransferDetailView.as_view(), name="transfer-detail"),
]
