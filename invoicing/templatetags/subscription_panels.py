"""Recurring charges on the pages of contracts and assets, which load this by name."""

from typing import Any

from django import template
from django.template.context import RequestContext

from inventory.models import Asset
from invoicing.models import Purchase, SubscriptionItem
from ledger.models import Contract

register = template.Library()
SHOWN = 6
RELATED = ("subscription__contract", "item", "asset", "order_line__order")


@register.inclusion_tag("invoicing/_contract_subscriptions.html", takes_context=True)
def contract_subscriptions(context: RequestContext, contract: Contract) -> dict[str, Any]:
    """The newest recurring charges of a contract; one query, none without the permission."""
    if not context["request"].user.has_perm("invoicing.view_subscriptionitem"):
        return {"items": []}
    rows = SubscriptionItem.objects.filter(subscription__contract=contract)
    found = list(rows.select_related(*RELATED).order_by("-id")[: SHOWN + 1])
    return {"contract": contract, "items": found[:SHOWN], "more": len(found) > SHOWN}


@register.inclusion_tag("invoicing/_asset_charges.html", takes_context=True)
def asset_charges(context: RequestContext, asset: Asset) -> dict[str, Any]:
    """How an asset is billed here: up-front charge and recurring charge; two queries at most."""
    user = context["request"].user
    item = charge = None
    if user.has_perm("invoicing.view_subscriptionitem"):
        item = SubscriptionItem.objects.select_related(*RELATED).filter(asset=asset).first()
    if user.has_perm("invoicing.view_purchase"):
        charges = Purchase.objects.filter(order_line__asset=asset, track="upfront")
        charge = charges.select_related("invoice").defer("invoice__document_data").first()
    return {"asset": asset, "item": item, "charge": charge}
