"""Approve and Reject for one invoice (CB-102..CB-110, X-4)."""

from abc import ABC, abstractmethod
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from approvals import selectors
from approvals.errors import Stale
from approvals.forms import DecisionForm
from approvals.services import single
from billing_site.kernel.errors import DomainError
from invoicing import tasks
from invoicing.models import Invoice
from invoicing.services.approval import Outcome


class DecisionView(LoginRequiredMixin, PermissionRequiredMixin, View, ABC):
    """Shows what is decided upon and asks; then decides, and returns to the invoice."""

    http_method_names = ["get", "post"]
    template_name = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, self._invoice(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        invoice = self._invoice(pk)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._page(request, invoice, form=form, status=422)
        try:
            outcome = self.decide(
                invoice_id=pk,
                mark=form.cleaned_data["mark"],
                note=form.cleaned_data["note"],
                by=request.user,
                at=timezone.now(),
            )
        except Stale as changed:
            context = {"invoice": invoice, "message": str(changed)}
            return render(request, "invoicing/invoice_stale.html", context, status=409)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(invoice)
        self.after(outcome)
        return redirect(invoice)

    @abstractmethod
    def decide(self, **arguments: Any) -> Outcome:
        """One call of a service."""

    def after(self, outcome: Outcome) -> None:
        """Say what happened, and have the workers hear of it."""

    def _invoice(self, pk: int) -> Invoice:
        rows = Invoice.objects.select_related("customer", "contract").with_period_past()
        return get_object_or_404(rows, pk=pk)

    def _page(
        self,
        request: HttpRequest,
        invoice: Invoice,
        *,
        form: DecisionForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        action = selectors.next_action(invoice=invoice, user=request.user)
        context = {
            "invoice": invoice,
            "action": action,
            "form": form or DecisionForm(initial={"mark": action.mark}),
            "reviews": selectors.reviews_of(invoice),
        }
        return render(request, self.template_name, context, status=status)


class InvoiceApproveView(DecisionView):
    permission_required = "invoicing.view_invoice"
    template_name = "approvals/invoice_approve.html"

    def decide(self, **arguments: Any) -> Outcome:
        return single.approve(**arguments)

    def after(self, outcome: Outcome) -> None:
        if outcome.number:
            tasks.enqueue_documents()
            messages.success(self.request, f"Invoice {outcome.number} is approved.")
        else:
            messages.success(
                self.request, f"{outcome.label} went on to the next reviewer for approval."
            )


class InvoiceRejectView(DecisionView):
    permission_required = "approvals.approve_invoice"
    template_name = "approvals/invoice_reject.html"

    def decide(self, **arguments: Any) -> Outcome:
        return single.reject(**arguments)

    def after(self, outcome: Outcome) -> None:
        tasks.enqueue_pending()
        messages.success(self.request, f"{outcome.label} was sent back.")
