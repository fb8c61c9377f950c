"""Sales orders: the list, the page with its lines, the forms."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.web.edits import EditIsStale, version_of
from billing_site.web.list_parts import Export, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from ledger.models import Customer
from orders.filters.orders import SalesOrderFilter
from orders.forms.orders import CustomerChoiceForm, OrderForm
from orders.models import OrderLine, SalesOrder
from orders.selectors.lines import with_parts
from orders.services import orders as services
from orders.tables.orders import SalesOrderTable

ORDERS = SalesOrder.objects.select_related("customer", "contract", "created_by")


class SalesOrderListView(ListView):
    key = "orders.order"
    permission_required = "orders.view_salesorder"
    title, one, many = "Sales orders", "order", "orders"
    table_class = SalesOrderTable
    filterset_class = SalesOrderFilter
    bar_fields = ("search",)
    ordering = ("-id",)
    suggestions = {
        "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name")
    }
    row_template = "orders/_order_row.html"
    template_name = "orders/order_list.html"
    export = Export(
        columns=(
            Column("number", "Order"),
            Column("customer_code", "Customer code"),
            Column("customer", "Customer"),
            Column("contract", "Contract"),
            Column("customer_reference", "Customer reference"),
            Column("site", "Site"),
            Column("ordered_on", "Ordered on", Kind.DATE),
            Column("lines", "Lines", Kind.INTEGER),
            Column("converted", "Converted to assets", Kind.INTEGER),
        ),
        values=lambda row: (
            row.number,
            row.customer.code,
            row.customer.name,
            row.contract.reference,
            row.customer_reference,
            row.site,
            row.ordered_on,
            row.line_count,
            row.asset_count,
        ),
    )
    empty_title = "No sales orders yet"
    empty_text = (
        "An order has lines: what a customer bought, with an up-front and a recurring charge. Each "
        "charge goes its way to a bill, here or on another billing platform."
    )

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return SalesOrder.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        lines = with_parts(OrderLine.objects.all())
        return (
            rows.select_related("customer", "contract")
            .prefetch_related(Prefetch("lines", lines))
            .annotate(line_count=Count("lines"), asset_count=Count("lines__asset"))
        )


class SalesOrderDetailView(PermissionRequiredMixin, View):
    """An order with its lines: the sales order grid (L-24)."""

    permission_required = "orders.view_salesorder"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        order = get_object_or_404(ORDERS, pk=pk)
        lines = list(with_parts(order.lines.select_related("asset", "package")))
        for line in lines:
            line.order = order
        context = {
            "order": order,
            "lines": lines,
            "open_lines": sum(1 for line in lines if line.asset_id is None),
        }
        return render(request, "orders/order_detail.html", context)


class SalesOrderCreateView(PermissionRequiredMixin, View):
    """First whose order it is, then its head."""

    permission_required = "orders.add_salesorder"

    def get(self, request: HttpRequest) -> HttpResponse:
        choice = CustomerChoiceForm(request.GET or None)
        if not request.GET or not choice.is_valid():
            status = 422 if request.GET else 200
            return render(request, "orders/order_customer.html", {"form": choice}, status=status)
        customer = choice.cleaned_data["customer_code"]
        form = OrderForm(customer=customer, initial={"ordered_on": timezone.localdate()})
        return _order_page(request, form, customer)

    def post(self, request: HttpRequest) -> HttpResponse:
        choice = CustomerChoiceForm(request.GET)
        if not choice.is_valid():
            return render(request, "orders/order_customer.html", {"form": choice}, status=422)
        customer = choice.cleaned_data["customer_code"]
        form = OrderForm(request.POST, customer=customer, instance=SalesOrder(customer=customer))
        if not form.is_valid():
            return _order_page(request, form, customer, status=422)
        try:
            order = services.create_order(
                fields={**form.entries, "customer": customer}, by=request.user
            )
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _order_page(request, form, customer, status=422)
        messages.success(request, f"Order {order} is stored. Add its lines.")
        return redirect("orders:line-create", order_pk=order.pk)


class SalesOrderUpdateView(PermissionRequiredMixin, View):
    permission_required = "orders.change_salesorder"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = version_of(SalesOrder(pk=pk))
        order = get_object_or_404(ORDERS, pk=pk)
        form = OrderForm(instance=order, customer=order.customer, version=version)
        return _order_page(request, form, order.customer, order)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        order = get_object_or_404(ORDERS, pk=pk)
        form = OrderForm(
            request.POST, instance=get_object_or_404(SalesOrder, pk=pk), customer=order.customer
        )
        if not form.is_valid():
            return _order_page(request, form, order.customer, order, status=422)
        try:
            services.update_order(
                order_id=pk, fields=form.entries, version=form.cleaned_data["version"] or 0
            )
        except EditIsStale as stale:
            form.add_refusal(stale)
            form.with_version(version_of(order))
            return _order_page(request, form, order.customer, order, status=409)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _order_page(request, form, order.customer, order, status=422)
        messages.success(request, f"Order {order} is changed.")
        return redirect(order)


class SalesOrderDeleteView(PermissionRequiredMixin, View):
    permission_required = "orders.delete_salesorder"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        order = get_object_or_404(ORDERS, pk=pk)
        context = {"order": order, "lines": order.lines.count()}
        return render(request, "orders/order_delete.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        order = get_object_or_404(ORDERS, pk=pk)
        try:
            services.delete_order(order_id=pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(order)
        messages.success(request, f"Order {order} is deleted.")
        return redirect("orders:order-list")


def _order_page(
    request: HttpRequest,
    form: Any,
    customer: Customer,
    order: SalesOrder | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "customer": customer, "order": order}
    return render(request, "orders/order_form.html", context, status=status)
