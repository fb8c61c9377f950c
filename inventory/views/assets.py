"""Assets: what customers have, made by converting order lines (L-21)."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from billing_site.web.list_parts import Export, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.filters import AssetFilter
from inventory.models import Asset, BillingPlatform, CatalogueItem
from inventory.tables import AssetTable
from ledger.models import Customer

SHOWN_WITH = ("customer", "contract", "item")
ASSET_COLUMNS = (
    Column("reference", "Asset"),
    Column("customer__code", "Customer code"),
    Column("customer__name", "Customer"),
    Column("contract__reference", "Contract"),
    Column("item__code", "Item code"),
    Column("label", "Label"),
    Column("quantity", "Quantity", Kind.DECIMAL),
    Column("site", "Site"),
    Column("cli", "CLI"),
    Column("serial", "SIM or serial"),
    Column("supplier", "Network or supplier"),
    Column("upfront_route__name", "Up-front Cost Billing Route"),
    Column("recurring_route__name", "Recurring Cost Billing Route"),
    Column("starts_on", "Starts", Kind.DATE),
    Column("ends_on", "Ends", Kind.DATE),
)


class AssetListView(ListView):
    """All assets, the newest first."""

    key = "inventory.asset"
    permission_required = "inventory.view_asset"
    title, one, many = "Assets", "asset", "assets"
    table_class = AssetTable
    filterset_class = AssetFilter
    bar_fields = ("customer", "cli")
    ordering = ("-pk",)
    suggestions = {
        "customer": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
        "item": Suggestion(lambda user: CatalogueItem.objects.all(), "code", label="name"),
    }
    row_template = "inventory/_asset_row.html"
    export = Export(columns=ASSET_COLUMNS)
    empty_title = "No assets yet"
    empty_text = (
        "An asset is one piece in a customer's hands: a SIM, a line, a router. It is made by "
        "converting the line of an order."
    )

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return Asset.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related(*SHOWN_WITH, "upfront_route", "recurring_route")


class AssetDetailView(PermissionRequiredMixin, View):
    """One asset: what it is, whose, where its charges are billed, its history."""

    permission_required = "inventory.view_asset"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        rows = Asset.objects.select_related(*SHOWN_WITH, "upfront_route", "recurring_route")
        asset = get_object_or_404(rows, pk=pk)
        context = {"asset": asset, "has_routes": BillingPlatform.objects.external().exists()}
        return render(request, "inventory/asset_detail.html", context)
