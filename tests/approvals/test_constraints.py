"""What the database refuses on the approvals floor: the nearest row that holds, and the bad one."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group

from approvals.models import ApprovalProcess, ApprovalStep, Decision, Review
from tests import builders
from tests.constraints import Case, cases, check

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC)


def new_process(**fields) -> ApprovalProcess:
    fields.setdefault("customer_cluster", builders.make_cluster())
    return ApprovalProcess.objects.create(name=f"Process {builders.number()}", **fields)


def two_steps(*positions: int) -> None:
    process, group = new_process(), Group.objects.get(name="Invoice approval")
    for position in positions:
        ApprovalStep.objects.create(process=process, position=position, group=group)


def new_review(**fields) -> Review:
    fields.setdefault("invoice", fields.get("invoice") or builders.make_invoice())
    fields.setdefault("process", new_process())
    fields.setdefault("requested_by", builders.make_user())
    return Review.objects.create(steps=[1], requested_at=NOW, **fields)


def two_reviews(first: dict) -> None:
    invoice = builders.make_invoice()
    new_review(invoice=invoice, **first)
    new_review(invoice=invoice)


def new_decision(review: Review | None = None, **fields) -> Decision:
    return Decision.objects.create(
        review=review or new_review(),
        step=fields.pop("step", 1),
        user=builders.make_user(),
        verdict="approve",
        decided_at=NOW,
        **fields,
    )


def two_decisions(second_round: int) -> None:
    review = new_review()
    new_decision(review, round=1)
    new_decision(review, round=second_round)


CASES = cases(
    Case(
        "process_one_default",
        holds=lambda: new_process(),
        refused=lambda: new_process(customer_cluster=None),
    ),
    Case(
        "step_position_once",
        holds=lambda: two_steps(1, 2),
        refused=lambda: two_steps(1, 1),
    ),
    Case(
        "review_one_running",
        holds=lambda: two_reviews({"status": "rejected", "ended_at": NOW}),
        refused=lambda: two_reviews({"status": "running"}),
    ),
    Case(
        "review_ended_iff_decided",
        holds=lambda: new_review(status="approved", ended_at=NOW),
        refused=lambda: new_review(status="approved", ended_at=None),
    ),
    Case(
        "decision_step_approved_once",
        holds=lambda: two_decisions(second_round=2),
        refused=lambda: two_decisions(second_round=1),
    ),
    Case(
        "decision_is_final",
        holds=new_decision,
        refused=lambda: Decision.objects.filter(pk=new_decision().pk).update(verdict="reject"),
    ),
    Case(
        "decision_stays",
        holds=new_decision,
        refused=lambda: Decision.objects.filter(pk=new_decision().pk).delete(),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)
