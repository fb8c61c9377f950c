"""Cards of the inventory floor for the home page."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse

from inventory import selectors

register = template.Library()


@register.inclusion_tag("web/_card.html", takes_context=True)
def catalogue_card(context: RequestContext) -> dict[str, Any]:
    """Catalogue items by state; nothing without the right to see them."""
    if not context["request"].user.has_perm("inventory.view_catalogueitem"):
        return {"lines": []}
    counts = selectors.item_counts()
    url = reverse("inventory:item-list")
    return {
        "key": "catalogue",
        "icon": "package",
        "title": "Catalogue",
        "url": url,
        "lines": [
            {"label": "Active items", "count": counts["on_sale"], "url": f"{url}?quick=active"},
            {
                "label": "Without a price",
                "count": counts["without_price"],
                "url": f"{url}?quick=without_price",
            },
            {"label": "Inactive", "count": counts["inactive"], "url": f"{url}?quick=inactive"},
        ],
    }
