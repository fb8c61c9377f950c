"""Bulk approve, close and recalculate as jobs over a selection (CB-62, CB-63, N-4)."""

import datetime as dt

import pytest

from billing_site.web.jobs import run, start_job
from billing_site.web.models import Job, Selection
from invoicing.models import Invoice, NumberScheme
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, open_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def firm(monkeypatch):
    monkeypatch.setattr("invoicing.tasks.send", lambda task, **arguments: None)
    monkeypatch.setattr("billing_site.web.jobs.announce", lambda **arguments: True)
    return builders.make_firm()


def job_over(invoices, kind, owner) -> Job:
    job = start_job(kind=kind, title="Work", owner=owner, at=AT)
    ids = sorted(invoice.pk for invoice in invoices)
    Selection.objects.create(
        owner=owner,
        list_key="invoicing.invoice",
        whole_filter=True,
        ids=ids,
        count=len(ids),
        created_at=AT,
        job=job,
    )
    run(job_id=job.pk)
    return Job.objects.get(pk=job.pk)


@pytest.mark.requirement("CB-63", "CB-102")
def test_bulk_approval_has_an_outcome_for_every_invoice():
    future = dt.date(2999, 1, 31)
    invoices = [open_invoice() for _ in range(3)] + [open_invoice(period_to=future)]
    job = job_over(invoices, "approvals.approve_invoices", approver())
    assert (job.status, job.done, job.skipped) == ("completed", 3, 1)
    assert "from the day after the period" in job.items.get(outcome="skipped").reason
    assert Invoice.objects.filter(status="approved").count() == 3


@pytest.mark.requirement("CB-102")
def test_bulk_approval_says_which_invoices_are_not_approved_yet():
    cluster = builders.make_cluster()
    make_process(make_group("Reviewers"), customer_cluster=cluster)
    invoice = open_invoice(builders.make_customer(cluster=cluster))
    job = job_over([invoice], "approvals.approve_invoices", approver())
    item = job.items.get()
    assert (item.outcome, Invoice.objects.get().status) == ("done", "approving")
    assert item.reason == "Not approved yet: it is in approval, and the next reviewer decides."


def test_without_a_firm_the_job_fails_with_the_remedy(firm):
    firm.delete()
    job = job_over([open_invoice()], "approvals.approve_invoices", approver())
    assert (job.status, "Administration" in job.error) == ("failed", True)


def test_a_batch_that_is_refused_whole_is_taken_one_by_one():
    cluster = builders.make_cluster()
    NumberScheme.objects.create(name="Twin", format="R{yyyy}-{####}", customer_cluster=cluster)
    twin = open_invoice(builders.make_customer(cluster=cluster))
    job = job_over([open_invoice(), twin], "approvals.approve_invoices", approver())
    assert (job.status, job.done, job.failed) == ("completed_with_errors", 1, 1)
    assert "would be given twice" in job.items.get(outcome="failed").reason


def test_without_the_right_nothing_is_approved():
    job = job_over([open_invoice()], "approvals.approve_invoices", builders.make_user("Auditor"))
    assert job.status == "failed"
    assert Invoice.objects.get().status == "open"


@pytest.mark.requirement("CB-13", "CB-63")
def test_bulk_close_and_recalculate():
    clerk = builders.make_user("Finance")
    closing, other = open_invoice(), open_invoice()
    assert job_over([closing], "invoicing.close_invoices", clerk).done == 1
    job = job_over([closing, other], "invoicing.recalculate_invoices", clerk)
    assert (job.done, job.skipped) == (1, 1)
    assert {invoice.status for invoice in Invoice.objects.all()} == {"closed", "pending"}
