"""Customer clusters: the tree in the side bar, and the customers of one cluster (CB-51)."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from billing_site.web.keyset import Cut, cut_page, total_order
from ledger import selectors
from ledger.models import Customer, CustomerCluster
from ledger.views.customers import with_balances

CUSTOMERS_OF_A_PAGE = 25


class ClusterListView(PermissionRequiredMixin, View):
    """Opens the first root of the tree; says so when there is no cluster."""

    permission_required = "ledger.view_customercluster"

    def get(self, request: HttpRequest) -> HttpResponse:
        first = CustomerCluster.objects.as_tree().first()
        if first is None:
            return render(request, "ledger/cluster_detail.html", {"cluster": None, "tree": []})
        return redirect(first)


class ClusterDetailView(PermissionRequiredMixin, View):
    permission_required = "ledger.view_customercluster"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        cluster = get_object_or_404(CustomerCluster.objects.select_related("parent"), pk=pk)
        cut = Cut(
            request.GET.get("after", ""),
            request.GET.get("before", ""),
            request.GET.get("last") == "1",
        )
        may_see_customers = request.user.has_perm("ledger.view_customer")
        customers = Customer.objects.in_cluster(cluster.pk)
        page = cut_page(
            with_balances(customers if may_see_customers else customers.none()),
            total_order(Customer, ["name"]),
            CUSTOMERS_OF_A_PAGE,
            cut,
        )
        tree = selectors.cluster_tree(around=cluster)
        by_id = {node.cluster.pk: node.cluster for node in tree}
        context = {
            "cluster": cluster,
            "tree": tree,
            "node": next(node for node in tree if node.cluster.pk == cluster.pk),
            "above": [by_id[above] for above in cluster.path[:-1]],
            "page": page,
        }
        return render(request, "ledger/cluster_detail.html", context)
