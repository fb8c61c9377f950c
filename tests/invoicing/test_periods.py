"""Every customer has its invoices, from Bill From to the period of today."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invoicing.models import Invoice
from invoicing.services import periods
from ledger.models import Contract, Customer
from tests import builders

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 5, 10, 12, tzinfo=dt.UTC)


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def make(at: dt.datetime = NOON, **how) -> int:
    return periods.create_due_invoices(at=at, **how)


def dates(customer: Customer | Contract) -> list[tuple[str, str]]:
    rows = customer.invoices.order_by("contract_id", "period_from")
    return [(str(i.period_from), str(i.period_to)) for i in rows]


@pytest.mark.requirement("CB-1", "CB-5", "CB-15", "CB-17", "CB-19", "CB-26")
def test_a_customer_has_every_month_from_bill_from_to_the_current_one():
    customer = builders.make_customer(bill_from=d("2026-03-20"))
    assert make() == 3
    assert dates(customer) == [
        ("2026-03-01", "2026-03-31"),
        ("2026-04-01", "2026-04-30"),
        ("2026-05-01", "2026-05-31"),
    ]
    invoice = customer.invoices.get(period_from=d("2026-04-01"))
    assert (invoice.status, invoice.type, invoice.currency) == ("pending", "periodical", "EUR")
    assert invoice.invoice_date == d("2026-05-01")


@pytest.mark.requirement("CB-16")
def test_a_second_run_makes_nothing_and_the_next_month_one():
    customer = builders.make_customer(bill_from=d("2026-05-01"))
    assert make() == 1
    assert make() == 0
    assert make(dt.datetime(2026, 5, 31, 12, tzinfo=dt.UTC)) == 0
    assert make(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)) == 1
    assert dates(customer)[-1] == ("2026-06-01", "2026-06-30")


@pytest.mark.requirement("X-9", "K-4")
def test_today_is_where_the_customer_is():
    at = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)  # 1 June in Berlin, 31 May in New York
    start = {"bill_from": d("2026-05-01")}
    berlin = builders.make_customer(time_zone="Europe/Berlin", **start)
    york = builders.make_customer(time_zone="America/New_York", **start)
    make(at)
    assert len(dates(berlin)) == 2
    assert len(dates(york)) == 1


@pytest.mark.requirement("H-CB6")
def test_a_suspended_customer_gets_none_until_it_is_resumed():
    customer = builders.make_customer(
        bill_from=d("2026-04-01"), suspended=True, suspended_reason="moving"
    )
    assert make() == 0
    Customer.objects.filter(pk=customer.pk).update(suspended=False)
    assert make() == 2


@pytest.mark.requirement("H-CB6")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"frequency_count": 3}, [("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-30")]),
        (
            {"align_with_calendar": False, "bill_from": d("2026-03-31")},
            [("2026-03-31", "2026-04-29"), ("2026-04-30", "2026-05-30")],
        ),
        ({"frequency_unit": "year"}, [("2026-01-01", "2026-12-31")]),
        ({"bill_from": d("2026-05-31")}, [("2026-05-01", "2026-05-31")]),
        ({"bill_from": d("2026-06-01")}, []),
        (
            {"bill_from": d("2026-05-11"), "align_with_calendar": False},
            [],
        ),
    ],
)
def test_periods_follow_the_frequency(fields, expected):
    customer = builders.make_customer(**({"bill_from": d("2026-02-10")} | fields))
    make()
    assert dates(customer) == expected


@pytest.mark.requirement("H-CB6")
def test_a_new_frequency_goes_on_where_the_old_one_ended():
    customer = builders.make_customer(bill_from=d("2026-04-01"))
    make()  # April, May
    Customer.objects.filter(pk=customer.pk).update(frequency_count=3)
    make(dt.datetime(2026, 6, 2, 12, tzinfo=dt.UTC))
    assert dates(customer)[-1] == ("2026-06-01", "2026-06-30")
    make(dt.datetime(2026, 7, 2, 12, tzinfo=dt.UTC))
    assert dates(customer)[-1] == ("2026-07-01", "2026-09-30")


@pytest.mark.requirement("X-12")
def test_a_further_contract_is_billed_from_its_start_on():
    customer = builders.make_customer(bill_from=d("2026-04-01"))
    started = builders.make_contract(customer, currency="USD", starts_on=d("2026-05-10"))
    later = builders.make_contract(customer, currency="CHF", starts_on=d("2026-05-11"))
    ended = builders.make_contract(
        customer, starts_on=d("2026-03-05"), ends_on=d("2026-04-30"), currency="USD"
    )
    undated = builders.make_contract(customer)
    make()
    assert len(dates(customer.contracts.get(is_default=True))) == 2
    assert dates(started) == [("2026-05-01", "2026-05-31")]
    assert started.invoices.get().currency == "USD"
    assert dates(later) == []
    assert dates(ended) == [("2026-04-01", "2026-04-30")]
    assert len(dates(undated)) == 2
    assert make() == 0


@pytest.mark.requirement("K-9")
def test_a_contract_is_billed_including_its_last_day():
    customer = builders.make_customer(
        bill_from=d("2026-04-01"), contract_fields={"ends_on": d("2026-05-01")}
    )
    make()
    assert len(dates(customer)) == 2
    assert make(dt.datetime(2026, 6, 10, tzinfo=dt.UTC)) == 0


@pytest.mark.requirement("CB-15")
def test_one_customer_can_be_asked_for():
    one, other = (builders.make_customer(bill_from=d("2026-05-01")) for _ in range(2))
    assert make(customer_ids=[one.pk]) == 1
    assert dates(other) == []
    assert make(customer_ids=[]) == 0


def test_an_ad_hoc_invoice_does_not_stand_in_for_the_period():
    customer = builders.make_customer(bill_from=d("2026-05-01"))
    builders.make_invoice(
        customer,
        type="ad_hoc",
        reference="A1",
        period_from=d("2026-05-01"),
        period_to=d("2026-12-31"),
    )
    assert make() == 1


def test_a_bill_from_long_ago_delays_nobody(monkeypatch):
    monkeypatch.setattr(periods, "MAX_PERIODS", 3)
    old = builders.make_customer(bill_from=d("2025-01-01"))
    new = builders.make_customer(bill_from=d("2026-05-01"))
    assert make() == 4
    assert make() == 3
    assert len(dates(new)) == 1
    assert dates(old)[-1] == ("2025-06-01", "2025-06-30")


def test_an_impossible_period_stops_one_contract_only(caplog):
    strange = builders.make_customer(
        bill_from=d("9999-12-01"),
        align_with_calendar=False,
    )
    fine = builders.make_customer(bill_from=d("9999-12-01"), frequency_unit="day")
    at = dt.datetime(9999, 12, 3, 12, tzinfo=dt.UTC)
    assert make(at) == 3
    assert (len(dates(strange)), len(dates(fine))) == (0, 3)
    assert "gets no invoices" in caplog.text


@pytest.mark.requirement("CB-16")
def test_the_number_of_queries_does_not_depend_on_the_number_of_customers():
    def count(customers: int) -> int:
        for _ in range(customers):
            builders.make_customer(bill_from=d("2026-03-01"))
        with CaptureQueriesContext(connection) as queries:
            assert make() == customers * 3
        return len(queries)

    assert count(1) == count(15) <= 7
    with CaptureQueriesContext(connection) as queries:
        assert make() == 0
    assert len(queries) == 2


def test_many_customers_go_in_batches(monkeypatch):
    monkeypatch.setattr(periods, "BATCH_SIZE", 2)
    for _ in range(5):
        builders.make_customer(bill_from=d("2026-05-01"))
    assert make() == 5
    assert Invoice.objects.count() == 5
