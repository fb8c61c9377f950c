"""Order lines: the grid of all of them, the form, conversion to an asset and back."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.kernel.periods import local_date
from billing_site.web.edits import EditIsStale, version_of
from billing_site.web.list_parts import BulkAction, Export, QuickSearch, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from inventory.models import CatalogueItem
from ledger.models import Customer
from orders import rules
from orders.filters.orders import OrderLineFilter
from orders.forms.orders import LineForm
from orders.models import OrderLine, SalesOrder
from orders.selectors.home import AGED_DAYS
from orders.selectors.lines import circle_of, with_parts
from orders.services import conversion
from orders.services import orders as services
from orders.tables.line_cells import CIRCLE_WORDS, line_cells
from orders.tables.orders import OrderLineTable

LINES = OrderLine.objects.select_related("order__customer", "order__contract", "item", "asset")


def _not_converted(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.not_converted()


def _unconvertible(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.converted().nowhere_in_billing()


def _aged(rows: QuerySet) -> QuerySet:
    return rows.aged(timezone.now(), days=AGED_DAYS)


def _waiting_for_future(rows: QuerySet) -> QuerySet:
    return rows.waiting_for_future(local_date(timezone.now(), settings.TIME_ZONE))


CONVERT = BulkAction(
    name="convert",
    label="Convert to assets",
    permission="orders.convert_orderline",
    job_kind="orders.convert_lines",
    eligible=_not_converted,
    skip_reason="Some of them are assets already.",
    icon="package",
    explanation="Each line becomes an asset in the customer's hands, packages with their parts. "
    "That is the first trigger of its bill statuses.",
)
UNCONVERT = BulkAction(
    name="unconvert",
    label="Undo conversion",
    permission="orders.convert_orderline",
    job_kind="orders.unconvert_lines",
    eligible=_unconvertible,
    skip_reason="Only assets none of whose charges is In Billing can be taken back.",
    icon="rotate",
    explanation="The assets are deleted and the bill statuses fall back to Not Billed.",
)


def _exported(line: OrderLine) -> tuple[Any, ...]:
    order = line.order
    return (
        order.number,
        line.position,
        order.customer.code,
        order.customer.name,
        line.item.code,
        line.name,
        line.item.get_item_type_display(),
        line.quantity,
        line.upfront_price,
        line.recurring_price,
        order.contract.currency,
        line.upfront_route.name if line.upfront_route else "",
        line.get_upfront_status_display(),
        line.recurring_route.name if line.recurring_route else "",
        line.get_recurring_status_display(),
        CIRCLE_WORDS[circle_of(line)],
        line.cli,
        line.serial,
        rules.effective_bill_start(line.bill_start_computed, line.bill_start_override),
        line.asset.reference if line.asset else "",
    )


class OrderLineListView(ListView):
    """All lines with their circles (L-24..L-27); where the work stacks lead (L-13, D-14)."""

    key = "orders.line"
    permission_required = "orders.view_orderline"
    title, one, many = "Order lines", "line", "lines"
    table_class = OrderLineTable
    filterset_class = OrderLineFilter
    bar_fields = ("order", "customer_code", "cli")
    quick_searches = (
        QuickSearch("ready", "Ready to Bill", lambda rows: rows.with_ready_track()),
        QuickSearch("aged", f"Ready over {AGED_DAYS} days", _aged),
        QuickSearch("waiting_conversion", "To convert", lambda rows: rows.waiting_for_conversion()),
        QuickSearch("waiting_cli", "Without CLI", lambda rows: rows.waiting_for_cli()),
        QuickSearch("waiting_date", "Without date", lambda rows: rows.waiting_for_date()),
        QuickSearch("waiting_future", "Date to come", _waiting_for_future),
        QuickSearch("waiting_hand", "Set by hand", lambda rows: rows.waiting_for_hand()),
        QuickSearch("do_not_bill", "Do Not Bill", lambda rows: rows.do_not_bill()),
    )
    ordering = ("-id",)
    suggestions = {
        "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
        "item_code": Suggestion(lambda user: CatalogueItem.objects.all(), "code", label="name"),
    }
    bulk_actions = (CONVERT, UNCONVERT)
    template_name = "orders/line_list.html"
    export = Export(
        columns=(
            Column("order", "Order"),
            Column("position", "Line", Kind.INTEGER),
            Column("customer_code", "Customer code"),
            Column("customer", "Customer"),
            Column("item_code", "Item code"),
            Column("name", "Item"),
            Column("item_type", "Type"),
            Column("quantity", "Quantity", Kind.DECIMAL),
            Column("upfront_price", "Up-front price", Kind.DECIMAL),
            Column("recurring_price", "Recurring price", Kind.DECIMAL),
            Column("currency", "Currency"),
            Column("upfront_route", "Up-front billing route"),
            Column("upfront_status", "Up-front bill status"),
            Column("recurring_route", "Recurring billing route"),
            Column("recurring_status", "Recurring bill status"),
            Column("circle", "Billing"),
            Column("cli", "CLI"),
            Column("serial", "SIM or serial"),
            Column("start", "Bill start", Kind.DATE),
            Column("asset", "Asset"),
        ),
        values=_exported,
    )
    empty_title = "No order lines yet"
    empty_text = "Every line of every sales order appears here with the status of its charges."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return OrderLine.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return with_parts(rows.select_related("order__customer", "order__contract", "asset"))

    @classmethod
    def cells(cls, row: OrderLine, user: AbstractBaseUser) -> str:
        return line_cells(row)


class LineCreateView(PermissionRequiredMixin, View):
    permission_required = "orders.add_orderline"

    def get(self, request: HttpRequest, order_pk: int) -> HttpResponse:
        order = _order(order_pk)
        return _line_page(request, LineForm(order=order), order)

    def post(self, request: HttpRequest, order_pk: int) -> HttpResponse:
        order = _order(order_pk)
        form = LineForm(request.POST, order=order)
        if not form.is_valid():
            return _line_page(request, form, order, status=422)
        try:
            line = services.add_line(
                order_id=order.pk,
                item=form.cleaned_data["item_code"],
                fields=form.entries,
                at=timezone.now(),
            )
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _line_page(request, form, order, status=422)
        messages.success(request, f"{line.name} is line {line.position} of {order}.")
        if "another" in request.POST:
            return redirect("orders:line-create", order_pk=order.pk)
        return redirect(order)


class LineUpdateView(PermissionRequiredMixin, View):
    permission_required = "orders.change_orderline"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = version_of(OrderLine(pk=pk))
        line = get_object_or_404(LINES, pk=pk)
        form = LineForm(instance=line, order=line.order, version=version)
        return _line_page(request, form, line.order, line)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = get_object_or_404(LINES, pk=pk)
        form = LineForm(request.POST, instance=get_object_or_404(LINES, pk=pk), order=line.order)
        if not form.is_valid():
            return _line_page(request, form, line.order, line, status=422)
        try:
            services.update_line(
                line_id=pk,
                fields=form.entries,
                by=request.user,
                at=timezone.now(),
                version=form.cleaned_data["version"] or 0,
            )
        except EditIsStale as stale:
            form.add_refusal(stale)
            form.with_version(version_of(line))
            return _line_page(request, form, line.order, line, status=409)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _line_page(request, form, line.order, line, status=422)
        messages.success(request, f"{line} is changed.")
        return redirect(line.order)


class LineDeleteView(PermissionRequiredMixin, View):
    permission_required = "orders.delete_orderline"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = get_object_or_404(LINES, pk=pk)
        return render(request, "orders/line_delete.html", {"line": line, "order": line.order})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = get_object_or_404(LINES, pk=pk)
        try:
            services.delete_line(line_id=pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{line} is deleted.")
        return redirect(line.order)


class OrderConvertView(PermissionRequiredMixin, View):
    """Convert one line, or all open lines of an order (L-21)."""

    permission_required = "orders.convert_orderline"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        order = get_object_or_404(SalesOrder, pk=pk)
        lines = order.lines.not_converted()
        if named := request.POST.getlist("line"):
            lines = order.lines.filter(
                pk__in=[int(n) for n in named if n.isascii() and n.isdigit()]
            )
        outcomes = conversion.convert_lines(
            line_ids=list(lines.values_list("pk", flat=True)), by=request.user, at=timezone.now()
        )
        _tell(request, outcomes, "converted to an asset", "converted to assets")
        return redirect(order)


class LineUnconvertView(PermissionRequiredMixin, View):
    """Undo a conversion after a question (D-09)."""

    permission_required = "orders.convert_orderline"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = get_object_or_404(LINES, pk=pk)
        return render(request, "orders/line_unconvert.html", {"line": line, "order": line.order})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        line = get_object_or_404(LINES, pk=pk)
        outcomes = conversion.unconvert_lines(line_ids=[pk], by=request.user, at=timezone.now())
        _tell(request, outcomes, "no asset any more", "no assets any more")
        return redirect(line.order)


def _tell(request: HttpRequest, outcomes: list[conversion.Outcome], one: str, many: str) -> None:
    done = sum(1 for outcome in outcomes if not outcome.refusal)
    if done:
        what = f"1 line is {one}" if done == 1 else f"{done} lines are {many}"
        messages.success(request, f"{what}.")
    for outcome in outcomes:
        if outcome.refusal:
            messages.error(request, f"{outcome.label}: {outcome.refusal}")
    if not outcomes:
        messages.info(request, "There is no line to convert.")


def _order(pk: int) -> SalesOrder:
    return get_object_or_404(SalesOrder.objects.select_related("customer", "contract"), pk=pk)


def _line_page(
    request: HttpRequest,
    form: Any,
    order: SalesOrder,
    line: OrderLine | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "order": order, "line": line}
    return render(request, "orders/line_form.html", context, status=status)
