"""Requests and decisions on sets of invoices (CB-102..CB-110, K-14, K-17, D-42, X-3)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import Error, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pghistory.models import Events

from approvals.models import ApprovalStep, Decision, Review
from approvals.services.reviews import (
    approve_at_once,
    approve_invoices,
    approve_step,
    reject_invoices,
    request_approval,
)
from invoicing.errors import FirmIsMissing, NumberTaken
from invoicing.models import Invoice, NumberCounter, NumberScheme, TransformationResult
from ledger.models import LedgerEntry
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, member_of, open_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def firm():
    return builders.make_firm()


def status_of(invoice) -> str:
    return Invoice.objects.get(pk=invoice.pk).status


def refusal(outcomes) -> str:
    assert len(outcomes) == 1
    return outcomes[0].refusal


@pytest.mark.requirement("K-17", "X-3", "CB-12", "CB-67", "CB-104", "D-52")
def test_one_step_requests_and_approves_in_one_action():
    user, invoice = approver(), open_invoice()

    outcome = approve_at_once(invoice_ids=[invoice.pk], by=user, at=AT)[0]

    assert (outcome.refusal, outcome.number) == ("", "R2026-0001")
    invoice = Invoice.objects.get(pk=invoice.pk)
    assert (invoice.status, invoice.number, invoice.number_sequence) == (
        "approved",
        "R2026-0001",
        1,
    )
    assert invoice.approved_at == AT
    review = Review.objects.get(invoice=invoice)
    assert (review.status, review.requested_by, review.requested_at) == ("approved", user, AT)
    decision = review.decisions.get()
    assert (decision.user, decision.verdict, decision.step) == (user, "approve", 1)
    entry = invoice.ledger_entry
    assert (entry.type, entry.amount, entry.description) == (
        "Receivable",
        Decimal("89.25"),
        "Invoice: R2026-0001",
    )
    assert (entry.document_id, entry.draft_id, entry.country) == (invoice.pk, invoice.pk, "DE")
    assert (entry.vat_percentage, entry.amount_type) == (0, "GrossAmount")
    result = TransformationResult.objects.get(invoice=invoice)
    assert (result.status, result.requested_by) == ("queued", user)


@pytest.mark.requirement("X-3", "CB-11")
def test_the_way_through_approving_is_in_the_audit():
    invoice = open_invoice()
    approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)
    events = Events.objects.tracks(invoice).order_by("pgh_id")
    assert [event.pgh_data["status"] for event in events] == ["approving", "approved"]


@pytest.mark.requirement("CB-26", "D-28")
def test_it_is_due_by_the_terms_counted_from_the_invoice_date():
    customer = builders.make_customer(contract_fields={"terms_days": 30})
    invoice = open_invoice(customer, invoice_date=dt.date(2026, 2, 1))
    approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)
    invoice = Invoice.objects.get(pk=invoice.pk)
    assert invoice.due_date == dt.date(2026, 3, 3)
    assert invoice.ledger_entry.due_date == invoice.due_date
    assert invoice.ledger_entry.booking_date == dt.date(2026, 2, 1)


@pytest.mark.requirement("CB-12")
def test_firm_and_customer_are_kept_as_they_were(firm):
    customer = builders.make_customer(name="Alpen Cloud AG", city="Zürich", metadata={"PO": "77"})
    invoice = open_invoice(customer)
    approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)
    firm.name, customer.name = "Another", "Other"
    firm.save()
    customer.save()
    data = Invoice.objects.get(pk=invoice.pk).document_data
    assert data["provider"]["name"] == "Nordlicht Telekom GmbH"
    assert data["recipient"]["name"] == "Alpen Cloud AG"
    assert data["recipient"]["metadata"] == {"PO": "77"}


@pytest.mark.requirement("D-50")
def test_a_negative_total_is_posted_as_a_credit_memo():
    invoice = open_invoice(net="-75.00")
    approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)
    entry = LedgerEntry.objects.get()
    assert (entry.type, entry.amount) == ("CreditMemo", Decimal("-89.25"))
    assert entry.description == "Credit note: R2026-0001"


def test_without_a_firm_the_refusal_says_where_to_fill_it_in(firm):
    firm.delete()
    invoice = open_invoice()
    with pytest.raises(FirmIsMissing, match="Administration, Ledger, Firm"), transaction.atomic():
        approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)
    assert status_of(invoice) == "open"
    assert not NumberCounter.objects.exists()


@pytest.mark.requirement("K-14")
@pytest.mark.parametrize("allowed", [True, False])
def test_empty_invoices_are_approved_only_if_the_process_allows_it(allowed):
    group = make_group("Night shift")
    customer = builders.make_customer()
    make_process(group, customer_cluster=customer.cluster, allow_empty=allowed)
    empty = builders.make_invoice(customer, status="open")
    outcomes = approve_at_once(invoice_ids=[empty.pk], by=member_of(group), at=AT)
    if allowed:
        assert outcomes[0].number == "R2026-0001"
    else:
        assert "close it instead" in refusal(outcomes)
        assert status_of(empty) == "open"


@pytest.mark.parametrize("status", ["pending", "error", "closed"])
def test_only_open_invoices_are_requested(status):
    invoice = builders.make_invoice(status=status, error="x" if status == "error" else "")
    assert refusal(request_approval(invoice_ids=[invoice.pk], by=approver(), at=AT))
    assert status_of(invoice) == status
    assert not Review.objects.exists()


@pytest.mark.requirement("CB-103", "CB-106", "CB-107", "CB-109", "X-4")
def test_two_steps_hand_the_invoice_from_group_to_group():
    first, second = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    make_process(first, second, customer_cluster=customer.cluster)
    ann, bob = member_of(first), member_of(second)
    invoice = open_invoice(customer)

    assert "request approval" in refusal(approve_at_once(invoice_ids=[invoice.pk], by=ann, at=AT))
    assert approve_invoices(invoice_ids=[invoice.pk], by=ann, at=AT)[0].is_done  # requests
    assert status_of(invoice) == "approving"
    assert "user group First" in refusal(approve_step(invoice_ids=[invoice.pk], by=bob, at=AT))
    assert approve_invoices(invoice_ids=[invoice.pk], by=ann, at=AT)[0].number == ""
    assert Review.objects.get().position == 2
    assert "user group Second" in refusal(approve_step(invoice_ids=[invoice.pk], by=ann, at=AT))
    assert approve_invoices(invoice_ids=[invoice.pk], by=bob, at=AT)[0].number == "R2026-0001"
    assert Review.objects.get().status == "approved"


@pytest.mark.requirement("CB-105", "CB-108", "CB-110")
def test_rejections_go_back_a_step_and_the_first_reviewer_reopens():
    first, second = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    make_process(first, second, customer_cluster=customer.cluster)
    ann, bob = member_of(first), member_of(second)
    invoice = open_invoice(customer)
    ids = [invoice.pk]

    request_approval(invoice_ids=ids, by=ann, at=AT)
    approve_step(invoice_ids=ids, by=ann, at=AT)
    assert reject_invoices(invoice_ids=ids, by=bob, at=AT, note="total too high")[0].is_done
    assert Review.objects.get().position == 1
    approve_step(invoice_ids=ids, by=ann, at=AT)
    reject_invoices(invoice_ids=ids, by=bob, at=AT)
    reject_invoices(invoice_ids=ids, by=ann, at=AT)

    assert status_of(invoice) == "pending"
    review = Review.objects.get()
    assert (review.status, review.ended_at) == ("rejected", AT)
    assert list(review.decisions.values_list("step", "round", "verdict")) == [
        (1, 1, "approve"),
        (2, 1, "reject"),
        (1, 2, "approve"),
        (2, 2, "reject"),
        (1, 3, "reject"),
    ]


@pytest.mark.requirement("D-42")
def test_a_running_review_keeps_the_steps_it_started_with():
    first, second = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    process = make_process(first, customer_cluster=customer.cluster)
    ann, invoice = member_of(first), open_invoice(customer)
    request_approval(invoice_ids=[invoice.pk], by=ann, at=AT)
    ApprovalStep.objects.create(process=process, position=2, group=second)

    assert approve_step(invoice_ids=[invoice.pk], by=ann, at=AT)[0].number == "R2026-0001"


@pytest.mark.requirement("H-CB7")
def test_the_nearest_cluster_with_a_process_decides():
    region = builders.make_cluster("Region")
    city = builders.make_cluster("City", region)
    group = make_group("Regional")
    make_process(group, customer_cluster=region)
    regional = open_invoice(builders.make_customer(cluster=city))
    elsewhere = open_invoice(builders.make_customer())

    outcomes = approve_at_once(invoice_ids=[regional.pk, elsewhere.pk], by=member_of(group), at=AT)
    assert [outcome.is_done for outcome in outcomes] == [True, False]


@pytest.mark.requirement("K-17")
def test_with_four_eyes_the_requester_does_not_approve_and_nobody_decides_twice():
    group, other = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    make_process(group, other, customer_cluster=customer.cluster, four_eyes=True)
    ann, bob, eve = member_of(group, other), member_of(group, other), member_of(group, other)
    ids = [open_invoice(customer).pk]
    request_approval(invoice_ids=ids, by=ann, at=AT)

    assert "You requested this" in refusal(approve_step(invoice_ids=ids, by=ann, at=AT))
    assert approve_step(invoice_ids=ids, by=bob, at=AT)[0].is_done
    assert "You have decided" in refusal(approve_step(invoice_ids=ids, by=bob, at=AT))
    assert approve_step(invoice_ids=ids, by=eve, at=AT)[0].number == "R2026-0001"


@pytest.mark.requirement("CB-103")
def test_being_a_superuser_is_not_enough_to_approve():
    root = User.objects.create(username="root", is_superuser=True)
    invoice = open_invoice()
    request_approval(invoice_ids=[invoice.pk], by=root, at=AT)
    assert "Invoice approval" in refusal(approve_step(invoice_ids=[invoice.pk], by=root, at=AT))


@pytest.mark.requirement("CB-103")
def test_being_in_the_group_is_not_enough_without_the_permission():
    group = make_group("First")
    customer = builders.make_customer()
    make_process(group, customer_cluster=customer.cluster)
    ann, invoice = member_of(group), open_invoice(customer)
    request_approval(invoice_ids=[invoice.pk], by=ann, at=AT)
    group.permissions.clear()
    ann = User.objects.get(pk=ann.pk)
    assert "permission" in refusal(approve_step(invoice_ids=[invoice.pk], by=ann, at=AT))


def test_an_auditor_may_not_request():
    auditor = builders.make_user("Auditor")
    invoice = open_invoice()
    assert "permission" in refusal(request_approval(invoice_ids=[invoice.pk], by=auditor, at=AT))


def test_a_step_whose_group_was_deleted_can_be_rejected():
    gone = make_group("Gone")
    customer = builders.make_customer()
    process = make_process(gone, customer_cluster=customer.cluster)
    ann, ids = member_of(gone), [open_invoice(customer).pk]
    request_approval(invoice_ids=ids, by=ann, at=AT)
    process.steps.all().delete()
    gone.delete()
    user = approver()
    assert "no longer exists" in refusal(approve_step(invoice_ids=ids, by=user, at=AT))
    assert reject_invoices(invoice_ids=ids, by=user, at=AT)[0].is_done


def test_a_process_without_steps_is_refused_with_the_remedy():
    customer = builders.make_customer()
    make_process(customer_cluster=customer.cluster)
    invoice = open_invoice(customer)
    for service in (request_approval, approve_at_once, approve_invoices):
        reason = refusal(service(invoice_ids=[invoice.pk], by=approver(), at=AT))
        assert "an administrator adds one" in reason, service


@pytest.mark.requirement("CB-63", "CB-102")
def test_a_batch_says_of_each_invoice_what_became_of_it():
    user, good = approver(), open_invoice()
    future = open_invoice(period_to=dt.date(2026, 2, 3))
    pending = builders.make_invoice(status="pending")
    homeless = open_invoice()
    homeless.contract.account.delete()
    ids = [future.pk, good.pk, 10**9, homeless.pk, pending.pk]

    outcomes = approve_invoices(invoice_ids=ids, by=user, at=AT)

    assert [outcome.invoice_id for outcome in outcomes] == ids
    assert [outcome.number for outcome in outcomes] == ["", "R2026-0001", "", "", ""]
    reasons = [outcome.refusal for outcome in outcomes]
    assert "from the day after the period" in reasons[0]
    assert "not exist" in reasons[2]
    assert "no contract account" in reasons[3]
    assert "waiting for calculation" in reasons[4]
    assert status_of(homeless) == "open"
    assert not Review.objects.filter(invoice=homeless).exists()


@pytest.mark.requirement("H-CB11", "B-25")
def test_numbers_come_from_the_scheme_of_the_nearest_cluster():
    region = builders.make_cluster("Region")
    city = builders.make_cluster("City", region)
    NumberScheme.objects.create(
        name="Region",
        format="{MM}/{yy}-{##}",
        reset="monthly",
        date_source="period_end",
        first_number=7,
        customer_cluster=region,
    )
    invoices = [
        open_invoice(builders.make_customer(cluster=city)),
        open_invoice(
            builders.make_customer(cluster=city),
            period_from=dt.date(2025, 12, 1),
            period_to=dt.date(2025, 12, 31),
        ),
        open_invoice(builders.make_customer(cluster=region)),
        open_invoice(),
    ]
    outcomes = approve_at_once(
        invoice_ids=[invoice.pk for invoice in invoices], by=approver(), at=AT
    )
    assert [outcome.number for outcome in outcomes] == [
        "01/26-07",
        "12/25-07",
        "01/26-08",
        "R2026-0001",
    ]


@pytest.mark.requirement("H-CB11")
def test_a_yearly_scheme_begins_anew_at_new_year_where_the_firm_is():
    last = dt.datetime(2026, 12, 31, 22, 59, tzinfo=dt.UTC)
    user = approver()
    numbers = [
        approve_at_once(invoice_ids=[open_invoice().pk], by=user, at=at)[0].number
        for at in (AT, last, last + dt.timedelta(minutes=1))
    ]
    assert numbers == ["R2026-0001", "R2026-0002", "R2027-0001"]


@pytest.mark.requirement("H-CB11")
def test_two_schemes_that_make_the_same_number_are_refused_whole():
    cluster = builders.make_cluster()
    NumberScheme.objects.create(name="Twin", format="R{yyyy}-{####}", customer_cluster=cluster)
    user = approver()
    approve_at_once(invoice_ids=[open_invoice().pk], by=user, at=AT)
    twin = open_invoice(builders.make_customer(cluster=cluster))
    with pytest.raises(NumberTaken, match="R2026-0001"), transaction.atomic():
        approve_at_once(invoice_ids=[twin.pk], by=user, at=AT)
    assert status_of(twin) == "open"
    assert NumberCounter.objects.count() == 1


@pytest.mark.requirement("X-13")
def test_numbers_of_a_batch_follow_the_invoice_dates():
    late = open_invoice(invoice_date=dt.date(2026, 2, 2))
    early = open_invoice(invoice_date=dt.date(2026, 2, 1))
    outcomes = approve_at_once(invoice_ids=[late.pk, early.pk], by=approver(), at=AT)
    assert [outcome.number for outcome in outcomes] == ["R2026-0002", "R2026-0001"]


@pytest.mark.requirement("X-13")
def test_the_moment_of_issue_never_falls_as_numbers_rise():
    user = approver()
    approve_at_once(invoice_ids=[open_invoice().pk], by=user, at=AT)
    earlier = open_invoice()
    approve_at_once(invoice_ids=[earlier.pk], by=user, at=AT - dt.timedelta(seconds=5))
    assert Invoice.objects.get(pk=earlier.pk).approved_at == AT


def test_a_batch_takes_a_constant_number_of_queries():
    user = approver()

    def queries(count):
        ids = [open_invoice().pk for _ in range(count)]
        with CaptureQueriesContext(connection) as captured:
            outcomes = approve_at_once(invoice_ids=ids, by=user, at=AT)
        assert all(outcome.is_done for outcome in outcomes)
        return len(captured)

    queries(1)  # makes the counter
    assert queries(2) == queries(15)


@pytest.mark.requirement("CB-12", "CB-64")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoicing_invoice SET gross_total = 1, net_total = 1, vat_total = 0",
        "UPDATE invoicing_invoice SET status = 'open'",
        "DELETE FROM invoicing_invoice",
        "UPDATE approvals_decision SET verdict = 'reject'",
        "DELETE FROM approvals_decision",
    ],
)
def test_the_database_keeps_what_was_approved(change):
    approve_at_once(invoice_ids=[open_invoice().pk], by=approver(), at=AT)
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_the_database_knows_one_running_review_and_one_decision_per_step_and_round():
    user, invoice = approver(), open_invoice()
    request_approval(invoice_ids=[invoice.pk], by=user, at=AT)
    review = Review.objects.get()
    twin = Review(
        invoice=invoice, process=review.process, steps=[1], requested_by=user, requested_at=AT
    )
    with pytest.raises(IntegrityError, match="review_one_running"), transaction.atomic():
        twin.save()
    fields = {"review": review, "step": 1, "user": user, "verdict": "approve", "decided_at": AT}
    Decision.objects.create(**fields)
    with pytest.raises(IntegrityError, match="decision_step_approved_once"), transaction.atomic():
        Decision.objects.create(**fields)
    with pytest.raises(IntegrityError, match="review_ended_iff_decided"), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(ended_at=AT)
