"""What the inventory floor shows on the pages of the floor below; they load it by name."""

from typing import Any

from django import template
from django.template.context import RequestContext

from inventory.models import Asset
from ledger.models import Customer

register = template.Library()
NEWEST = 6


@register.inclusion_tag("inventory/_customer_assets.html", takes_context=True)
def customer_assets(context: RequestContext, customer: Customer) -> dict[str, Any]:
    """The newest assets of a customer; nothing without assets or the right to see them."""
    if not context["request"].user.has_perm("inventory.view_asset"):
        return {"assets": []}
    newest = Asset.objects.filter(customer=customer).select_related("item").order_by("-pk")
    found = list(newest[: NEWEST + 1])
    return {"customer": customer, "assets": found[:NEWEST], "more": len(found) > NEWEST}
