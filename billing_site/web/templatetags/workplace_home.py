"""The workplace's own card on the home page.

Every app offers its cards the same way: an inclusion tag on ``web/_card.html`` in a tag library
``<app>_home``, loaded by name in ``templates/web/home.html``. A card has ``key``, ``icon``,
``title``, ``url``, ``lines`` (each ``label``, ``count``, ``url``, ``tone``) and ``note``; a tag that
has nothing for this user returns no lines and the card is left out by the caller.
"""

from typing import Any

from django import template
from django.db.models import Count, Q
from django.template.context import RequestContext
from django.urls import reverse

from billing_site.web.enums import ACTIVE, RETRYABLE
from billing_site.web.models import Job

register = template.Library()


@register.inclusion_tag("web/_card.html", takes_context=True)
def jobs_card(context: RequestContext) -> dict[str, Any]:
    """The person's own jobs: at work, and ended with something to look at."""
    mine = Job.objects.filter(owner=context["request"].user)
    counts = mine.aggregate(
        active=Count("pk", filter=Q(status__in=ACTIVE)),
        trouble=Count("pk", filter=Q(status__in=RETRYABLE, retried_by=None)),
    )
    url = reverse("web:job-list")
    return {
        "key": "jobs",
        "icon": "list-check",
        "title": "Your jobs",
        "url": url,
        "lines": [
            {"label": "At work", "count": counts["active"], "url": f"{url}?quick=active"},
            {
                "label": "Needs attention",
                "count": counts["trouble"],
                "url": f"{url}?quick=trouble",
                "tone": "amber" if counts["trouble"] else "",
            },
        ],
    }
