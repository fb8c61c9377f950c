"""Sales orders on the pages of lower floors, which load this by name."""

from typing import Any

from django import template
from django.db.models import Count
from django.template.context import RequestContext

from inventory.models import Asset
from ledger.models import Customer
from orders.models import OrderLine, SalesOrder

register = template.Library()
ORDERS_SHOWN = 5


@register.inclusion_tag("orders/_customer_orders.html", takes_context=True)
def customer_orders(context: RequestContext, customer: Customer) -> dict[str, Any]:
    """The newest orders of a customer; one query, none without the permission."""
    user = context["request"].user
    if not user.has_perm("orders.view_salesorder"):
        return {"may_see": False}
    rows = SalesOrder.objects.filter(customer=customer).annotate(line_count=Count("lines"))
    orders = list(rows.order_by("-id")[: ORDERS_SHOWN + 1])
    return {
        "may_see": True,
        "customer": customer,
        "orders": orders[:ORDERS_SHOWN],
        "more": len(orders) > ORDERS_SHOWN,
        "may_add": user.has_perm("orders.add_salesorder"),
    }


@register.inclusion_tag("orders/_asset_line.html", takes_context=True)
def asset_line(context: RequestContext, asset: Asset) -> dict[str, Any]:
    """The order line that an asset was converted from, with its bill statuses."""
    user = context["request"].user
    if not user.has_perm("orders.view_orderline"):
        return {"line": None}
    rows = OrderLine.objects.select_related("order", "item", "upfront_route", "recurring_route")
    return {"line": rows.filter(asset=asset).first()}
