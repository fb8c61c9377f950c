"""Purchases on no invoice, why, and what can be done about it (H-CB5, D-46)."""

import datetime as dt
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from billing_site.web.list_parts import BulkAction, Export, QuickSearch
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing.enums import UnmappedReason
from invoicing.filters.imports import UnmappedFilter
from invoicing.models import Purchase
from invoicing.services.purchase_mapping import ROUTABLE_REASONS
from invoicing.tables.imports import UnmappedTable

EXPORT_COLUMNS = (
    Column("reference", "Reference"),
    Column("unmapped_reason", "Why"),
    Column("label", "Label"),
    Column("customer_code", "Customer code"),
    Column("product_code", "Product code"),
    Column("purchased_at", "When", Kind.DATETIME),
    Column("quantity", "Quantity", Kind.DECIMAL),
    Column("unit", "Unit"),
    Column("unit_price_override", "Own price", Kind.DECIMAL),
    Column("total_override", "Own total", Kind.DECIMAL),
    Column("currency", "Currency"),
    Column("created_at", "First seen", Kind.DATETIME),
)


def _all_rows(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.unmapped()


def _late_rows(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.unmapped().filter(unmapped_reason__in=ROUTABLE_REASONS)


MAP_AGAIN = BulkAction(
    name="map",
    label="Map again",
    permission="invoicing.map_purchase",
    job_kind="invoicing.map_purchases",
    eligible=_all_rows,
    skip_reason="They are on an invoice meanwhile.",
    icon="refresh",
    explanation="Looks for the customer, product and invoice of each again.",
)
ROUTE = BulkAction(
    name="route",
    label="Put on the open invoice",
    permission="invoicing.map_purchase",
    job_kind="invoicing.route_purchases",
    eligible=_late_rows,
    skip_reason="Only late purchases, whose period is finished or locked, can be moved on.",
    icon="file-invoice",
    explanation="Each goes on the earliest open invoice of its contract and keeps its date.",
)


def _with_reason(rows: QuerySet, reason: str) -> QuerySet:
    return rows.filter(unmapped_reason=reason)


class UnmappedListView(ListView):
    """All unmapped purchases, the newest first."""

    key = "invoicing.unmapped"
    permission_required = "invoicing.view_purchase"
    title, one, many = "Unmapped purchases", "purchase", "purchases"
    table_class = UnmappedTable
    filterset_class = UnmappedFilter
    bar_fields = ("reference", "customer_code", "product_code")
    quick_searches = tuple(
        QuickSearch(value, label, partial(_with_reason, reason=value))
        for value, label in UnmappedReason.choices
    )
    ordering = ("-pk",)
    export = Export(columns=EXPORT_COLUMNS)
    bulk_actions = (MAP_AGAIN, ROUTE)
    row_template = "invoicing/_unmapped_row.html"
    empty_title = "Everything is on an invoice"
    empty_text = "Purchases that find no invoice wait here with the reason."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return Purchase.objects.unmapped()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.defer("metadata")
