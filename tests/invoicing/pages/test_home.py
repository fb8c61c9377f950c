"""The cards of the home page (H-CB13)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from invoicing.enums import InvoiceStatus
from invoicing.models import ImportBatch, Invoice
from invoicing.selectors.home import approved_invoices, invoice_figures
from tests import builders

HOME = reverse("web:home")
AT = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)  # 00:00 of the 1st to 02:00 of the 2nd locally
D = Decimal
CALCULATED = {"status": "open", "calculated_at": AT}


def an_open_invoice(total: str = "119", **fields) -> Invoice:
    zone = fields.pop("time_zone", "Europe/Berlin")
    currency = fields.pop("currency", "EUR")
    customer = builders.make_customer(currency=currency, time_zone=zone)
    return builders.make_invoice(
        customer, gross_total=D(total), net_total=D(total), **CALCULATED | fields
    )


@pytest.mark.requirement("H-CB13", "X-9")
@pytest.mark.parametrize(
    ("zone", "period_to", "ready"),
    [
        ("Europe/Berlin", dt.date(2026, 1, 31), 1),
        ("Europe/Berlin", dt.date(2026, 2, 1), 0),  # today is not past
        ("Pacific/Kiritimati", dt.date(2026, 2, 1), 1),  # there it is the 2nd already
        ("Pacific/Kiritimati", dt.date(2026, 2, 2), 0),
        ("Pacific/Pago_Pago", dt.date(2026, 1, 31), 1),
        ("Pacific/Pago_Pago", dt.date(2026, 2, 1), 0),
        ("Europe/Berlin", dt.date(2025, 12, 31), 1),
        ("Europe/Berlin", dt.date(2026, 12, 31), 0),
    ],
)
def test_ready_is_what_ended_before_today_where_the_customer_is(db, zone, period_to, ready):
    an_open_invoice(time_zone=zone, period_to=period_to, period_from=dt.date(2025, 12, 1))
    figures = invoice_figures(at=AT)
    assert figures.ready == ready == Invoice.objects.ready_to_approve(AT).count()
    assert figures.ready_totals == ({"EUR": D("119")} if ready else {})
    assert figures.by_status[InvoiceStatus.OPEN] == 1


@pytest.mark.requirement("H-CB13", "K-15")
def test_the_totals_of_unlike_currencies_stand_apart(db):
    past = {"period_from": dt.date(2026, 1, 1), "period_to": dt.date(2026, 1, 31)}
    for currency, total in (("EUR", "1.10"), ("EUR", "2.20"), ("JPY", "500"), ("USD", "-4")):
        an_open_invoice(total, currency=currency, **past)
    # at the border of today, which is asked for apart
    border = {"period_from": dt.date(2026, 1, 1), "period_to": dt.date(2026, 2, 1)}
    an_open_invoice("0.70", time_zone="Pacific/Kiritimati", **border)
    builders.make_invoice(gross_total=9, net_total=9, **past)  # pending
    figures = invoice_figures(at=AT)
    assert figures.ready == 5
    assert figures.ready_totals == {"EUR": D("4.00"), "JPY": D(500), "USD": D(-4)}
    assert figures.by_status[InvoiceStatus.PENDING] == 1


@pytest.mark.requirement("H-CB13")
def test_the_cards_lead_to_the_lists_they_count(finance):
    an_open_invoice("10.5", period_from=dt.date(2026, 1, 1), period_to=dt.date(2026, 1, 31))
    builders.make_invoice(status="error", error="No price.")
    builders.make_purchase(unmapped_reason="unknown_customer")
    ImportBatch.objects.create(
        file="imports/a.csv", filename="calls.csv", digest="d", status="committed", rows_new=1200
    )
    text = finance.get(HOME).content.decode()
    invoices, purchases = reverse("invoicing:invoice-list"), reverse("invoicing:purchase-list")
    for address in (
        f"{invoices}?quick=ready",
        f"{invoices}?quick=problem",
        f"{invoices}?status=pending",
        f"{purchases}?quick=unmapped&amp;reason=unknown_customer",
    ):
        assert f'href="{address}"' in text
    for words in ("10.50 EUR", "1,200 rows", "no invoice should be pending or in error"):
        assert words in text
    for address in (f"{invoices}?quick=problem", f"{purchases}?reason=unknown_customer"):
        assert len(finance.get(address).context["page"].rows) == 1


def test_what_one_may_not_see_makes_no_card(stranger):
    text = stranger.get(HOME).content.decode()
    assert "Ready to approve" not in text
    assert "Unmapped" not in text
    assert "Your jobs" in text


@pytest.mark.requirement("H-CB13")
def test_the_home_page_makes_the_same_number_of_queries_whatever_there_is(finance):
    finance.get(HOME)
    with CaptureQueriesContext(connection) as empty:
        finance.get(HOME)
    for currency in ("EUR", "USD", "JPY"):
        an_open_invoice(currency=currency)
        builders.make_invoice()
        for reason in ("unknown_customer", "no_invoice"):
            builders.make_purchase(unmapped_reason=reason)
        ImportBatch.objects.create(file="a", filename=currency, digest="d")
    with CaptureQueriesContext(connection) as full:
        finance.get(HOME)
    assert len(full) == len(empty)


def test_closed_invoices_are_counted_as_complete(db):
    an_open_invoice()
    Invoice.objects.update(status="closed")
    figures = invoice_figures(at=AT)
    assert figures.complete == Invoice.objects.complete().count() == 1
    assert approved_invoices() == 0
