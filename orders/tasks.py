"""What beat and workers do on the orders floor."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing_site.kernel.periods import local_date
from orders.services.statuses import fire_due_dates


@shared_task(name="orders.fire_due_dates")
def fire_due_dates_task() -> int:
    """Dates of order lines that have come; how many tracks became Ready to Bill."""
    now = timezone.now()
    return fire_due_dates(at=now, today=local_date(now, settings.TIME_ZONE))
