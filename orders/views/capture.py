"""Data Capture: the lines of an order as a grid to type into (D-04, L-28..L-31)."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.periods import local_date
from orders.forms.capture import BILLING, CaptureForm
from orders.models import OrderLine, SalesOrder
from orders.rules import effective_bill_start
from orders.selectors.lines import last_changes, tracks_of, versions_of, with_parts
from orders.services.capture import CaptureRefused, capture_lines

MAY_WRITE = "orders.change_orderline"
MAY_BILL = "orders.update_billing"


class DataCaptureView(PermissionRequiredMixin, View):
    """One row per line; saved in one go, or not at all."""

    permission_required = "orders.view_orderline"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        order, lines = _order_with_lines(pk)
        return self._page(request, order, lines, self._forms(request, order, lines))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        may_bill = request.user.has_perm(MAY_BILL)
        if not request.user.has_perm(MAY_WRITE):
            raise PermissionDenied
        if not may_bill and any(key.endswith(BILLING) for key in request.POST):
            raise PermissionDenied  # the page of somebody without the role has no such field
        order, lines = _order_with_lines(pk)
        forms = self._forms(request, order, lines, request.POST)
        touched = [form for form in forms if form.is_touched]
        invalid = [form for form in touched if not form.is_valid()]
        if invalid:
            messages.error(request, "Nothing was saved: look at the cells marked below.")
            return self._page(request, order, lines, forms, status=422)
        try:
            changed = capture_lines(
                rows=[form.captured() for form in touched], by=request.user, at=timezone.now()
            )
        except CaptureRefused as refusal:
            messages.error(request, str(refusal))
            for form in forms:
                for name, sentences in refusal.by_line.get(form.line.pk, {}).items():
                    form.add_error(name if name in form.fields else None, list(sentences))
            return self._page(request, order, lines, forms, status=409)
        if changed:
            lines_word = "line is" if changed == 1 else "lines are"
            messages.success(request, f"{changed} {lines_word} saved.")
        else:
            messages.info(request, "Nothing was changed.")
        return redirect("orders:data-capture", pk=pk)

    def _forms(
        self, request: HttpRequest, order: SalesOrder, lines: list[OrderLine], data=None
    ) -> list[CaptureForm]:
        versions = versions_of(lines)
        return [
            CaptureForm(
                data,
                line=line,
                country=order.customer.country,
                version=versions.get(line.pk, 0),
                may_update_billing=request.user.has_perm(MAY_BILL),
            )
            for line in lines
        ]

    def _page(
        self,
        request: HttpRequest,
        order: SalesOrder,
        lines: list[OrderLine],
        forms: list[CaptureForm],
        *,
        status: int = 200,
    ) -> HttpResponse:
        today = local_date(timezone.now(), settings.TIME_ZONE)
        changes = last_changes(lines)
        rows = [
            {
                "line": line,
                "form": form,
                "tracks": tracks_of(line, today=today),
                "start": effective_bill_start(line.bill_start_computed, line.bill_start_override),
                "change": changes.get(line.pk),
            }
            for line, form in zip(lines, forms, strict=True)
        ]
        context = {
            "order": order,
            "rows": rows,
            "may_write": request.user.has_perm(MAY_WRITE),
            "may_bill": request.user.has_perm(MAY_BILL),
        }
        return render(request, "orders/data_capture.html", context, status=status)


def _order_with_lines(pk: int) -> tuple[SalesOrder, list[OrderLine]]:
    order = get_object_or_404(SalesOrder.objects.select_related("customer", "contract"), pk=pk)
    lines = list(with_parts(order.lines.all()))
    for line in lines:
        line.order = order
    return order, lines
