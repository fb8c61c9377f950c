"""Reads of the approvals floor: which process, whose turn, what can be done next."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.db.models import Q

from approvals import rules
from approvals.enums import ReviewStatus, Verdict
from approvals.models import ApprovalProcess, Decision, Review
from approvals.rules import Decider
from billing_site.web.trees import nearest
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.rules.marks import mark_of_open


@dataclass(frozen=True, slots=True)
class Process:
    """An approval process with its steps, as it is now."""

    id: int
    name: str
    four_eyes: bool
    allow_empty: bool
    steps: tuple[int, ...]  # user groups, in order


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a running review stands."""

    review: Review
    round: int  # 1, and one more after every rejection
    decider_ids: frozenset[int]  # who decided in this review

    @property
    def mark(self) -> str:
        return rules.mark_of_review(
            review_id=self.review.pk, position=self.review.position, round_=self.round
        )


@dataclass(frozen=True, slots=True)
class NextAction:
    """What the button of an invoice does for one person (X-4); no label: no button."""

    label: str = ""
    reason: str = ""  # why there is no button
    mark: str = ""
    can_reject: bool = False


def decider_of(user: User) -> Decider:
    """The person with groups and permissions as they are now."""
    return Decider(
        user_id=user.pk,
        group_ids=frozenset(user.groups.values_list("pk", flat=True)),
        may_approve=user.has_perm("approvals.approve_invoice"),
        may_request=user.has_perm("approvals.request_approval"),
    )


def processes_of(invoice_ids: Collection[int]) -> dict[int, Process | None]:
    """The process of each invoice: that of the nearest cluster with one, else the default (H-CB7).

    None where no process is defined. Three queries, however many invoices.
    """
    processes = {
        process.customer_cluster_id: Process(
            id=process.pk,
            name=process.name,
            four_eyes=process.four_eyes,
            allow_empty=process.allow_empty,
            steps=tuple(step.group_id for step in process.steps.all()),
        )
        for process in ApprovalProcess.objects.prefetch_related("steps")
    }
    paths = Invoice.objects.filter(pk__in=invoice_ids).values_list("pk", "customer__cluster__path")
    return {pk: nearest(path, processes) for pk, path in paths}


def standings(reviews: Iterable[Review]) -> list[Standing]:
    """Round and deciders of each review, in one query more."""
    reviews = list(reviews)
    rejections: Counter[int] = Counter()
    deciders: defaultdict[int, set[int]] = defaultdict(set)
    decisions = Decision.objects.filter(review__in=reviews).order_by()
    for review_id, user_id, verdict in decisions.values_list("review", "user", "verdict"):
        rejections[review_id] += verdict == Verdict.REJECT
        deciders[review_id].add(user_id)
    return [
        Standing(
            review=review,
            round=1 + rejections[review.pk],
            decider_ids=frozenset(deciders[review.pk]),
        )
        for review in reviews
    ]


def group_names(group_ids: Collection[int]) -> dict[int, str]:
    """Names of the user groups that exist."""
    return dict(Group.objects.filter(pk__in=group_ids).values_list("pk", "name"))


def why_not_decide(
    *, standing: Standing, decider: Decider, verdict: str, names: dict[int, str]
) -> str:
    """The rule, asked about one standing review."""
    review = standing.review
    return rules.why_not_decide(
        decider=decider,
        verdict=verdict,
        group_id=review.group_id,
        group_name=names.get(review.group_id),
        four_eyes=review.process.four_eyes,
        requested_by_id=review.requested_by_id,
        earlier_deciders=standing.decider_ids,
    )


def running_review(invoice_id: int) -> Standing | None:
    """The review in which the invoice is now."""
    review = Review.objects.running().filter(invoice=invoice_id).select_related("process").first()
    return standings([review])[0] if review else None


def next_action(*, invoice: Invoice, user: User) -> NextAction:
    """What Approve means on this invoice for this person, or why there is nothing to do (X-4).

    :param invoice: with ``is_past`` annotated (``with_period_past``).
    """
    decider = decider_of(user)
    if invoice.status == InvoiceStatus.OPEN:
        return _action_on_open(invoice, decider)
    if invoice.status == InvoiceStatus.APPROVING:
        return _action_on_approving(invoice, decider)
    return NextAction(reason=f"The invoice is {invoice.get_status_display()}.")


def _action_on_open(invoice: Invoice, decider: Decider) -> NextAction:
    process = processes_of([invoice.pk])[invoice.pk]
    if process is None or not process.steps:
        return NextAction(reason="No approval process with a step is defined for this customer.")
    if not invoice.is_past:
        return NextAction(reason="It can be approved from the day after its period.")
    if invoice.item_count == 0 and not process.allow_empty:
        return NextAction(reason="It is empty; close it.")
    mark = mark_of_open(calculated_at=invoice.calculated_at, gross_total=invoice.gross_total)
    if rules.approves_at_once(steps=process.steps, four_eyes=process.four_eyes, decider=decider):
        return NextAction(label="Approve", mark=mark)
    if decider.may_request:
        return NextAction(label="Request approval", mark=mark)
    return NextAction(reason="You do not have the permission to request approval.")


def _action_on_approving(invoice: Invoice, decider: Decider) -> NextAction:
    standing = running_review(invoice.pk)
    if standing is None:
        return NextAction(reason="The invoice has no running review.")
    names = group_names(standing.review.steps)
    refusals = {
        verdict: why_not_decide(standing=standing, decider=decider, verdict=verdict, names=names)
        for verdict in Verdict
    }
    steps = len(standing.review.steps)
    label = "Approve" if steps == 1 else f"Approve step {standing.review.position} of {steps}"
    return NextAction(
        label="" if refusals[Verdict.APPROVE] else label,
        reason=refusals[Verdict.APPROVE],
        mark=standing.mark,
        can_reject=not refusals[Verdict.REJECT],
    )


def decisions_open_to(invoice_ids: Collection[int], user: User) -> dict[int, frozenset[str]]:
    """The verdicts this person may give now on each of these invoices. Five queries at most."""
    decider = decider_of(user)
    if not decider.may_approve:
        return {}
    reviews = Review.objects.running().filter(invoice__in=invoice_ids).select_related("process")
    found = standings(reviews)
    names = group_names({standing.review.group_id for standing in found})
    return {
        standing.review.invoice_id: frozenset(
            verdict
            for verdict in Verdict.values
            if not why_not_decide(standing=standing, decider=decider, verdict=verdict, names=names)
        )
        for standing in found
    }


def reviews_of(invoice: Invoice):
    """Every review of an invoice with its decisions, newest first."""
    return (
        Review.objects.filter(invoice=invoice)
        .select_related("process", "requested_by")
        .prefetch_related("decisions__user")
    )


def ended_review_of(*, invoice_id: int, user_id: int) -> Review | None:
    """The newest review of the invoice, when this person requested it and it is not rejected."""
    review = Review.objects.filter(invoice=invoice_id).order_by("-pk").first()
    if review and review.requested_by_id == user_id and review.status != ReviewStatus.REJECTED:
        return review
    return None


def has_decided(*, review_id: int, position: int, round_: int, user_id: int, verdict: str) -> bool:
    """Whether this person gave this verdict on this step in this round: the form was sent twice."""
    return Decision.objects.filter(
        Q(review=review_id, step=position, round=round_, user=user_id, verdict=verdict)
    ).exists()
