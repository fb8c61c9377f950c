"""Requests and decisions on one invoice, as a person gives them from a page (R5, R6).

The page brings back a mark of what it showed. When the invoice or its review has moved since,
nothing is done and the refusal says what changed. A form that is sent twice does its work once
and answers the same both times.
"""

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from approvals import rules, selectors
from approvals.enums import Verdict
from approvals.errors import ApprovalRefused, Stale
from approvals.models import Decision
from approvals.services.reviews import approve_at_once, decide, request_approval
from billing_site.kernel.money import format_money_with_currency
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.rules.marks import mark_of_open, total_of_mark
from invoicing.services.approval import Outcome, invoice_label


@transaction.atomic
def approve(*, invoice_id: int, mark: str, by: User, at: dt.datetime, note: str = "") -> Outcome:
    """What the button Approve means for this invoice: request, approve the step, or both (X-4).

    :param mark: ``NextAction.mark`` as the page showed it.
    :raises Stale: the invoice is not what the page showed.
    :raises ApprovalRefused: with the reason in a sentence.
    """
    if rules.review_of_mark(mark):
        return _decide(
            invoice_id=invoice_id, mark=mark, verdict=Verdict.APPROVE, by=by, at=at, note=note
        )
    invoice = Invoice.objects.select_related("customer").lock_in_order([invoice_id]).get()
    if invoice.status != InvoiceStatus.OPEN and selectors.ended_review_of(
        invoice_id=invoice_id, user_id=by.pk
    ):
        return Outcome(invoice_id, invoice_label(invoice), number=invoice.number or "")
    _refuse_other_open(invoice, mark)
    process = selectors.processes_of([invoice_id])[invoice_id]
    decider = selectors.decider_of(by)
    if process is not None and rules.approves_at_once(
        steps=process.steps, four_eyes=process.four_eyes, decider=decider
    ):
        return _done(approve_at_once(invoice_ids=[invoice_id], by=by, at=at, note=note))
    return _done(request_approval(invoice_ids=[invoice_id], by=by, at=at))


@transaction.atomic
def reject(*, invoice_id: int, mark: str, by: User, at: dt.datetime, note: str = "") -> Outcome:
    """Back to the reviewer before; by the first reviewer, reopened (CB-108, CB-110).

    :raises Stale: the review is not where the page showed it.
    :raises ApprovalRefused: with the reason in a sentence.
    """
    return _decide(
        invoice_id=invoice_id, mark=mark, verdict=Verdict.REJECT, by=by, at=at, note=note
    )


def _decide(
    *,
    invoice_id: int,
    mark: str,
    verdict: str,
    by: User,
    at: dt.datetime,
    note: str,
) -> Outcome:
    seen = rules.review_of_mark(mark)
    if seen is None:
        raise Stale("The page does not say which step it showed; open the invoice again.")
    review_id, position, round_ = seen
    outcomes = decide(
        invoice_ids=[invoice_id],
        verdict=verdict,
        seen={review_id: (position, round_)},
        by=by,
        at=at,
        note=note,
    )
    if outcomes[0].is_done:
        return outcomes[0]
    if selectors.has_decided(
        review_id=review_id, position=position, round_=round_, user_id=by.pk, verdict=verdict
    ):  # the form was sent twice
        invoice = Invoice.objects.get(pk=invoice_id)
        return Outcome(invoice_id, outcomes[0].label, number=invoice.number or "")
    other = (
        Decision.objects.filter(review=review_id, step=position, round=round_)
        .select_related("user")
        .first()
    )
    if other:
        raise Stale(
            f"{other.user.get_full_name() or other.user} decided on this step meanwhile: "
            f"{other.get_verdict_display().lower()}. Nothing was changed by you."
        )
    raise ApprovalRefused(outcomes[0].refusal)


def _done(outcomes: list[Outcome]) -> Outcome:
    if outcomes[0].refusal:
        raise ApprovalRefused(outcomes[0].refusal)
    return outcomes[0]


def _refuse_other_open(invoice: Invoice, mark: str) -> None:
    """The total that was looked at is the total that is approved."""
    if invoice.status != InvoiceStatus.OPEN:
        raise Stale(
            f"The invoice was Open when you looked at it and is {invoice.get_status_display()} "
            "now. Nothing was changed by you."
        )
    now = mark_of_open(calculated_at=invoice.calculated_at, gross_total=invoice.gross_total)
    if mark == now:
        return
    total = format_money_with_currency(invoice.gross_total, invoice.currency)
    seen = total_of_mark(mark)
    if seen is None:
        raise Stale("The page does not say what it showed; open the invoice again.")
    if seen == invoice.gross_total:
        raise Stale(
            "The invoice was calculated again since you looked at it. Its total is still "
            f"{total}, but its lines may have changed; look at it again."
        )
    raise Stale(
        "The invoice was calculated again since you looked at it: its total was "
        f"{format_money_with_currency(seen, invoice.currency)} and is {total} now."
    )
