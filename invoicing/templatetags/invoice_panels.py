"""What invoicing shows on the pages of the floors below; they load it by name."""

from typing import Any

from django import template
from django.template.context import RequestContext

from invoicing.models import Invoice
from ledger.models import Customer

register = template.Library()
NEWEST = 6


@register.inclusion_tag("invoicing/_customer_invoices.html", takes_context=True)
def customer_invoices(context: RequestContext, customer: Customer) -> dict[str, Any]:
    """The newest invoices of a customer; nothing without the right to see invoices."""
    if not context["request"].user.has_perm("invoicing.view_invoice"):
        return {"may_see": False}
    newest = Invoice.objects.filter(customer=customer).order_by("-period_from", "-id")
    found = list(newest[: NEWEST + 1])
    return {
        "may_see": True,
        "customer": customer,
        "invoices": found[:NEWEST],
        "more": len(found) > NEWEST,
        "request": context["request"],
    }
