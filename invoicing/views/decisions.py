"""Close and Recalculate for one invoice (CB-57, CB-64)."""

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from invoicing import tasks
from invoicing.models import Invoice
from invoicing.rules.marks import mark_of_open
from invoicing.services.approval import close_invoices
from invoicing.services.recalculation import request_recalculation


class InvoiceCloseView(PermissionRequiredMixin, View):
    """Asks once, saying that it is for good; then closes."""

    permission_required = "invoicing.close_invoice"
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        rows = Invoice.objects.select_related("customer", "contract").with_period_past()
        invoice = get_object_or_404(rows, pk=pk)
        mark = mark_of_open(calculated_at=invoice.calculated_at, gross_total=invoice.gross_total)
        return render(request, "invoicing/invoice_close.html", {"invoice": invoice, "mark": mark})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        invoice = get_object_or_404(Invoice, pk=pk)
        outcome = close_invoices(
            invoice_ids=[pk], at=timezone.now(), seen={pk: request.POST.get("mark", "")}
        )[0]
        if outcome.refusal:
            context = {"invoice": invoice, "message": outcome.refusal}
            return render(request, "invoicing/invoice_stale.html", context, status=409)
        messages.success(request, f"{outcome.label} is closed.")
        return redirect(invoice)


class InvoiceRecalculateView(PermissionRequiredMixin, View):
    """Calculates anew; harmless, so it does not ask."""

    permission_required = "invoicing.recalculate_invoice"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        invoice = get_object_or_404(Invoice, pk=pk)
        outcome = request_recalculation(invoice_ids=[pk], at=timezone.now())[0]
        if outcome.refusal:
            messages.error(request, outcome.refusal)
        else:
            tasks.enqueue_pending()
            messages.success(request, "The invoice is calculated again; reload in a moment.")
        return redirect(invoice)
