"""Importing purchases: the list of files, upload, preview, mapping, commit (H-CB4, R6, R11)."""

import io
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.web.enums import RowVerdict
from billing_site.web.list_exports import FORMATS, SMALL_ROWS
from billing_site.web.list_parts import Export, QuickSearch, Suggestion
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.writing import write_csv
from invoicing.enums import ImportStatus
from invoicing.exports.import_rows import write_import_rows
from invoicing.filters.imports import ImportFilter
from invoicing.forms.imports import MappingForm, UploadForm
from invoicing.imports.fields import BY_KEY, METADATA
from invoicing.imports.mappings import NAMED_MAPPINGS, OWN_COLUMNS, QUITTANCE, ColumnMapping
from invoicing.models import ImportBatch, ImportRow
from invoicing.selectors import imports as selectors
from invoicing.services import purchase_imports
from invoicing.tables.imports import ImportTable

ROWS_SHOWN = 50
LARGEST_ROW = 2_000_000
ERROR_COLUMNS = (
    Column("row", "Row", Kind.INTEGER),
    Column("column", "Column"),
    Column("sentence", "What is wrong, and what to do"),
)
UNFINISHED = (ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED)


class ImportListView(ListView):
    """All uploaded files of purchases, the newest first."""

    key = "invoicing.import"
    permission_required = "invoicing.view_importbatch"
    title, one, many = "Imports", "import", "imports"
    table_class = ImportTable
    filterset_class = ImportFilter
    bar_fields = ("filename", "owner")
    quick_searches = (
        QuickSearch("unfinished", "To finish", lambda rows: rows.filter(status__in=UNFINISHED)),
        QuickSearch(
            "imported", "Imported", lambda rows: rows.filter(status=ImportStatus.COMMITTED)
        ),
        QuickSearch("refused", "Refused", lambda rows: rows.filter(status=ImportStatus.REFUSED)),
    )
    ordering = ("-pk",)
    suggestions = {
        "owner": Suggestion(lambda user: get_user_model().objects.all(), "username"),
    }
    export = Export(
        columns=(
            Column("filename", "File"),
            Column("status", "Status"),
            Column("mapping_name", "Columns"),
            Column("rows_new", "New", Kind.INTEGER),
            Column("rows_changed", "Changed", Kind.INTEGER),
            Column("rows_unchanged", "Unchanged", Kind.INTEGER),
            Column("rows_error", "Errors", Kind.INTEGER),
            Column("owner", "Uploaded by"),
            Column("created_at", "Uploaded", Kind.DATETIME),
            Column("committed_at", "Imported", Kind.DATETIME),
        ),
        values=lambda batch: (
            batch.filename,
            batch.get_status_display(),
            batch.mapping_name,
            batch.rows_new,
            batch.rows_changed,
            batch.rows_unchanged,
            batch.rows_error,
            batch.owner.get_username() if batch.owner else None,
            batch.created_at,
            batch.committed_at,
        ),
    )
    template_name = "invoicing/import_list.html"
    row_template = "invoicing/_import_row.html"
    empty_title = "No file was imported yet"
    empty_text = "Upload a file of usage or charges; you see what it would do before it is stored."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return ImportBatch.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("owner").defer("mapping", "warnings")


class ImportUploadView(PermissionRequiredMixin, View):
    """Choose a file; it is checked at once if its columns tell what they are."""

    permission_required = "invoicing.import_purchases"
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, UploadForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form, status=422)
        try:
            batch = purchase_imports.receive_purchases(
                file=form.upload,
                filename=form.upload.name or "",
                owner=request.user,
                mapping_name=form.cleaned_data["mapping"],
                at=timezone.now(),
            )
        except DomainError as refusal:
            form.add_error("file", str(refusal))
            return self._page(request, form, status=422)
        if batch.job is None:
            messages.info(request, "Say which column is what; then the file is checked.")
            return redirect("invoicing:import-mapping", pk=batch.pk)
        return redirect(batch)

    def _page(self, request: HttpRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "own_columns": OWN_COLUMNS,
            "others": [known for name, known in NAMED_MAPPINGS.items() if name != QUITTANCE.name],
        }
        return render(request, "invoicing/import_upload.html", context, status=status)


class ImportSampleView(PermissionRequiredMixin, View):
    """A file with our own columns and three rows, to begin from."""

    permission_required = "invoicing.import_purchases"
    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="purchases-sample.csv"'
        columns = [Column(column.field.key, column.name) for column in OWN_COLUMNS]
        rows = zip(*(column.field.examples for column in OWN_COLUMNS), strict=True)
        write_csv(response, columns, rows)
        return response


class ImportDetailView(PermissionRequiredMixin, View):
    """One file: progress while it is worked on, then the verdict of each row."""

    permission_required = "invoicing.view_importbatch"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _batch(pk)
        part = request.GET.get("part", "")
        if part == "errors":
            return self._errors(batch)
        if part == "rows":
            return self._rows(request, batch)
        if part == "state":
            response = render(request, "invoicing/_import_state.html", {"batch": batch})
            if not batch.is_working:
                response["HX-Refresh"] = "true"
            return response
        return render(request, "invoicing/import_detail.html", self._context(request, batch))

    def _context(self, request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
        chosen = _chosen(request)
        shown = selectors.page_of_rows(
            batch, **chosen, after=_row(request.GET.get("after", "")), size=ROWS_SHOWN
        )
        outcome = selectors.OUTCOMES.get(chosen["outcome"])
        imported = batch.status == ImportStatus.COMMITTED
        reasons = selectors.reasons_left(batch) if imported else ()
        counts = {
            RowVerdict.NEW: batch.rows_new,
            RowVerdict.CHANGED: batch.rows_changed,
            RowVerdict.UNCHANGED: batch.rows_unchanged,
            RowVerdict.ERROR: batch.rows_error,
        }
        checked = batch.status == ImportStatus.CHECKED and not batch.is_working
        stopped = batch.status in (ImportStatus.COMMITTING, ImportStatus.CHECKING)
        mapping = ColumnMapping.from_json(batch.mapping, batch.mapping_name)
        return {
            "batch": batch,
            "page": shown,
            **chosen,
            "chosen": urlencode({key: value for key, value in chosen.items() if value}),
            "outcome_words": outcome[0] if outcome else "",
            "tabs": [(v.value, v.label, n) for v, n in counts.items()],
            "can_import": checked and not batch.rows_error and batch.brings > 0,
            "formats": sorted(FORMATS),
            "large_words": selectors.LARGE_WORDS,
            "forecast": selectors.forecast_of(batch)
            if batch.status in (ImportStatus.CHECKED, ImportStatus.COMMITTING) and batch.brings
            else None,
            "can_change": not batch.is_working
            and batch.status not in (ImportStatus.COMMITTED, ImportStatus.DISCARDED),
            "is_checked": checked,
            "is_refused": batch.status == ImportStatus.REFUSED,
            "is_imported": imported,
            "is_discarded": batch.status == ImportStatus.DISCARDED,
            "job_error": batch.job.error if checked and batch.job is not None else "",
            "was_stopped": stopped and not batch.is_working,
            "mapping": mapping,
            "missing": mapping.missing(),
            "columns": [
                (column, "metadata" if target == METADATA else BY_KEY[target].label)
                for column, target in selectors.mapped_columns(batch)
            ],
            "left_out": [column for column, target in mapping.columns.items() if not target],
            "earlier": selectors.earlier_imports(batch),
            "reasons": reasons,
            "unmapped": sum(count for _, count in reasons),
        }

    def _rows(self, request: HttpRequest, batch: ImportBatch) -> HttpResponse:
        """The rows of the filter as a file; many are written by a job."""
        file_format = request.GET.get("format", "")
        if file_format not in FORMATS:
            return HttpResponseBadRequest("Choose the format xlsx or csv.")
        chosen = _chosen(request)
        rows = selectors.staged_rows(batch, **chosen)
        if rows[SMALL_ROWS : SMALL_ROWS + 1].exists():
            job = purchase_imports.start_rows_export(
                batch=batch,
                owner=request.user,
                at=timezone.now(),
                file_format=file_format,
                **chosen,
            )
            messages.info(request, "The file is being written; the download appears on this page.")
            return redirect(job)
        stream = io.BytesIO()
        zone = timezone.get_current_timezone()
        told = selectors.foretold_rows(batch, rows)
        write_import_rows(stream, told, file_format=file_format, time_zone=zone)
        stream.seek(0)
        return FileResponse(
            stream,
            as_attachment=True,
            filename=f"import-{batch.pk}-rows.{file_format}",
            content_type=FORMATS[file_format],
        )

    def _errors(self, batch: ImportBatch) -> HttpResponse:
        """Every error of the file as a CSV file, to correct it by."""
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{batch.pk}-errors.csv"'
        rows = ImportRow.objects.filter(batch=batch, verdict=RowVerdict.ERROR).order_by("number")
        errors = (
            (row.number, column, sentence)
            for row in rows.iterator(chunk_size=2000)
            for column, sentence in row.errors
        )
        write_csv(response, ERROR_COLUMNS, errors)
        return response


class ImportMappingView(PermissionRequiredMixin, View):
    """Which column is which field; saving it checks the file anew."""

    permission_required = "invoicing.import_purchases"
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._answer(request, _batch(pk), None)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._answer(request, _batch(pk), request.POST)

    def _answer(self, request: HttpRequest, batch: ImportBatch, data: Any) -> HttpResponse:
        try:
            header, samples = selectors.header_and_samples(batch)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(batch)
        mapping = ColumnMapping.from_json(batch.mapping, batch.mapping_name)
        form = MappingForm(data, header=header, mapping=mapping)
        complaint = ""
        if data is not None and form.is_valid():
            try:
                purchase_imports.start_check(
                    batch_id=batch.pk,
                    owner=request.user,
                    at=timezone.now(),
                    mapping=form.chosen(),
                )
                return redirect(batch)
            except DomainError as refusal:
                complaint = str(refusal)
        context = {
            "batch": batch,
            "form": form,
            "lines": form.lines(samples),
            "complaint": complaint,
            "fields": BY_KEY.values(),
        }
        status = 200 if data is None else 422
        return render(request, "invoicing/import_mapping.html", context, status=status)


class ImportActionView(PermissionRequiredMixin, View, ABC):
    """A button of the preview: one service call, then back to the file."""

    permission_required = "invoicing.import_purchases"
    http_method_names = ["post"]

    @abstractmethod
    def act(self, request: HttpRequest, batch: ImportBatch) -> str:
        """Do it; returns what to say, if anything."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = _batch(pk)
        try:
            said = self.act(request, batch)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            if said:
                messages.success(request, said)
        return redirect(batch)


class ImportCommitView(ImportActionView):
    def act(self, request: HttpRequest, batch: ImportBatch) -> str:
        purchase_imports.start_import(batch_id=batch.pk, owner=request.user, at=timezone.now())
        return ""


class ImportCheckView(ImportActionView):
    def act(self, request: HttpRequest, batch: ImportBatch) -> str:
        purchase_imports.start_check(batch_id=batch.pk, owner=request.user, at=timezone.now())
        return ""


class ImportDiscardView(ImportActionView):
    def act(self, request: HttpRequest, batch: ImportBatch) -> str:
        purchase_imports.discard_import(batch_id=batch.pk)
        return f"{batch.filename} is discarded; nothing of it was imported."


def _batch(pk: int) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("owner", "job"), pk=pk)


def _chosen(request: HttpRequest) -> dict[str, str]:
    """Verdict and foretold outcome of the address; what is neither is left out."""
    verdict, outcome = request.GET.get("verdict", ""), request.GET.get("outcome", "")
    return {
        "verdict": verdict if verdict in RowVerdict.values else "",
        "outcome": outcome if outcome in selectors.OUTCOMES else "",
    }


def _row(text: str) -> int:
    """A row number of the address; 0 for anything else."""
    return min(int(text), LARGEST_ROW) if text.isascii() and text.isdigit() and len(text) < 9 else 0
