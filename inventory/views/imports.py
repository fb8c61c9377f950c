"""Importing a file of items: upload, preview with a verdict per row, confirm (L-8, L-9, D-06)."""

from abc import ABC, abstractmethod

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.web.enums import RowVerdict
from billing_site.web.spreadsheets.columns import Column, Kind
from billing_site.web.spreadsheets.writing import write_csv
from inventory import selectors
from inventory.forms import ItemUploadForm
from inventory.imports.columns import ITEM_COLUMNS, ROUTES
from inventory.models import BillingPlatform, ItemImport
from inventory.services import item_imports

ROWS_SHOWN = 50
LARGEST_ROW = 2_000_000
NEWEST = 8
ERROR_COLUMNS = (
    Column("row", "Row", Kind.INTEGER),
    Column("column", "Column"),
    Column("value", "Value"),
    Column("sentence", "What is wrong, and what to do"),
)


class ItemImportUploadView(PermissionRequiredMixin, View):
    """Choose a file; below it the newest ones and what became of them."""

    permission_required = "inventory.import_items"
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, ItemUploadForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ItemUploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form, status=422)
        try:
            upload = item_imports.upload_items(
                file=form.upload, filename=form.upload.name or "", owner=request.user
            )
        except DomainError as refusal:
            form.add_error("file", str(refusal))
            return self._page(request, form, status=422)
        return redirect(upload)

    def _page(
        self, request: HttpRequest, form: ItemUploadForm, *, status: int = 200
    ) -> HttpResponse:
        has_routes = BillingPlatform.objects.external().exists()
        context = {
            "form": form,
            "columns": [c for c in ITEM_COLUMNS if has_routes or c.field not in ROUTES],
            "newest": ItemImport.objects.select_related("owner").defer("warnings")[:NEWEST],
        }
        return render(request, "inventory/item_import.html", context, status=status)


class ItemImportPreviewView(PermissionRequiredMixin, View):
    """What one file would do, row by row, or what it did; its errors as a file."""

    permission_required = "inventory.import_items"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = _upload(pk)
        if request.GET.get("part") == "errors":
            return _errors(upload)
        verdict = request.GET.get("verdict", "")
        verdict = verdict if verdict in RowVerdict.values else ""
        page = selectors.page_of_rows(
            upload, verdict=verdict, after=_row(request.GET.get("after", "")), size=ROWS_SHOWN
        )
        counts = {
            RowVerdict.NEW: upload.rows_new,
            RowVerdict.CHANGED: upload.rows_changed,
            RowVerdict.UNCHANGED: upload.rows_unchanged,
            RowVerdict.ERROR: upload.rows_error,
        }
        context = {
            "upload": upload,
            "page": page,
            "verdict": verdict,
            "tabs": [(v.value, v.label, n) for v, n in counts.items()],
            "has_routes": BillingPlatform.objects.external().exists(),
        }
        return render(request, "inventory/item_preview.html", context)


class ItemImportActionView(PermissionRequiredMixin, View, ABC):
    """A button of the preview: one service call, then back to the file."""

    permission_required = "inventory.import_items"
    http_method_names = ["post"]

    @abstractmethod
    def act(self, request: HttpRequest, upload: ItemImport) -> str:
        """Do it; returns what to say."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        upload = _upload(pk)
        try:
            messages.success(request, self.act(request, upload))
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect(upload)


class ItemImportConfirmView(ItemImportActionView):
    def act(self, request: HttpRequest, upload: ItemImport) -> str:
        done = item_imports.import_items(import_id=upload.pk, at=timezone.now())
        return f"{done.filename} is imported: {done.rows_new:,} new, {done.rows_changed:,} changed."


class ItemImportDiscardView(ItemImportActionView):
    def act(self, request: HttpRequest, upload: ItemImport) -> str:
        item_imports.discard_import(import_id=upload.pk)
        return f"{upload.filename} is discarded; nothing of it was imported."


def _errors(upload: ItemImport) -> HttpResponse:
    """Every error of the file as a CSV file, to correct it by."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"item-import-{upload.pk}-errors.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    rows = upload.rows.filter(verdict=RowVerdict.ERROR).order_by("number")
    errors = (
        (row.number, *error) for row in rows.iterator(chunk_size=2000) for error in row.errors
    )
    write_csv(response, ERROR_COLUMNS, errors)
    return response


def _upload(pk: int) -> ItemImport:
    return get_object_or_404(ItemImport.objects.select_related("owner"), pk=pk)


def _row(text: str) -> int:
    """A row number of the address; 0 for anything else."""
    return min(int(text), LARGEST_ROW) if text.isascii() and text.isdigit() and len(text) < 9 else 0
