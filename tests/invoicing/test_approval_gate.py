"""Golden example 8: Approve and Close from the day after the period, where the customer is."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_site.kernel.periods import is_past, local_date
from invoicing.models import Invoice
from invoicing.services.approval import close_invoices, lock_invoices, reopen_invoices
from tests import builders
from tests.approvals.cases import AT, open_invoice

pytestmark = pytest.mark.django_db
ZONES = ["Europe/Berlin", "UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"]


def invoice_in(zone: str, to: dt.date) -> Invoice:
    return open_invoice(builders.make_customer(time_zone=zone), period_to=to)


# Midnight of 1 February where the customer is, in UTC.
MIDNIGHTS = {
    "Europe/Berlin": dt.datetime(2026, 1, 31, 23, tzinfo=dt.UTC),
    "UTC": dt.datetime(2026, 2, 1, 0, tzinfo=dt.UTC),
    "America/Los_Angeles": dt.datetime(2026, 2, 1, 8, tzinfo=dt.UTC),
    "Pacific/Kiritimati": dt.datetime(2026, 1, 31, 10, tzinfo=dt.UTC),
}


@pytest.mark.requirement("CB-66", "X-9", "CB-31", "K-4")
@pytest.mark.parametrize("service", [lock_invoices, close_invoices])
@pytest.mark.parametrize("zone", MIDNIGHTS)
def test_the_gate_opens_at_midnight_where_the_customer_is(zone, service):
    invoice = invoice_in(zone, dt.date(2026, 1, 31))
    before, after = MIDNIGHTS[zone] - dt.timedelta(microseconds=1), MIDNIGHTS[zone]

    refused = service(invoice_ids=[invoice.pk], at=before)[0]
    assert "ends on 31 January 2026 and it is 31 January 2026 where the customer is" in (
        refused.refusal
    )
    assert not Invoice.objects.ready_to_approve(before).exists()
    assert Invoice.objects.get(pk=invoice.pk).status == "open"

    assert Invoice.objects.ready_to_approve(after).get() == invoice
    assert service(invoice_ids=[invoice.pk], at=after)[0].is_done


@pytest.mark.requirement("X-9")
def test_without_a_moment_the_gate_asks_the_clock():
    today = dt.datetime.now(dt.UTC).date()
    past = open_invoice(period_to=today - dt.timedelta(days=2))
    open_invoice(period_to=today + dt.timedelta(days=2))
    assert list(Invoice.objects.ready_to_approve()) == [past]


@pytest.mark.requirement("X-9")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    moment=st.datetimes(
        dt.datetime(2025, 3, 1), dt.datetime(2026, 12, 1), timezones=st.just(dt.UTC)
    ),
    zone=st.sampled_from(ZONES),
    days=st.integers(-2, 1),
)
def test_the_database_and_the_kernel_agree_on_what_is_past(moment, zone, days):
    to = local_date(moment, zone) + dt.timedelta(days=days)
    invoice = builders.make_invoice(
        builders.make_customer(time_zone=zone),
        status="open",
        period_from=to - dt.timedelta(days=27),
        period_to=to,
    )
    row = Invoice.objects.with_period_past(moment).get(pk=invoice.pk)
    assert row.is_past == is_past(to, local_date(moment, zone))


@pytest.mark.requirement("CB-13", "CB-64", "K-14")
def test_closing_gives_no_number_and_is_for_good():
    invoice = builders.make_invoice(status="open")  # empty ones too
    assert close_invoices(invoice_ids=[invoice.pk], at=AT)[0].is_done
    invoice = Invoice.objects.get(pk=invoice.pk)
    assert (invoice.status, invoice.number, invoice.ledger_entry) == ("closed", None, None)
    assert "closed for good" in close_invoices(invoice_ids=[invoice.pk], at=AT)[0].refusal
    assert "closed for good" in lock_invoices(invoice_ids=[invoice.pk], at=AT)[0].refusal


@pytest.mark.requirement("X-4", "CB-11")
def test_an_invoice_in_approval_is_rejected_before_it_is_closed():
    invoice = open_invoice()
    lock_invoices(invoice_ids=[invoice.pk], at=AT)
    assert "reject it before" in close_invoices(invoice_ids=[invoice.pk], at=AT)[0].refusal
    assert reopen_invoices(invoice_ids=[invoice.pk], at=AT)[0].is_done
    assert Invoice.objects.get(pk=invoice.pk).status == "pending"
    assert "not in approval" in reopen_invoices(invoice_ids=[invoice.pk], at=AT)[0].refusal
