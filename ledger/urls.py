"""URLs of the ledger floor."""

from django.urls import path

from ledger.views import clusters, contracts, customers, entries

app_name = "ledger"
urlpatterns = [
    path("customers/", customers.CustomerListView.as_view(), name="customer-list"),
    path("customers/new/", customers.CustomerCreateView.as_view(), name="customer-create"),
    path("customers/<int:pk>/", customers.CustomerDetailView.as_view(), name="customer-detail"),
    path("customers/<int:pk>/edit/", customers.CustomerUpdateView.as_view(), name="customer-edit"),
    path(
        "customers/<int:pk>/suspend/",
        customers.CustomerSuspendView.as_view(),
        name="customer-suspend",
    ),
    path(
        "customers/<int:pk>/resume/", customers.CustomerResumeView.as_view(), name="customer-resume"
    ),
    path(
        "customers/<int:customer_pk>/contracts/new/",
        contracts.ContractCreateView.as_view(),
        name="contract-create",
    ),
    path("contracts/<int:pk>/", contracts.ContractDetailView.as_view(), name="contract-detail"),
    path("contracts/<int:pk>/edit/", contracts.ContractUpdateView.as_view(), name="contract-edit"),
    path("contracts/<int:pk>/ledger.json", contracts.LedgerJsonView.as_view(), name="ledger-json"),
    path(
        "contracts/<int:pk>/payments/new/",
        contracts.PaymentCreateView.as_view(),
        name="payment-create",
    ),
    path("entries/", entries.LedgerEntryListView.as_view(), name="entry-list"),
    path("clusters/", clusters.ClusterListView.as_view(), name="cluster-list"),
    path("clusters/<int:pk>/", clusters.ClusterDetailView.as_view(), name="cluster-detail"),
]
