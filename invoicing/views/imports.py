"""Importing purchases: upload, columns, preview with a verdict per row, all-or-nothing import."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View
from django.views.generic import FormView

from billing_site.kernel.errors import DomainError
from billing_site.web.list_parts import Export, QuickSearch
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.writing import write_csv
from invoicing.enums import ImportStatus, RowVerdict
from invoicing.filters.imports import ImportFilter
from invoicing.forms.imports import MappingForm, UploadForm
from invoicing.imports.mappings import NAMED_MAPPINGS, ColumnMapping
from invoicing.models import ImportBatch
from invoicing.services.purchase_imports import (
    discard_import,
    start_check,
    start_import,
    upload_purchases,
)
from invoicing.tables.imports import ImportTable

ROWS_SHOWN = 100
WAITING = (ImportStatus.UPLOADED, ImportStatus.CHECKED)
EXPORT_COLUMNS = (
    Column("filename", "File"),
    Column("status", "Status"),
    Column("rows_new", "New", Kind.INTEGER),
    Column("rows_changed", "Changed", Kind.INTEGER),
    Column("rows_unchanged", "Unchanged", Kind.INTEGER),
    Column("rows_error", "Errors", Kind.INTEGER),
    Column("owner__username", "Uploaded by"),
    Column("created_at", "Uploaded", Kind.DATETIME),
    Column("committed_at", "Imported", Kind.DATETIME),
)
ERROR_COLUMNS = (
    Column("number", "Row", Kind.INTEGER),
    Column("column", "Column"),
    Column("sentence", "What is wrong and what to do"),
)


class ImportListView(ListView):
    """All files of purchases, the newest first."""

    key = "invoicing.import"
    permission_required = "invoicing.view_importbatch"
    title, one, many = "Imports", "file", "files"
    table_class = ImportTable
    filterset_class = ImportFilter
    bar_fields = ("filename", "owner")
    quick_searches = (
        QuickSearch("waiting", "Waiting for you", lambda rows: rows.filter(status__in=WAITING)),
        QuickSearch(
            "imported", "Imported", lambda rows: rows.filter(status=ImportStatus.COMMITTED)
        ),
    )
    ordering = ("-pk",)
    export = Export(columns=EXPORT_COLUMNS)
    row_template = "invoicing/_import_row.html"
    template_name = "invoicing/import_list.html"
    empty_title = "No file was imported yet"
    empty_text = "Upload a CSV or XLSX file of usage or charges."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return ImportBatch.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("owner")


class ImportCreateView(PermissionRequiredMixin, FormView):
    """The upload; a file that is no usable table is refused with the reason."""

    permission_required = "invoicing.import_purchases"
    form_class = UploadForm
    template_name = "invoicing/import_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, mappings=NAMED_MAPPINGS.values())

    def form_valid(self, form: UploadForm) -> HttpResponse:
        upload = form.cleaned_data["file"]
        try:
            batch = upload_purchases(
                file=upload,
                filename=upload.name,
                owner=self.request.user,
                mapping_name=form.cleaned_data["mapping"],
            )
        except DomainError as refusal:
            form.add_error("file", str(refusal))
            return self.render_to_response(self.get_context_data(form=form), status=422)
        return redirect(batch)


class ImportDetailView(PermissionRequiredMixin, View):
    """One file: its columns, its progress, what importing it would do, row by row."""

    permission_required = "invoicing.view_importbatch"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _find(pk)
        return render(request, "invoicing/import_detail.html", page_of(request, batch))


def page_of(
    request: HttpRequest, batch: ImportBatch, form: MappingForm | None = None
) -> dict[str, Any]:
    """The context of the page of one file."""
    mapping = ColumnMapping.from_json(batch.mapping, batch.mapping_name)
    verdict = request.GET.get("verdict", "")
    rows = batch.rows.order_by("number")
    if verdict in RowVerdict.values:
        rows = rows.filter(verdict=verdict)
    may_import = request.user.has_perm("invoicing.import_purchases")
    waits = batch.status in WAITING and not batch.is_working
    return {
        "batch": batch,
        "form": form or MappingForm(mapping=mapping),
        "missing": mapping.missing(),
        "page": Paginator(rows, ROWS_SHOWN).get_page(request.GET.get("page")),
        "verdict": verdict,
        "verdicts": [
            ("", "All", batch.row_count),
            (RowVerdict.NEW, "New", batch.rows_new),
            (RowVerdict.CHANGED, "Changed", batch.rows_changed),
            (RowVerdict.UNCHANGED, "Unchanged", batch.rows_unchanged),
            (RowVerdict.ERROR, "Errors", batch.rows_error),
        ],
        "is_new": batch.status == ImportStatus.UPLOADED,
        "is_checked": batch.status == ImportStatus.CHECKED,
        "is_done": batch.status == ImportStatus.COMMITTED,
        "may_map": may_import and waits,
        "may_import": may_import
        and batch.status == ImportStatus.CHECKED
        and not batch.rows_error
        and bool(batch.rows_new + batch.rows_changed),
        "may_discard": may_import and waits,
        "unmapped_count": batch.purchases.unmapped().count()
        if batch.status == ImportStatus.COMMITTED
        else 0,
        "time_zone": settings.TIME_ZONE,
    }


class ImportCheckView(PermissionRequiredMixin, View):
    """POST: check the file with the columns chosen."""

    permission_required = "invoicing.import_purchases"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _find(pk)
        mapping = ColumnMapping.from_json(batch.mapping, batch.mapping_name)
        form = MappingForm(request.POST, mapping=mapping)
        if not form.is_valid():
            context = page_of(request, batch, form)
            return render(request, "invoicing/import_detail.html", context, status=422)
        try:
            start_check(
                batch_id=batch.pk, owner=request.user, at=timezone.now(), mapping=form.chosen()
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect(batch)


class ImportCommitView(PermissionRequiredMixin, View):
    """POST: import a checked file; all of its rows or none."""

    permission_required = "invoicing.import_purchases"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _find(pk)
        try:
            start_import(batch_id=batch.pk, owner=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect(batch)


class ImportDiscardView(PermissionRequiredMixin, View):
    """POST: give a file up without importing it."""

    permission_required = "invoicing.import_purchases"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _find(pk)
        try:
            discard_import(batch_id=batch.pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(batch)
        messages.success(request, f"{batch.filename} was discarded; nothing of it was imported.")
        return redirect("invoicing:import-list")


class ImportErrorsView(PermissionRequiredMixin, View):
    """The errors of a file as CSV: row, column, remedy."""

    permission_required = "invoicing.view_importbatch"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _find(pk)
        rows = batch.rows.filter(verdict=RowVerdict.ERROR).order_by("number")
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{batch.pk}-errors.csv"'
        lines = (
            (number, column, sentence)
            for number, errors in rows.values_list("number", "errors").iterator()
            for column, sentence in errors
        )
        write_csv(response, ERROR_COLUMNS, lines)
        return response


def _find(pk: int) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("owner", "job"), pk=pk)
