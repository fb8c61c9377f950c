"""Lines that are Ready to Bill, and a clerk at Billing Export, for tests."""

import datetime as dt

from django.contrib.auth.models import Permission

from billing_site.web import jobs
from billing_site.web.models import Job, Selection
from inventory.models import BillingPlatform
from orders.enums import BillStatus
from orders.models import OrderLine
from orders.services.conversion import convert_lines
from tests import builders

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
NB, READY, IN = BillStatus.NOT_BILLED, BillStatus.READY, BillStatus.IN_BILLING
PAGE = "/orders/billing-export/"
NUMBER = "+441632960123"


def make_ready(
    upfront: BillingPlatform | None, recurring: BillingPlatform | None = None, **fields
) -> OrderLine:
    """A converted mobile line; its charges with a route are Ready to Bill."""
    fields.setdefault("cli", NUMBER)
    fields.setdefault("connection_date", TODAY)
    line = builders.make_line(upfront_route=upfront, recurring_route=recurring, **fields)
    convert_lines(line_ids=[line.pk], by=None, at=NOON)
    return OrderLine.objects.get(pk=line.pk)


def statuses(line: OrderLine) -> tuple[str, str]:
    line = OrderLine.objects.get(pk=line.pk)
    return line.upfront_status, line.recurring_status


def may_export(user) -> None:
    user.user_permissions.add(Permission.objects.get(codename="use_apps_change_queue"))


def choose(desk, query: str, **data):
    """Press Transfer to Billing; the answer of the page."""
    return desk.post(f"{PAGE}?part=bulk{query}", {"action": "transfer"} | data)


def confirm(desk, address: str):
    count = Selection.objects.latest("pk").count
    return desk.post(address.replace("?", "?part=confirm&"), {"count": count})


def run_latest_job() -> Job:
    job = Job.objects.latest("pk")
    assert jobs.run(job_id=job.pk)
    job.refresh_from_db()
    return job
