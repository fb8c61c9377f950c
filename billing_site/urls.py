"""Every URL of the product; each app owns its own list."""

from django.contrib import admin
from django.urls import include, path

handler400 = "billing_site.web.views.bad_request"
handler500 = "billing_site.web.views.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("billing_site.web.urls")),
    path("ledger/", include("ledger.urls")),
    path("inventory/", include("inventory.urls")),
    path("orders/", include("orders.urls")),
    path("invoicing/", include("invoicing.urls")),
    path("approvals/", include("approvals.urls")),
]
