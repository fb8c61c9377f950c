"""Purchases on no invoice: by reason, and how to get them onto one (H-CB5, D-46)."""

import datetime as dt
from abc import ABC, abstractmethod

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views import View

from billing_site.web.list_parts import BulkAction, Export, QuickSearch, Totals
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing import tasks
from invoicing.enums import UnmappedReason
from invoicing.filters.purchases import PurchaseFilter
from invoicing.models import Purchase
from invoicing.services import purchase_mapping
from invoicing.services.purchase_mapping import ROUTABLE_REASONS, MappingOutcome
from invoicing.tables.unmapped import UnmappedTable
from invoicing.views.purchases import PURCHASE_SUGGESTIONS


def _all_unmapped(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.unmapped()


def _routable(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.unmapped().filter(unmapped_reason__in=ROUTABLE_REASONS)


MAP_AGAIN = BulkAction(
    name="map",
    label="Map again",
    permission="invoicing.map_purchase",
    job_kind="invoicing.map_purchases",
    eligible=_all_unmapped,
    skip_reason="Some of them are on an invoice meanwhile.",
    icon="refresh",
    explanation="Each purchase looks for its customer, product, contract and invoice once more. "
    "What still finds none stays here with its reason.",
)
ROUTE = BulkAction(
    name="route",
    label="Put on the earliest open invoice",
    permission="invoicing.map_purchase",
    job_kind="invoicing.route_purchases",
    eligible=_routable,
    skip_reason="Only purchases whose invoice is in approval or finished can be moved on.",
    icon="link",
    explanation="Each late purchase goes onto the earliest invoice of its contract that is still "
    "open. Its service date stays.",
)


def _of_reason(reason: UnmappedReason) -> QuickSearch:
    def keep(rows: QuerySet) -> QuerySet:
        return rows.filter(unmapped_reason=reason)

    return QuickSearch(reason.value, reason.label, keep)


class UnmappedListView(ListView):
    """All purchases that are on no invoice, the newest first."""

    key = "invoicing.unmapped"
    permission_required = "invoicing.view_purchase"
    title, one, many = "Unmapped purchases", "purchase", "purchases"
    table_class = UnmappedTable
    filterset_class = PurchaseFilter
    bar_fields = ("reference", "customer_code", "product_code")
    quick_searches = tuple(_of_reason(reason) for reason in UnmappedReason)
    ordering = ("-purchased_at",)
    totals = Totals("currency", {"total_override": "total_override"})
    suggestions = PURCHASE_SUGGESTIONS
    bulk_actions = (MAP_AGAIN, ROUTE)
    export = Export(
        columns=(
            Column("reference", "Reference"),
            Column("reason", "Unmapped because"),
            Column("customer_code", "Customer code"),
            Column("product_code", "Product code"),
            Column("label", "Label"),
            Column("quantity", "Quantity", Kind.DECIMAL),
            Column("unit", "Unit"),
            Column("total_override", "Stated total", Kind.MONEY),
            Column("currency", "Currency"),
            Column("purchased_at", "When", Kind.DATETIME),
            Column("created_at", "First seen", Kind.DATETIME),
        ),
        values=lambda row: (
            row.reference,
            row.get_unmapped_reason_display(),
            row.customer_code,
            row.product_code,
            row.label,
            row.quantity,
            row.unit,
            row.total_override,
            row.currency,
            row.purchased_at,
            row.created_at,
        ),
        currency="currency",
    )
    template_name = "invoicing/unmapped_list.html"
    row_template = "invoicing/_unmapped_row.html"
    empty_title = "Every purchase is on an invoice"
    empty_text = "Purchases that find no customer, product or invoice wait here with the reason."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return Purchase.objects.unmapped()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.defer("metadata")


class PurchaseMoveView(PermissionRequiredMixin, View, ABC):
    """One purchase: look again, or put it on the earliest open invoice."""

    permission_required = "invoicing.map_purchase"
    http_method_names = ["post"]

    @abstractmethod
    def outcome(self, pk: int) -> MappingOutcome:
        """One call of a service; where the purchase is now."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        purchase = get_object_or_404(Purchase, pk=pk)
        outcome = self.outcome(pk)
        if outcome.reason:
            messages.warning(
                request, f"{purchase.reference} stays unmapped: {outcome.refusal.lower()}."
            )
        else:
            tasks.enqueue_pending()
            messages.success(request, f"{purchase.reference} is on an invoice now.")
        back = request.POST.get("back", "")
        return redirect("invoicing:unmapped-list" if back == "list" else purchase)


class PurchaseMapView(PurchaseMoveView):
    def outcome(self, pk: int) -> MappingOutcome:
        return purchase_mapping.map_purchases(purchase_ids=[pk])[0]


class PurchaseRouteView(PurchaseMoveView):
    def outcome(self, pk: int) -> MappingOutcome:
        return purchase_mapping.route_purchases(purchase_ids=[pk])[0]
