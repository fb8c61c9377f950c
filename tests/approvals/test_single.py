"""Decisions from a page: what was seen is what is decided; a form sent twice does no harm (R5)."""

import pytest

from approvals import selectors
from approvals.errors import ApprovalRefused, Stale
from approvals.models import Decision, Review
from approvals.services.reviews import request_approval
from approvals.services.single import approve, reject
from invoicing.models import Invoice
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, member_of, open_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def firm():
    return builders.make_firm()


def action(invoice, user):
    invoice = Invoice.objects.with_period_past(AT).select_related("customer").get(pk=invoice.pk)
    return selectors.next_action(invoice=invoice, user=user)


@pytest.mark.requirement("K-17", "X-4")
def test_approve_from_the_page_and_again():
    user, invoice = approver(), open_invoice()
    seen = action(invoice, user)
    assert (seen.label, seen.can_reject) == ("Approve", False)
    first = approve(invoice_id=invoice.pk, mark=seen.mark, by=user, at=AT)
    again = approve(invoice_id=invoice.pk, mark=seen.mark, by=user, at=AT)
    assert first.number == again.number == "R2026-0001"
    assert Decision.objects.count() == 1
    assert action(invoice, user).label == ""


def test_somebody_elses_approval_is_told():
    ann, bob, invoice = approver(), approver(), open_invoice()
    mark = action(invoice, bob).mark
    approve(invoice_id=invoice.pk, mark=mark, by=ann, at=AT)
    with pytest.raises(Stale, match="is Approved now"):
        approve(invoice_id=invoice.pk, mark=mark, by=bob, at=AT)


def test_a_total_that_changed_since_is_told_and_nothing_is_approved():
    user, invoice = approver(), open_invoice()
    mark = action(invoice, user).mark
    Invoice.objects.filter(pk=invoice.pk).update(net_total=100, vat_total=19, gross_total=119)
    with pytest.raises(Stale, match=r"was 89\.25 EUR and is 119\.00 EUR now"):
        approve(invoice_id=invoice.pk, mark=mark, by=user, at=AT)
    assert Invoice.objects.get(pk=invoice.pk).status == "open"


def test_a_new_calculation_with_the_same_total_is_told():
    user, invoice = approver(), open_invoice()
    mark = action(invoice, user).mark
    Invoice.objects.filter(pk=invoice.pk).update(calculated_at=AT)
    with pytest.raises(Stale, match="lines may have changed"):
        approve(invoice_id=invoice.pk, mark=mark, by=user, at=AT)


@pytest.mark.parametrize(
    "mark",
    ["", "open", "open x", "open never NaN", "review 1", "review a b c", "\x00", "review 1 1 ²"],
)
def test_a_page_that_does_not_say_what_it_showed_is_stale(mark):
    user, invoice = approver(), open_invoice()
    with pytest.raises(Stale):
        approve(invoice_id=invoice.pk, mark=mark, by=user, at=AT)
    with pytest.raises(Stale):
        reject(invoice_id=invoice.pk, mark=mark, by=user, at=AT)
    assert not Review.objects.exists()


@pytest.mark.requirement("X-4", "CB-107", "CB-108")
def test_the_label_says_which_step_and_a_stale_step_is_refused():
    group, second = make_group("First"), make_group("Second")
    customer = builders.make_customer()
    make_process(group, second, customer_cluster=customer.cluster)
    ann, bob, eve = member_of(group), member_of(group), member_of(second)
    invoice = open_invoice(customer)
    assert action(invoice, ann).label == "Request approval"
    approve(invoice_id=invoice.pk, mark=action(invoice, ann).mark, by=ann, at=AT)
    seen = action(invoice, ann)
    assert (seen.label, seen.can_reject) == ("Approve step 1 of 2", True)
    assert action(invoice, eve).label == ""
    assert "First" in action(invoice, eve).reason

    approve(invoice_id=invoice.pk, mark=seen.mark, by=ann, at=AT)
    approve(invoice_id=invoice.pk, mark=seen.mark, by=ann, at=AT)  # sent twice
    with pytest.raises(Stale, match="decided on this step meanwhile: approve"):
        reject(invoice_id=invoice.pk, mark=seen.mark, by=bob, at=AT)
    reject(invoice_id=invoice.pk, mark=action(invoice, eve).mark, by=eve, at=AT)
    # back at step 1, but in another round than the old page showed
    with pytest.raises(Stale, match="meanwhile"):
        approve(invoice_id=invoice.pk, mark=seen.mark, by=bob, at=AT)
    assert Review.objects.get().position == 1


def test_a_refusal_says_why():
    user, invoice = builders.make_user("Auditor"), open_invoice()
    mark = action(invoice, approver()).mark
    with pytest.raises(ApprovalRefused, match="permission"):
        approve(invoice_id=invoice.pk, mark=mark, by=user, at=AT)


def test_who_may_not_decide_is_told_in_the_review():
    user, invoice = approver(), open_invoice()
    request_approval(invoice_ids=[invoice.pk], by=user, at=AT)
    mark = action(invoice, user).mark
    clerk = builders.make_user("Finance")
    with pytest.raises(ApprovalRefused, match="permission to approve"):
        approve(invoice_id=invoice.pk, mark=mark, by=clerk, at=AT)
