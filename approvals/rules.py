"""Who may decide, and what a person saw. Pure: no query, no clock."""

from collections.abc import Collection
from dataclasses import dataclass

from approvals.enums import Verdict


@dataclass(frozen=True, slots=True)
class Decider:
    """A person as far as deciding is concerned."""

    user_id: int
    group_ids: frozenset[int]
    may_approve: bool  # holds approvals.approve_invoice
    may_request: bool  # holds approvals.request_approval


def why_not_decide(
    *,
    decider: Decider,
    verdict: str,
    group_id: int,
    group_name: str | None,
    four_eyes: bool,
    requested_by_id: int,
    earlier_deciders: Collection[int],
) -> str:
    """A sentence why ``decider`` may not give ``verdict`` on this step; empty when he may.

    A step belongs to a user group (CB-103, CB-106), for superusers too. With four eyes the
    requester may not approve, and nobody decides twice in one review (K-17).

    :param group_name: None when the group was deleted since the review began; then the step can
        be rejected by anybody who may approve, so that the invoice is not locked for ever.
    """
    if not decider.may_approve:
        return "You do not have the permission to approve invoices."
    if group_name is None:
        if verdict == Verdict.REJECT:
            return ""
        return (
            "The user group of this step no longer exists; reject the invoice and request "
            "approval again, then the steps of today apply."
        )
    if group_id not in decider.group_ids:
        return f"This step is decided by the user group {group_name}, and you are not in it."
    if four_eyes and decider.user_id in earlier_deciders:
        return f"You have decided on this invoice already; somebody else of {group_name} decides."
    if four_eyes and verdict == Verdict.APPROVE and decider.user_id == requested_by_id:
        return f"You requested this approval; somebody else of {group_name} approves it."
    return ""


def approves_at_once(*, steps: Collection[int], four_eyes: bool, decider: Decider) -> bool:
    """Whether Approve on an Open invoice requests and approves in one action (K-17)."""
    return (
        len(steps) == 1
        and not four_eyes
        and decider.may_approve
        and next(iter(steps)) in decider.group_ids
    )


def mark_of_review(*, review_id: int, position: int, round_: int) -> str:
    """What a person saw of a running review, for the form to bring back."""
    return f"review {review_id} {position} {round_}"


def review_of_mark(mark: str) -> tuple[int, int, int] | None:
    """``(review id, position, round)`` of ``mark_of_review``; None for another mark."""
    kind, *numbers = mark.split(" ")
    if kind != "review" or len(numbers) != 3:
        return None
    if not all(number.isascii() and number.isdigit() and len(number) < 19 for number in numbers):
        return None
    review_id, position, round_ = map(int, numbers)
    return review_id, position, round_
