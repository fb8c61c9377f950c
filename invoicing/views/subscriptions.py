"""Recurring charges that were picked up from sales orders and wait for the invoice runs (D-10)."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone

from billing_site.kernel.periods import local_date
from billing_site.web.list_parts import Export, QuickSearch, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.models import CatalogueItem
from invoicing.filters.subscriptions import SubscriptionItemFilter
from invoicing.models import SubscriptionItem
from invoicing.tables.subscriptions import SubscriptionItemTable
from ledger.models import Contract, Customer


def _in_force(rows: QuerySet) -> QuerySet:
    return rows.in_force(local_date(timezone.now(), settings.TIME_ZONE))


def _ended(rows: QuerySet) -> QuerySet:
    return rows.ended(local_date(timezone.now(), settings.TIME_ZONE))


def _exported(row: SubscriptionItem) -> tuple[Any, ...]:
    contract = row.subscription.contract
    return (
        contract.customer.code,
        contract.customer.name,
        contract.reference,
        row.subscription.name,
        row.item.code,
        row.label,
        row.asset.reference,
        row.asset.cli,
        row.quantity,
        row.unit_price,
        contract.currency,
        row.billing_months,
        row.starts_on,
        row.ends_on,
        row.order_line.order.number,
        row.order_line.position,
    )


class SubscriptionListView(ListView):
    """All recurring charges that are billed here, the newest first."""

    key = "invoicing.subscription"
    permission_required = "invoicing.view_subscriptionitem"
    title, one, many = "Subscriptions", "recurring charge", "recurring charges"
    table_class = SubscriptionItemTable
    filterset_class = SubscriptionItemFilter
    bar_fields = ("customer_code", "order", "cli")
    quick_searches = (
        QuickSearch("in_force", "In force", _in_force),
        QuickSearch("ended", "Ended", _ended),
    )
    ordering = ("-id",)
    suggestions = {
        "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
        "item_code": Suggestion(lambda user: CatalogueItem.objects.all(), "code", label="name"),
        "contract_reference": Suggestion(
            lambda user: Contract.objects.all(), "reference", label="customer__name"
        ),
    }
    export = Export(
        columns=(
            Column("customer_code", "Customer code"),
            Column("customer", "Customer"),
            Column("contract", "Contract"),
            Column("subscription", "Subscription"),
            Column("item_code", "Item code"),
            Column("label", "Charge"),
            Column("asset", "Asset"),
            Column("cli", "CLI"),
            Column("quantity", "Quantity", Kind.DECIMAL),
            Column("unit_price", "Unit price", Kind.DECIMAL),
            Column("currency", "Currency"),
            Column("billing_months", "Billing period in months", Kind.INTEGER),
            Column("starts_on", "Billed from", Kind.DATE),
            Column("ends_on", "Billed to", Kind.DATE),
            Column("order", "Order"),
            Column("position", "Line", Kind.INTEGER),
        ),
        values=_exported,
    )
    row_template = "invoicing/_subscription_row.html"
    empty_title = "No recurring charges yet"
    empty_text = (
        "Recurring charges of converted order lines that are not billed on another platform come "
        "here within minutes, once they are ready to bill."
    )

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return SubscriptionItem.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related(
            "subscription__contract__customer", "item", "asset", "order_line__order"
        )
