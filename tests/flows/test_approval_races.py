"""Several people at once: numbers without gap or double, one winner per step, whole ledgers."""

import datetime as dt
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections, transaction
from django.utils import timezone

from approvals import selectors
from approvals.errors import ApprovalRefused, Stale
from approvals.models import Decision, Review
from approvals.services.reviews import approve_at_once, approve_invoices, request_approval
from approvals.services.single import approve
from invoicing.models import Invoice, NumberCounter, TransformationResult
from ledger.models import ContractAccount, LedgerEntry
from ledger.services.entries import Posting, post_entries
from ledger.services.payments import record_payment
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, member_of, open_invoice

pytestmark = pytest.mark.usefixtures("committed_db")


def at_once(call, arguments, *, workers):
    """Results in the order of the arguments; a refusal or the planned failure is a result."""

    def run(argument):
        try:
            return call(argument)
        except (Stale, ApprovalRefused, OSError) as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, arguments))


def assert_numbers_are_whole(count: int) -> None:
    issued = list(
        Invoice.objects.filter(status="approved")
        .order_by("number_sequence")
        .values_list("number_sequence", "approved_at")
    )
    assert [sequence for sequence, _ in issued] == list(range(1, count + 1))
    moments = [moment for _, moment in issued]
    assert moments == sorted(moments)
    assert NumberCounter.objects.get().last_number == count


def assert_ledgers_are_whole() -> None:
    for account in ContractAccount.objects.all():
        balance = Decimal(0)
        entries = LedgerEntry.objects.filter(account=account).order_by("sequence")
        for expected, entry in enumerate(entries, start=1):
            balance += entry.amount
            assert (entry.sequence, entry.balance) == (expected, balance)
        assert (account.balance, account.last_sequence) == (balance, len(entries))


@pytest.mark.requirement("X-13", "CB-64", "CB-67", "R1")
def test_twenty_parallel_approvals_give_twenty_numbers_without_gap_or_double():
    builders.make_firm()
    user = approver()
    ids = [open_invoice().pk for _ in range(20)]

    outcomes = at_once(
        lambda pk: approve_at_once(invoice_ids=[pk], by=user, at=timezone.now())[0],
        ids,
        workers=8,
    )

    assert len({outcome.number for outcome in outcomes}) == 20
    assert_numbers_are_whole(20)
    assert_ledgers_are_whole()
    assert TransformationResult.objects.count() == 20


@pytest.mark.requirement("X-13", "R1")
def test_approvals_that_fail_after_numbering_leave_no_gap():
    builders.make_firm()
    user = approver()
    ids = [open_invoice().pk for _ in range(24)]

    def approve_or_fail(position_and_pk):
        position, pk = position_and_pk
        with transaction.atomic():
            approve_at_once(invoice_ids=[pk], by=user, at=timezone.now())
            if position % 4 == 0:
                raise OSError("failed after numbering")

    at_once(approve_or_fail, list(enumerate(ids)), workers=8)
    assert_numbers_are_whole(18)
    assert Invoice.objects.filter(status="open").count() == 6


def test_batches_that_overlap_neither_block_each_other_for_good_nor_double():
    builders.make_firm()
    user = approver()
    ids = [open_invoice().pk for _ in range(30)]
    chance = random.Random(7)
    batches = [chance.sample(ids, 20) for _ in range(8)]

    results = at_once(
        lambda batch: approve_invoices(invoice_ids=batch, by=user, at=timezone.now()),
        batches,
        workers=8,
    )

    done = [outcome.invoice_id for result in results for outcome in result if outcome.is_done]
    touched = {pk for batch in batches for pk in batch}
    assert sorted(done) == sorted(touched)  # each once
    assert_numbers_are_whole(len(touched))
    assert_ledgers_are_whole()


@pytest.mark.requirement("R5", "K-17")
def test_an_open_invoice_approved_by_four_people_at_once_has_one_winner():
    builders.make_firm()
    people = [approver() for _ in range(4)]
    for _ in range(5):
        invoice = open_invoice()
        seen = Invoice.objects.with_period_past(AT).get(pk=invoice.pk)
        mark = selectors.next_action(invoice=seen, user=people[0]).mark
        results = at_once(
            lambda user, pk=invoice.pk, mark=mark: approve(
                invoice_id=pk, mark=mark, by=user, at=timezone.now()
            ),
            people,
            workers=4,
        )
        assert sum(isinstance(result, Stale) for result in results) == 3
        assert Decision.objects.filter(review__invoice=invoice).count() == 1
    assert_numbers_are_whole(5)


@pytest.mark.requirement("R5", "CB-107")
def test_a_step_approved_by_four_people_at_once_has_one_winner():
    builders.make_firm()
    first, second = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    make_process(first, second, customer_cluster=customer.cluster)
    people = [member_of(first, second) for _ in range(4)]
    for month in range(1, 4):
        invoice = open_invoice(
            customer, period_from=dt.date(2025, month, 1), period_to=dt.date(2025, month, 28)
        )
        request_approval(invoice_ids=[invoice.pk], by=people[0], at=AT)
        mark = selectors.running_review(invoice.pk).mark
        results = at_once(
            lambda user, pk=invoice.pk, mark=mark: approve(
                invoice_id=pk, mark=mark, by=user, at=timezone.now()
            ),
            people,
            workers=4,
        )
        assert sum(isinstance(result, Stale) for result in results) == 3
        assert Review.objects.get(invoice=invoice).position == 2
        assert Decision.objects.filter(review__invoice=invoice).count() == 1


@pytest.mark.requirement("R6")
def test_the_same_form_sent_ten_times_at_once_has_one_effect_and_one_answer():
    builders.make_firm()
    user, invoice = approver(), open_invoice()
    seen = Invoice.objects.with_period_past(AT).get(pk=invoice.pk)
    mark = selectors.next_action(invoice=seen, user=user).mark
    results = at_once(
        lambda _: approve(invoice_id=invoice.pk, mark=mark, by=user, at=timezone.now()).number,
        range(10),
        workers=5,
    )
    assert set(results) == {"R" + str(timezone.now().year) + "-0001"}
    assert LedgerEntry.objects.count() == 1

    account = invoice.contract.account
    operation = uuid.uuid4()
    payments = at_once(
        lambda _: (
            record_payment(
                account=account,
                operation=operation,
                method="cash",
                amount=Decimal("89.25"),
                at=timezone.now(),
            ).pk
        ),
        range(10),
        workers=5,
    )
    assert len(set(payments)) == 1
    assert_ledgers_are_whole()


@pytest.mark.requirement("R4", "B-21")
def test_eight_people_posting_to_the_same_accounts_keep_every_ledger_whole():
    accounts = [builders.make_customer().contracts.get().account.pk for _ in range(5)]
    chance = random.Random(11)
    batches = []
    for number in range(40):
        facts = [number if chance.random() > 0.1 else max(number - 1, 0)] * 3  # 10 % are repeats
        batches.append(
            [
                Posting(
                    account_id=account,
                    type="Receivable",
                    fact=f"fact:{fact}",
                    description=f"Fact {fact}",
                    currency="EUR",
                    amount=Decimal(fact),
                    booking_date=AT.date(),
                )
                for fact, account in zip(facts, chance.sample(accounts, 3), strict=True)
            ]
        )
    at_once(lambda batch: post_entries(postings=batch, at=AT), batches, workers=8)
    assert_ledgers_are_whole()
    wanted = {(posting.account_id, posting.fact) for batch in batches for posting in batch}
    assert set(LedgerEntry.objects.values_list("account_id", "fact")) == wanted
