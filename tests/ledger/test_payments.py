"""Payments entered by hand (H-B2, R6)."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from ledger.errors import PaymentRefused
from ledger.models import LedgerEntry, Payment
from ledger.services.payments import record_payment
from tests import builders

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 6, 1, 8, 30, tzinfo=dt.UTC)


@pytest.fixture
def account():
    return builders.make_customer().contracts.get().account


def pay(account, amount="89.25", **fields) -> Payment:
    fields.setdefault("operation", uuid.uuid4())
    fields.setdefault("method", "bank_transfer")
    return record_payment(account=account, amount=Decimal(amount), at=AT, **fields)


@pytest.mark.requirement("H-B2", "B-9", "B-20", "B-23")
def test_a_payment_lowers_the_balance_and_names_its_transaction(account):
    payment = pay(account, transaction_reference="TX-77", booking_date=dt.date(2026, 5, 30))
    entry = payment.entry
    assert (entry.type, entry.amount, entry.balance) == (
        "Payment",
        Decimal("-89.25"),
        Decimal("-89.25"),
    )
    assert entry.description == "Transaction: TX-77"
    assert (entry.booking_date, entry.timestamp) == (dt.date(2026, 5, 30), AT)


@pytest.mark.requirement("H-B2")
def test_without_a_booking_date_it_is_booked_today_where_the_firm_is(account):
    at = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)  # 1 June in Berlin
    payment = record_payment(
        account=account, operation=uuid.uuid4(), method="cash", amount=Decimal("1.00"), at=at
    )
    assert payment.booking_date == dt.date(2026, 6, 1)
    assert payment.entry.description == f"Transaction: {payment.pk}"


def test_the_same_form_sent_twice_records_one_payment(account):
    operation = uuid.uuid4()
    first = pay(account, operation=operation)
    assert pay(account, operation=operation).pk == first.pk
    assert (Payment.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_the_same_operation_with_another_amount_is_refused(account):
    operation = uuid.uuid4()
    pay(account, operation=operation)
    with pytest.raises(PaymentRefused, match=r"recorded a payment of 89\.25"):
        pay(account, "90.00", operation=operation)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": "0"}, "above zero"),
        ({"amount": "-5.00"}, "above zero"),
        ({"amount": "NaN"}, "above zero"),
        ({"amount": "Infinity"}, "above zero"),
        ({"amount": "1000000000000"}, "below one trillion"),
        ({"amount": "1.005"}, "EUR has 2 decimals"),
        ({"booking_date": dt.date(2026, 6, 2)}, "in the future"),
        ({"method": "barter"}, "no method of payment"),
    ],
)
def test_what_cannot_be_booked_is_refused_with_a_reason(account, fields, reason):
    with pytest.raises(PaymentRefused, match=reason):
        pay(account, **fields)
    assert not Payment.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_the_smallest_amount_is_taken(account):
    assert pay(account, "0.01").entry.balance == Decimal("-0.01")
