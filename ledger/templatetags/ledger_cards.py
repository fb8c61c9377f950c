"""Cards of the ledger floor for the home page."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.http import urlencode

from billing_site.kernel.money import format_money_with_currency
from ledger import selectors

register = template.Library()


@register.inclusion_tag("web/_card.html", takes_context=True)
def customers_card(context: RequestContext) -> dict[str, Any]:
    """Customers by the quick searches of their list; nothing without the right to see them."""
    if not context["request"].user.has_perm("ledger.view_customer"):
        return {"lines": []}
    counts = selectors.customer_counts()
    url = reverse("ledger:customer-list")
    return {
        "key": "customers",
        "icon": "users",
        "title": "Customers",
        "url": url,
        "lines": [
            {"label": "All", "count": counts["total"], "url": url},
            {"label": "New in 30 days", "count": counts["new"], "url": f"{url}?quick=new"},
            {
                "label": "Billing suspended",
                "count": counts["suspended"],
                "url": f"{url}?quick=suspended",
                "tone": "amber" if counts["suspended"] else "",
            },
            {
                "label": "Without a contract",
                "count": counts["orphaned"],
                "url": f"{url}?quick=orphaned",
                "tone": "amber" if counts["orphaned"] else "",
            },
        ],
    }


@register.inclusion_tag("web/_card.html", takes_context=True)
def balances_card(context: RequestContext) -> dict[str, Any]:
    """What customers owe, one line per currency (K-15)."""
    if not context["request"].user.has_perm("ledger.view_ledgerentry"):
        return {"lines": []}
    url = reverse("ledger:entry-list")
    lines = [
        {
            "label": f"Owed in {line['currency']}",
            "text": format_money_with_currency(line["owed"], line["currency"]),
            "url": f"{url}?{urlencode({'currency': line['currency']})}",
        }
        for line in selectors.open_balances()
    ]
    return {
        "key": "balances",
        "icon": "scale",
        "title": "Open balances",
        "url": url,
        "lines": lines,
        "note": "" if lines else "Every account is settled.",
    }
