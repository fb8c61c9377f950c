"""Billing Export: what is Ready to Bill, the two exports, and Transfer to Billing (L-32..L-42)."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.web.list_exports import FORMATS
from billing_site.web.list_parts import BulkAction, Suggestion
from billing_site.web.list_queries import POSITION, ListQuery
from billing_site.web.lists import ListView
from inventory.models import BillingPlatform
from ledger.models import Customer
from orders.enums import ExportKind, FileFormat
from orders.filters.billing import BillingExportFilter, ExportFileFilter
from orders.jobs import BILLING_EXPORT, PERMISSION, TRANSFER_JOB
from orders.models import ExportFile, OrderLine
from orders.services.exports import order_export
from orders.tables.billing import BillingExportTable, ExportFileTable
from orders.tables.billing_cells import billing_export_cells

CHOOSE_FIRST = "Choose a billing route at the top right first."


def _ready(rows: QuerySet, at: dt.datetime) -> QuerySet:
    return rows.with_ready_track()


TRANSFER = BulkAction(
    name="transfer",
    label="Transfer to Billing",
    permission=PERMISSION,
    job_kind=TRANSFER_JOB,
    eligible=_ready,
    skip_reason="Lines without a charge that is Ready to Bill on this route are left as they are.",
    icon="upload",
)


class BillingExportView(ListView):
    """Order lines with a charge that is Ready to Bill; the route is picked at the top right."""

    key = BILLING_EXPORT
    permission_required = PERMISSION
    title, one, many = "Billing Export", "line", "lines"
    table_class = BillingExportTable
    filterset_class = BillingExportFilter
    bar_fields = ("customer_code", "order_number", "cli")
    page_fields = ("platform",)
    ordering = ("pk",)
    suggestions = {
        "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
    }
    bulk_actions = (TRANSFER,)
    template_name = "orders/billing_export.html"
    empty_title = "Nothing is Ready to Bill here"
    empty_text = (
        "A charge appears when its line is converted to an asset, the date of its item type is "
        "reached, and it has a billing route."
    )

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return OrderLine.objects.with_ready_track()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related(
            "order__customer",
            "order__contract",
            "item",
            "asset",
            "upfront_route",
            "recurring_route",
        )

    @classmethod
    def cells(cls, row: OrderLine, user: AbstractBaseUser) -> str:
        return billing_export_cells(row, user)

    def extra_context(self, query: ListQuery) -> dict[str, Any]:
        return {
            "platform": platform_of(query),
            "platforms": BillingPlatform.objects.external(),
            "kinds": ExportKind,
            "export_query": query.address(drop=POSITION),
            "choose_first": CHOOSE_FIRST,
        }

    def refusal(self, action: BulkAction, query: ListQuery) -> str:
        return "" if platform_of(query) else CHOOSE_FIRST

    def eligible(self, action: BulkAction, rows: QuerySet, query: ListQuery) -> QuerySet:
        platform = platform_of(query)
        return rows.ready_for(platform.pk) if platform else rows.none()

    def explanation(self, action: BulkAction, query: ListQuery) -> str:
        return (
            f"Each charge of these lines that is Ready to Bill and has the route "
            f"{platform_of(query)} becomes In Billing. Charges with another route stay. "
            "A status is taken back by hand only, line by line, with a reason."
        )


def platform_of(query: ListQuery) -> BillingPlatform | None:
    """The route that is chosen; None while none is."""
    if query.form is None or not query.is_valid:
        return None
    return query.form.cleaned_data["platform"]


class ExportCreateView(PermissionRequiredMixin, View):
    """Orders Export Product or Export CLI of everything in the filter of the page."""

    permission_required = PERMISSION
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        query = ListQuery(BillingExportView, request.user, request.GET)
        kind, file_format = request.POST.get("kind", ""), request.POST.get("format", "")
        back = redirect("orders:billing-export")
        back["Location"] += query.address()
        if kind not in ExportKind or file_format not in FileFormat:
            messages.error(request, "Choose Export Product or Export CLI, as XLSX or CSV.")
            return back
        if not query.is_valid:
            messages.error(request, "The filter holds a value that does not fit; correct it first.")
            return back
        try:
            export = order_export(
                platform=platform_of(query),
                kind=ExportKind(kind),
                file_format=FileFormat(file_format),
                filter_query=query.filter_query,
                by=request.user,
                at=timezone.now(),
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return back
        return redirect(export.job)


class ExportFileListView(ListView):
    """Every file that was made, the newest first (L-40)."""

    key = "orders.export_file"
    permission_required = PERMISSION
    title, one, many = "Export files", "file", "files"
    table_class = ExportFileTable
    filterset_class = ExportFileFilter
    bar_fields = ("platform", "kind", "by")
    ordering = ("-pk",)
    template_name = "orders/export_file_list.html"
    row_template = "orders/_export_file_row.html"
    empty_title = "No file was made yet"
    empty_text = "Export Product and Export CLI of Billing Export are kept here."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return ExportFile.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("platform", "by", "job__retried_by")


class ExportFileDownloadView(PermissionRequiredMixin, View):
    """The stored file under the name of D-05, streamed."""

    permission_required = PERMISSION
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        files = ExportFile.objects.select_related("platform").filter(finished_at__isnull=False)
        export = get_object_or_404(files, pk=pk)
        try:
            file = default_storage.open(export.file, "rb")
        except FileNotFoundError:
            raise Http404("The file is no longer kept; export again.") from None
        return FileResponse(
            file,
            as_attachment=True,
            filename=export.download_name,
            content_type=FORMATS[export.format],
        )
