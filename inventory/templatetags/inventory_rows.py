"""Catalogue items and categories in words and rows."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_site.kernel.money import format_quantity
from billing_site.web.templatetags.quittance import NOTHING
from inventory.models import BillingPlatform, ProductCategory
from inventory.selectors import CategoryNode

register = template.Library()


@register.filter
def price(value: Decimal | None) -> SafeString:
    """A catalogue price: two decimals or more, never cut; it has the currency of the contract."""
    if value is None:
        return NOTHING
    whole, _, decimals = f"{value.normalize():,f}".partition(".")
    return format_html('<span class="money">{}.{}</span>', whole, decimals.ljust(2, "0"))


@register.filter
def quantity(value: Decimal) -> str:
    """A quantity without the zeros that only fill up decimals."""
    return format_quantity(value)


@register.inclusion_tag("inventory/_route.html", takes_context=True)
def route(context: RequestContext, platform: BillingPlatform | None) -> dict[str, Any]:
    """A billing route with the notes and the link of its platform; an empty one is in-house."""
    may_see = context["request"].user.has_perm("inventory.view_billingplatform")
    return {"platform": platform, "may_see": may_see}


@register.inclusion_tag("inventory/_tree_links.html")
def category_links(
    nodes: Sequence[CategoryNode], current: ProductCategory | None
) -> dict[str, list[dict[str, Any]]]:
    """The tree of categories as nested links, open on the way to the current one."""
    roots: list[dict[str, Any]] = []
    by_id: dict[int, dict[str, Any]] = {}
    for node in nodes:
        branch = {
            "pk": node.category.pk,
            "name": node.category.name,
            "count": node.items,
            "is_open": node.is_open,
            "is_root": node.category.parent_id is None,
            "is_current": current is not None and node.category.pk == current.pk,
            "children": [],
        }
        by_id[node.category.pk] = branch
        above = by_id.get(node.category.parent_id)
        (above["children"] if above else roots).append(branch)
    return {"branches": roots}
