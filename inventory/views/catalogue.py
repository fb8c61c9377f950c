"""The catalogue: items with their prices and billing routes, and the tree of categories."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.web.edits import EditIsStale, version_of
from billing_site.web.keyset import Cut, cut_page, total_order
from billing_site.web.list_parts import Export, QuickSearch
from billing_site.web.list_queries import ListQuery
from billing_site.web.lists import ListView
from inventory import selectors, services
from inventory.filters import CatalogueItemFilter
from inventory.forms import CatalogueItemForm
from inventory.imports.columns import EXPORT_COLUMNS, exported
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from inventory.tables import CatalogueItemTable

ITEMS = CatalogueItem.objects.select_related("category", "upfront_route", "recurring_route")
ITEMS_OF_A_PAGE = 25


class CatalogueItemListView(ListView):
    key = "inventory.item"
    permission_required = "inventory.view_catalogueitem"
    title, one, many = "Catalogue", "item", "items"
    table_class = CatalogueItemTable
    filterset_class = CatalogueItemFilter
    bar_fields = ("search", "category")
    quick_searches = (
        QuickSearch("active", "Active", lambda rows: rows.active()),
        QuickSearch("without_price", "Without a price", lambda rows: rows.without_price()),
        QuickSearch("inactive", "Inactive", lambda rows: rows.inactive()),
    )
    ordering = ("code",)
    row_template = "inventory/_item_row.html"
    template_name = "inventory/item_list.html"
    export = Export(columns=EXPORT_COLUMNS, values=exported)
    empty_title = "The catalogue is empty"
    empty_text = (
        "An item is what purchases name by its code: a product or a service, with its prices, its "
        "costs and the category that pricing rules follow."
    )

    @classmethod
    def scoped(cls, user) -> QuerySet:
        return CatalogueItem.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("category", "upfront_route", "recurring_route")

    def extra_context(self, query: ListQuery) -> dict[str, Any]:
        return {"has_routes": BillingPlatform.objects.external().exists()}


class CatalogueItemDetailView(PermissionRequiredMixin, View):
    permission_required = "inventory.view_catalogueitem"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        item = get_object_or_404(ITEMS, pk=pk)
        context = {
            "item": item,
            "above": ProductCategory.objects.filter(pk__in=item.category.path).as_tree(),
            "has_routes": BillingPlatform.objects.external().exists(),
        }
        return render(request, "inventory/item_detail.html", context)


class CatalogueItemCreateView(PermissionRequiredMixin, View):
    permission_required = "inventory.add_catalogueitem"

    def get(self, request: HttpRequest) -> HttpResponse:
        return _item_page(request, CatalogueItemForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CatalogueItemForm(request.POST)
        if not form.is_valid():
            return _item_page(request, form, status=422)
        try:
            item = services.create_item(fields=form.entries)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _item_page(request, form, status=422)
        messages.success(request, f"{item.name} is in the catalogue.")
        return redirect(item)


class CatalogueItemUpdateView(PermissionRequiredMixin, View):
    permission_required = "inventory.change_catalogueitem"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = version_of(CatalogueItem(pk=pk))
        item = get_object_or_404(ITEMS, pk=pk)
        return _item_page(request, CatalogueItemForm(instance=item, version=version), item)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        item = get_object_or_404(ITEMS, pk=pk)
        form = CatalogueItemForm(request.POST, instance=get_object_or_404(CatalogueItem, pk=pk))
        if not form.is_valid():
            return _item_page(request, form, item, status=422)
        try:
            item = services.update_item(
                item_id=pk, fields=form.entries, version=form.cleaned_data["version"] or 0
            )
        except EditIsStale as stale:
            form.add_refusal(stale)
            form.with_version(version_of(item))
            return _item_page(request, form, item, status=409)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _item_page(request, form, item, status=422)
        messages.success(request, f"{item.name} is changed.")
        return redirect(item)


def _item_page(
    request: HttpRequest, form: Any, item: CatalogueItem | None = None, *, status: int = 200
) -> HttpResponse:
    return render(request, "inventory/item_form.html", {"form": form, "item": item}, status=status)


class CategoryListView(PermissionRequiredMixin, View):
    """Opens the first root of the tree; says so when there is no category."""

    permission_required = "inventory.view_productcategory"

    def get(self, request: HttpRequest) -> HttpResponse:
        first = ProductCategory.objects.as_tree().first()
        if first is None:
            context: dict[str, object] = {"category": None, "tree": []}
            return render(request, "inventory/category_detail.html", context)
        return redirect("inventory:category-detail", pk=first.pk)


class CategoryDetailView(PermissionRequiredMixin, View):
    permission_required = "inventory.view_productcategory"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        category = get_object_or_404(ProductCategory, pk=pk)
        cut = Cut(
            request.GET.get("after", ""),
            request.GET.get("before", ""),
            request.GET.get("last") == "1",
        )
        items = CatalogueItem.objects.in_category(category.pk)
        may_see_items = request.user.has_perm("inventory.view_catalogueitem")
        page = cut_page(
            CatalogueItemListView.displayed(items if may_see_items else items.none()),
            total_order(CatalogueItem, ["code"]),
            ITEMS_OF_A_PAGE,
            cut,
        )
        tree = selectors.category_tree(around=category)
        by_id = {node.category.pk: node for node in tree}
        context = {
            "category": category,
            "tree": tree,
            "node": by_id[category.pk],
            "above": [by_id[above].category for above in category.path[:-1]],
            "page": page,
        }
        return render(request, "inventory/category_detail.html", context)
