"""The card of the home page about order lines that somebody has to work on (L-13, D-14)."""

from typing import Any

from django import template
from django.conf import settings
from django.template.context import RequestContext
from django.urls import reverse
from django.utils import timezone

from billing_site.kernel.periods import local_date
from orders.enums import TRIGGER_DATES
from orders.models import OrderLine
from orders.selectors.home import AGED_DAYS, work_stacks

register = template.Library()


@register.inclusion_tag("web/_card.html", takes_context=True)
def work_stacks_card(context: RequestContext) -> dict[str, Any]:
    """At most twelve queries, whatever the number of lines; none without the permission."""
    if not context["request"].user.has_perm("orders.view_orderline"):
        return {"lines": []}
    now = timezone.now()
    stacks = work_stacks(at=now, today=local_date(now, settings.TIME_ZONE))
    url = reverse("orders:line-list")
    lines = [
        _line(f"Ready to Bill on {platform}", count, f"{url}?ready_on={platform.pk}", "blue")
        for platform, count in stacks.ready
    ]
    aged = f"Ready for more than {AGED_DAYS} days"
    lines += [
        _line(aged, stacks.aged, f"{url}?quick=aged", "red"),
        _line("To be converted", stacks.conversion, f"{url}?quick=waiting_conversion", "amber"),
        _line("Without CLI", stacks.cli, f"{url}?quick=waiting_cli", "amber"),
    ]
    for item_type, count in stacks.dates:
        date = OrderLine._meta.get_field(TRIGGER_DATES[item_type]).verbose_name
        address = f"{url}?quick=waiting_date&item_type={item_type}"
        lines.append(_line(f"Without {date}", count, address, "amber"))
    lines += [
        _line("Date to come", stacks.future, f"{url}?quick=waiting_future"),
        _line("To be set by hand", stacks.by_hand, f"{url}?quick=waiting_hand", "amber"),
        _line("Do Not Bill", stacks.do_not_bill, f"{url}?quick=do_not_bill"),
    ]
    lines = [line for line in lines if line["count"]]
    return {
        "key": "work-stacks",
        "icon": "stack-2",
        "title": "Charges of orders",
        "url": url,
        "lines": lines,
        "note": "" if lines else "No charge with a billing route waits for anything.",
    }


def _line(label: str, count: int, url: str, tone: str = "") -> dict[str, Any]:
    return {"label": label, "count": count, "url": url, "tone": tone}
