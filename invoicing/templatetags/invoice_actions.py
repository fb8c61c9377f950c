"""Buttons for what can be done next with an invoice (CB-57, CB-65, X-4)."""

from typing import Any

from django import template
from django.template.context import RequestContext

from invoicing.models import Invoice
from invoicing.tables.invoice_steps import decisions_open_to, may_recalculate, steps_of

register = template.Library()


@register.inclusion_tag("invoicing/_next_steps.html", takes_context=True)
def next_steps(context: RequestContext, invoice: Invoice, labelled: bool = False) -> dict[str, Any]:
    """Buttons for ``invoice``, which carries ``is_past`` (``with_period_past``)."""
    user = context["request"].user
    decisions = decisions_open_to([invoice], user).get(invoice.pk, ())
    return {
        "request": context["request"],
        "csrf_token": context.get("csrf_token"),
        "invoice": invoice,
        "steps": steps_of(invoice, period_is_past=invoice.is_past, user=user, decisions=decisions),
        "recalculate": may_recalculate(invoice, user),
        "labelled": labelled,
    }
