"""The document of an invoice: its PDF, and the live preview in the viewer (CB-71, CB-75..CB-78)."""

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.templatetags.static import static
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_sameorigin

from billing_site.kernel.errors import DomainError
from invoicing import tasks
from invoicing.enums import ResultStatus
from invoicing.exports.invoice_html import render_invoice_html
from invoicing.models import Invoice, TransformationResult
from invoicing.selectors.documents import invoice_document
from invoicing.services.transformations import INVOICE_PDF, download_name, queue_result

# The browser's own PDF reader needs styles and pictures of its own; nobody else may frame it.
PDF_POLICY = {"frame-ancestors": [SELF]}
PREVIEW_POLICY = {
    "default-src": [NONE],
    "style-src": [SELF],
    "font-src": [SELF],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
}


@method_decorator(xframe_options_sameorigin, name="dispatch")
@method_decorator(csp(PDF_POLICY), name="dispatch")
@method_decorator(cache_control(private=True, no_cache=True), name="dispatch")
class InvoicePdfView(PermissionRequiredMixin, View):
    """The stored PDF, in the page or as a download."""

    permission_required = "invoicing.view_invoice"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        results = TransformationResult.objects.select_related("invoice")
        result = get_object_or_404(
            results, invoice=pk, transformation=INVOICE_PDF, status=ResultStatus.COMPLETED
        )
        try:
            file = result.file.open("rb")
        except FileNotFoundError:
            raise Http404("The file of this document is not in the store any more.") from None
        return FileResponse(
            file,
            as_attachment=request.GET.get("download") == "1",
            filename=download_name(result.invoice),
            content_type="application/pdf",
        )


class InvoiceOrderPdfView(PermissionRequiredMixin, View):
    """Orders the PDF again when making it failed."""

    permission_required = "invoicing.view_invoice"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        invoice = get_object_or_404(Invoice, pk=pk)
        try:
            queue_result(invoice=invoice, by=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            tasks.enqueue_documents()
        return redirect(invoice)


@method_decorator(xframe_options_sameorigin, name="dispatch")
@method_decorator(csp(PREVIEW_POLICY), name="dispatch")
class InvoicePreviewView(PermissionRequiredMixin, View):
    """The invoice with the current set-up, as a page of its own for the viewer's frame."""

    permission_required = "invoicing.view_invoice"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        rows = Invoice.objects.select_related("customer", "contract")
        document = invoice_document(get_object_or_404(rows, pk=pk))
        return HttpResponse(render_invoice_html(document, stylesheet=static("css/document.css")))
