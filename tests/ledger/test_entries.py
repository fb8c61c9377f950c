"""Posting to ledgers: sequence, balance, once per fact (R2, R4, B-8..B-24)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from ledger.errors import LedgerEntryConflict, PostingRefused
from ledger.models import ContractAccount, LedgerEntry
from ledger.services.entries import Posting, post_entries
from tests import builders

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 6, 1, 8, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 6, 1)


def account(currency="EUR") -> ContractAccount:
    return builders.make_customer(currency=currency).contracts.get().account


def posting(to: ContractAccount, amount: str, fact: str, **fields) -> Posting:
    amount = Decimal(amount)
    fields.setdefault("type", "Receivable" if amount >= 0 else "CreditMemo")
    fields.setdefault("currency", "EUR")
    return Posting(
        account_id=to.pk,
        fact=fact,
        description=fact,
        amount=amount,
        booking_date=TODAY,
        **fields,
    )


@pytest.mark.requirement("B-10", "B-11", "B-20", "B-21", "B-22", "K-13")
def test_entries_continue_sequence_and_running_balance():
    one, other = account(), account()
    post_entries(
        postings=[
            posting(one, "89.25", "invoice:1"),
            posting(other, "10.00", "invoice:2"),
            posting(one, "-9.25", "invoice:3"),
        ],
        at=AT,
    )
    post_entries(postings=[posting(one, "20.00", "invoice:4")], at=AT)

    ledger = LedgerEntry.objects.filter(account=one).newest_first()
    assert [(entry.sequence, entry.amount, entry.balance) for entry in ledger] == [
        (3, Decimal("20.00"), Decimal("100.00")),
        (2, Decimal("-9.25"), Decimal("80.00")),
        (1, Decimal("89.25"), Decimal("89.25")),
    ]
    one.refresh_from_db()
    assert (one.balance, one.last_sequence) == (Decimal("100.00"), 3)
    other.refresh_from_db()
    assert other.balance == Decimal("10.00")


def test_a_fact_posted_again_gives_the_first_entry():
    to = account()
    first = post_entries(postings=[posting(to, "5.00", "invoice:1")], at=AT)
    again = post_entries(
        postings=[posting(to, "5.00", "invoice:1"), posting(to, "7.00", "invoice:2")], at=AT
    )
    assert again[0].pk == first[0].pk
    assert again[1].balance == Decimal("12.00")
    assert LedgerEntry.objects.filter(account=to).count() == 2


def test_the_same_fact_twice_in_one_call_is_posted_once():
    to = account()
    entries = post_entries(postings=[posting(to, "5.00", "f:1"), posting(to, "5.00", "f:1")], at=AT)
    assert entries[0] is entries[1]
    assert LedgerEntry.objects.count() == 1


def test_the_same_fact_with_another_amount_is_refused_and_nothing_is_posted():
    to = account()
    post_entries(postings=[posting(to, "5.00", "invoice:1")], at=AT)
    with pytest.raises(LedgerEntryConflict, match=r"invoice:1 is posted already .* 5\.0000 EUR"):
        post_entries(
            postings=[posting(to, "1.00", "invoice:9"), posting(to, "6.00", "invoice:1")], at=AT
        )
    assert LedgerEntry.objects.count() == 1


def test_another_currency_is_refused():
    with pytest.raises(PostingRefused, match="kept in JPY"):
        post_entries(postings=[posting(account("JPY"), "5", "f:1", currency="EUR")], at=AT)


@pytest.mark.parametrize(
    ("currency", "holds", "refused"), [("EUR", "0.01", "0.001"), ("JPY", "1", "0.1")]
)
def test_amounts_are_rounded_before_they_are_posted(currency, holds, refused):
    to = account(currency)
    post_entries(postings=[posting(to, holds, "f:1", currency=currency)], at=AT)
    with pytest.raises(PostingRefused, match="more decimals"):
        post_entries(postings=[posting(to, refused, "f:2", currency=currency)], at=AT)


def test_an_unknown_account_is_refused():
    missing = ContractAccount(pk=987654)
    with pytest.raises(PostingRefused, match="no contract account 987654"):
        post_entries(postings=[posting(missing, "5.00", "f:1")], at=AT)


def test_a_batch_takes_a_constant_number_of_queries():
    accounts = [account() for _ in range(20)]

    def queries(count):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            post_entries(
                postings=[posting(to, "1.00", f"n{count}:{to.pk}") for to in accounts[:count]],
                at=AT,
            )
        return len(captured)

    assert queries(2) == queries(20)


@pytest.mark.requirement("B-11")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_ledgerentry SET amount = 1",
        "DELETE FROM ledger_ledgerentry",
        "UPDATE ledger_contractaccount SET balance = 0",
    ],
)
def test_the_database_refuses_to_rewrite_a_ledger(change):
    post_entries(postings=[posting(account(), "5.00", "f:1")], at=AT)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.requirement("H-B1")
@pytest.mark.parametrize(
    ("type_", "amount", "fits"),
    [
        ("Receivable", "1.00", True),
        ("Receivable", "-1.00", False),
        ("CreditMemo", "-1.00", True),
        ("CreditMemo", "1.00", False),
        ("Payment", "-1.00", True),
        ("OutgoingPayment", "1.00", True),
        ("Refund", "1.00", True),
        ("Chargeback", "1.00", True),
        ("CreditCardChargeback", "1.00", True),
        ("WriteOff", "-1.00", True),
        ("WriteOff", "1.00", False),
        ("Reversal", "-1.00", True),
        ("Reversal", "1.00", True),
    ],
)
def test_the_sign_follows_the_type(type_, amount, fits):
    call = posting(account(), amount, "f:1", type=type_)
    if fits:
        assert post_entries(postings=[call], at=AT)[0].amount == Decimal(amount)
    else:
        with pytest.raises(IntegrityError, match="entry_sign_follows_type"), transaction.atomic():
            post_entries(postings=[call], at=AT)
