"""Requests and decisions on invoices (CB-102..CB-110, K-17).

Every function takes a set of invoices and says of each what became of it; callers hand over at
most ``BATCH``. ``services.single`` does the same to one invoice and compares what the person saw.

A decision wins by compare-and-swap on the step of the review: of several people who decide on
the same step at once, one does (R5). Lock order: reviews, then invoices (and below them accounts
and counters), each in primary-key order; a request locks invoices alone.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping

from django.contrib.auth.models import User
from django.db import transaction

from approvals import rules, selectors
from approvals.enums import Verdict
from approvals.models import Decision, Review
from approvals.rules import Decider
from approvals.selectors import Process, Standing
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.services.approval import (
    BATCH,
    WHY_NOT_OPEN,
    Outcome,
    finalise_invoices,
    invoice_label,
    lock_invoices,
    reopen_invoices,
)

__all__ = [
    "BATCH",
    "approve_at_once",
    "approve_invoices",
    "approve_step",
    "reject_invoices",
    "request_approval",
]

WHY_NOT_DECIDED = WHY_NOT_OPEN | {
    InvoiceStatus.OPEN: "Approval of it was not requested yet.",
    InvoiceStatus.APPROVING: "It has no running review.",
}


@transaction.atomic
def request_approval(*, invoice_ids: Collection[int], by: User, at: dt.datetime) -> list[Outcome]:
    """Step 0: lock the invoices and hand them to the first reviewer (CB-102).

    Each begins a review in the process of its customer's cluster and keeps the steps it has now
    (D-42).
    """
    if not selectors.decider_of(by).may_request:
        refusal = "You do not have the permission to request approval."
        return _in_order(invoice_ids, [], dict.fromkeys(invoice_ids, refusal))
    processes = selectors.processes_of(invoice_ids)
    outcomes, _ = _request(invoice_ids, processes=processes, by=by, at=at)
    return outcomes


@transaction.atomic
def approve_at_once(
    *, invoice_ids: Collection[int], by: User, at: dt.datetime, note: str = ""
) -> list[Outcome]:
    """Request and approve in one action, both recorded, through Approving (K-17).

    Only where the process has one step, four-eyes is off, and the person is in the step's group.
    What cannot be finalised stays Open.

    :raises FirmIsMissing: there is no provider to print on the invoices.
    :raises NumberTaken: two number schemes make the same number; nothing is done.
    """
    decider = selectors.decider_of(by)
    processes = selectors.processes_of(invoice_ids)
    refusals = {}
    for pk, process in processes.items():
        if (
            process is not None
            and process.steps
            and not rules.approves_at_once(
                steps=process.steps, four_eyes=process.four_eyes, decider=decider
            )
        ):
            refusals[pk] = (
                f"Its approval process {process.name} asks for more than your approval alone; "
                "request approval."
            )
    while True:
        remaining = [pk for pk in invoice_ids if pk not in refusals]
        try:
            with transaction.atomic():
                outcomes = _request_and_approve(
                    remaining, processes=processes, by=by, at=at, note=note
                )
        except _CannotBeFinalised as undo:
            refusals |= undo.refusals  # the request is undone with it; the others are tried again
        else:
            return _in_order(invoice_ids, outcomes, refusals)


@transaction.atomic
def approve_step(
    *, invoice_ids: Collection[int], by: User, at: dt.datetime, note: str = ""
) -> list[Outcome]:
    """Approve the current step: on to the next reviewer, or finalised by the last (CB-107, CB-109).

    :raises FirmIsMissing: there is no provider to print on the invoices.
    :raises NumberTaken: two number schemes make the same number; nothing is done.
    """
    return _decide(invoice_ids, verdict=Verdict.APPROVE, seen=None, by=by, at=at, note=note)


@transaction.atomic
def reject_invoices(
    *, invoice_ids: Collection[int], by: User, at: dt.datetime, note: str = ""
) -> list[Outcome]:
    """Back to the reviewer before; by the first reviewer, reopened (CB-105, CB-108, CB-110)."""
    return _decide(invoice_ids, verdict=Verdict.REJECT, seen=None, by=by, at=at, note=note)


def approve_invoices(*, invoice_ids: Collection[int], by: User, at: dt.datetime) -> list[Outcome]:
    """What the button Approve means for each: request, approve the step, or both (X-4, K-17).

    One transaction for each of the three meanings.
    """
    decider = selectors.decider_of(by)
    reviewed = set(
        Review.objects.running()
        .filter(invoice__in=invoice_ids)
        .values_list("invoice_id", flat=True)
    )
    at_once = {
        pk
        for pk, process in selectors.processes_of(invoice_ids).items()
        if pk not in reviewed
        and process is not None
        and rules.approves_at_once(
            steps=process.steps, four_eyes=process.four_eyes, decider=decider
        )
    }
    others = [pk for pk in invoice_ids if pk not in reviewed and pk not in at_once]
    outcomes = []
    if reviewed:
        outcomes += approve_step(invoice_ids=sorted(reviewed), by=by, at=at)
    if at_once:
        outcomes += approve_at_once(invoice_ids=sorted(at_once), by=by, at=at)
    if others:
        outcomes += request_approval(invoice_ids=others, by=by, at=at)
    return _in_order(invoice_ids, outcomes, {})


def decide(
    *,
    invoice_ids: Collection[int],
    verdict: str,
    seen: Mapping[int, tuple[int, int]],
    by: User,
    at: dt.datetime,
    note: str,
) -> list[Outcome]:
    """Decide on the steps that were ``seen``; inside the caller's transaction.

    :param seen: step and round by review id; a review that stands elsewhere is refused.
    """
    return _decide(invoice_ids, verdict=verdict, seen=seen, by=by, at=at, note=note)


# Inside


class _CannotBeFinalised(Exception):
    """Undoes a request whose approval was refused."""

    def __init__(self, refusals: dict[int, str]) -> None:
        super().__init__()
        self.refusals = refusals


def _request(
    invoice_ids: Collection[int],
    *,
    processes: Mapping[int, Process | None],
    by: User,
    at: dt.datetime,
) -> tuple[list[Outcome], list[Review]]:
    """Lock the invoices and begin their reviews; the outcomes, and the reviews that began."""
    refusals = {
        pk: (
            "No approval process with a step is defined for this customer; an administrator adds "
            "one under Administration, Approvals, Approval processes."
        )
        for pk in invoice_ids
        if pk in processes and not ((process := processes[pk]) and process.steps)
    }
    outcomes = lock_invoices(
        invoice_ids=[pk for pk in invoice_ids if pk not in refusals],
        empty_allowed={pk for pk, process in processes.items() if process and process.allow_empty},
        at=at,
    )
    reviews = Review.objects.bulk_create(
        [
            Review(
                invoice_id=outcome.invoice_id,
                process_id=process.id,
                steps=list(process.steps),
                requested_by=by,
                requested_at=at,
            )
            for outcome in outcomes
            if outcome.is_done and (process := processes[outcome.invoice_id])
        ]
    )
    return _in_order(invoice_ids, outcomes, refusals), reviews


def _request_and_approve(
    invoice_ids: Collection[int],
    *,
    processes: Mapping[int, Process | None],
    by: User,
    at: dt.datetime,
    note: str,
) -> list[Outcome]:
    """The reviews begin and end in this transaction: nobody else sees or decides them."""
    requested, reviews = _request(invoice_ids, processes=processes, by=by, at=at)
    standings = [Standing(review, round=1, decider_ids=frozenset()) for review in reviews]
    approved = _record(standings, verdict=Verdict.APPROVE, by=by, at=at, note=note)
    if refused := {outcome.invoice_id: outcome.refusal for outcome in approved if outcome.refusal}:
        raise _CannotBeFinalised(refused)
    return [outcome for outcome in requested if not outcome.is_done] + approved


def _decide(
    invoice_ids: Collection[int],
    *,
    verdict: str,
    seen: Mapping[int, tuple[int, int]] | None,
    by: User,
    at: dt.datetime,
    note: str,
) -> list[Outcome]:
    """One verdict on the current step of each invoice's running review."""
    reviews = Review.objects.running().filter(invoice__in=invoice_ids)
    if seen is None:  # what a set of invoices stands at before anybody is waited for
        seen = {
            standing.review.pk: (standing.review.position, standing.round)
            for standing in selectors.standings(reviews)
        }
    locked = reviews.select_related("process").order_by("pk").select_for_update(of=("self",))
    standings = selectors.standings(locked)
    decider = selectors.decider_of(by)
    names = selectors.group_names({standing.review.group_id for standing in standings})
    refusals, deciding = {}, []
    for standing in standings:
        reason = _why_not(standing, seen=seen, decider=decider, verdict=verdict, names=names)
        if reason:
            refusals[standing.review.invoice_id] = reason
        else:
            deciding.append(standing)
    outcomes = _record(deciding, verdict=verdict, by=by, at=at, note=note)
    return _in_order(invoice_ids, outcomes, refusals)


def _record(
    standings: list[Standing], *, verdict: str, by: User, at: dt.datetime, note: str
) -> list[Outcome]:
    """Write a verdict that may be given: the invoices move, the reviews, and the decisions stay."""
    outcomes, moving = _move_invoices(standings, verdict=verdict, by=by, at=at)
    _move_reviews(moving, verdict=verdict, at=at)
    Decision.objects.bulk_create(
        [
            Decision(
                review=standing.review,
                step=standing.review.position,
                round=standing.round,
                user=by,
                verdict=verdict,
                note=note,
                decided_at=at,
            )
            for standing in moving
        ]
    )
    return outcomes


def _why_not(
    standing: Standing,
    *,
    seen: Mapping[int, tuple[int, int]],
    decider: Decider,
    verdict: str,
    names: dict[int, str],
) -> str:
    if seen.get(standing.review.pk) != (standing.review.position, standing.round):
        return "Somebody else decided on this step meanwhile; look at the invoice again."
    return selectors.why_not_decide(
        standing=standing, decider=decider, verdict=verdict, names=names
    )


def _move_invoices(
    standings: list[Standing], *, verdict: str, by: User, at: dt.datetime
) -> tuple[list[Outcome], list[Standing]]:
    """Finalise after the last approval, reopen after the first reviewer's rejection.

    Returns the outcomes, and the reviews that move: all but those whose invoice was refused.
    """
    approving = verdict == Verdict.APPROVE
    ending = [
        standing
        for standing in standings
        if (standing.review.is_at_last_step if approving else standing.review.is_at_first_step)
    ]
    ending_ids = {standing.review.invoice_id for standing in ending}
    passing = [
        standing.review.invoice_id
        for standing in standings
        if standing.review.invoice_id not in ending_ids
    ]
    outcomes = [Outcome(pk, label) for pk, label in _labels(passing).items()]
    if ending_ids and approving:
        outcomes += finalise_invoices(invoice_ids=sorted(ending_ids), by=by, at=at)
    elif ending_ids:
        outcomes += reopen_invoices(invoice_ids=sorted(ending_ids), at=at)
    done = {outcome.invoice_id for outcome in outcomes if outcome.is_done}
    return outcomes, [standing for standing in standings if standing.review.invoice_id in done]


def _move_reviews(standings: list[Standing], *, verdict: str, at: dt.datetime) -> None:
    """Compare-and-swap, a statement for each step that was seen."""
    by_move: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for standing in standings:
        review = standing.review
        ends = review.is_at_last_step if verdict == Verdict.APPROVE else review.is_at_first_step
        by_move[(review.position, ends)].append(review.pk)
    for (position, ends), ids in by_move.items():
        reviews = Review.objects.filter(pk__in=ids)
        if verdict == Verdict.APPROVE:
            moved = (
                reviews.end_approved(from_position=position, at=at)
                if ends
                else reviews.advance(from_position=position)
            )
        else:
            moved = (
                reviews.end_rejected(from_position=position, at=at)
                if ends
                else reviews.step_back(from_position=position)
            )
        assert moved == len(ids), (
            f"{len(ids)} reviews were locked at step {position}, {moved} moved"
        )


def _labels(invoice_ids: Collection[int]) -> dict[int, str]:
    invoices = Invoice.objects.filter(pk__in=invoice_ids).select_related("customer")
    return {invoice.pk: invoice_label(invoice) for invoice in invoices}


def _in_order(
    invoice_ids: Collection[int], outcomes: Collection[Outcome], refusals: Mapping[int, str]
) -> list[Outcome]:
    """One outcome for each invoice, in the order asked; those without any say why."""
    found = {outcome.invoice_id: outcome for outcome in outcomes}
    missing = [pk for pk in dict.fromkeys(invoice_ids) if pk not in found]
    if missing:
        rows = Invoice.objects.filter(pk__in=missing).select_related("customer").in_bulk()
        for pk in missing:
            invoice = rows.get(pk)
            if invoice is None:
                found[pk] = Outcome(pk, f"invoice {pk}", refusal="It does not exist any more.")
                continue
            reason = refusals.get(pk) or WHY_NOT_DECIDED.get(invoice.status, "")
            found[pk] = Outcome(
                pk, invoice_label(invoice), refusal=reason or "It is not in approval."
            )
    return [found[pk] for pk in dict.fromkeys(invoice_ids)]
