"""Transfers to Billing: the list, and what each one moved (L-41, X-11)."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from billing_site.web.list_parts import Export
from billing_site.web.list_queries import ListQuery
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from orders.enums import Track
from orders.filters.billing import TransferBatchFilter, TransferredTrackFilter
from orders.jobs import PERMISSION
from orders.models import BillStatusEvent, TransferBatch
from orders.tables.billing import TransferBatchTable, TransferredTrackTable
from orders.tables.billing_cells import transferred_cells


def _counted(path: str, *, distinct: bool = False) -> Coalesce:
    """How many lines or charges a batch moved; counted for the rows of one page only."""
    events = BillStatusEvent.objects.filter(batch=OuterRef("pk")).order_by().values("batch")
    return Coalesce(Subquery(events.values(n=Count(path, distinct=distinct))), 0)


class TransferBatchListView(ListView):
    """Every Transfer to Billing, the newest first."""

    key = "orders.transfer_batch"
    permission_required = PERMISSION
    title, one, many = "Transfers to Billing", "transfer", "transfers"
    table_class = TransferBatchTable
    filterset_class = TransferBatchFilter
    bar_fields = ("platform", "by")
    ordering = ("-pk",)
    template_name = "orders/transfer_list.html"
    row_template = "orders/_transfer_row.html"
    empty_title = "Nothing was transferred yet"
    empty_text = "Each Transfer to Billing of Billing Export is kept here with what it moved."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return TransferBatch.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("platform", "by").annotate(
            lines=_counted("line", distinct=True), charges=_counted("pk")
        )


def _values(event: BillStatusEvent) -> tuple[Any, ...]:
    line = event.line
    return (
        line.order.number,
        line.position,
        line.order.customer.code,
        line.order.customer.name,
        line.item.code,
        line.name,
        line.cli,
        Track(event.track).label,
        line.quantity,
        price_of(event),
        line.order.contract.currency,
        event.at,
    )


def price_of(event: BillStatusEvent) -> Any:
    """The unit price of the charge; it is fixed while the charge is In Billing."""
    return getattr(event.line, f"{event.track}_price")


class TransferDetailView(ListView):
    """One transfer and the charges that it moved."""

    key = "orders.transferred_track"
    permission_required = PERMISSION
    title, one, many = "Transferred charges", "charge", "charges"
    table_class = TransferredTrackTable
    filterset_class = TransferredTrackFilter
    bar_fields = ("customer_code", "order_number", "track")
    page_fields = ("batch",)
    ordering = ("pk",)
    export = Export(
        columns=(
            Column("order", "Order"),
            Column("line", "Line", Kind.INTEGER),
            Column("customer_code", "Customer code"),
            Column("customer", "Customer"),
            Column("item_code", "Item code"),
            Column("item", "Item"),
            Column("cli", "CLI"),
            Column("track", "Charge"),
            Column("quantity", "Quantity", Kind.DECIMAL),
            Column("price", "Unit price", Kind.MONEY),
            Column("currency", "Currency"),
            Column("at", "Transferred", Kind.DATETIME),
        ),
        values=_values,
        currency="line__order__contract__currency",
    )
    template_name = "orders/transfer_detail.html"
    http_method_names = ["get", "head", "options"]
    empty_title = "This transfer moved nothing"
    empty_text = "Nothing of the selected lines was Ready to Bill on the platform any more."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return BillStatusEvent.objects.filter(batch__isnull=False)

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("line__order__customer", "line__order__contract", "line__item")

    @classmethod
    def cells(cls, row: BillStatusEvent, user: AbstractBaseUser) -> str:
        return transferred_cells(row, user)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The batch is part of the address; the list, its parts and its export filter by it."""
        batches = TransferBatch.objects.select_related("platform", "by", "job")
        self.batch = get_object_or_404(batches, pk=kwargs["pk"])
        parameters = request.GET.copy()
        parameters["batch"] = str(self.batch.pk)
        request.GET = parameters
        return super().get(request, *args, **kwargs)

    def extra_context(self, query: ListQuery) -> dict[str, Any]:
        return {"batch": self.batch}
