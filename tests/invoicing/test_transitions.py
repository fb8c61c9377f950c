"""The state machine's own map, and the set-based transitions held against it."""

import ast
import inspect
import textwrap

import pytest
from django.db import transaction
from django_fsm import TransitionNotAllowed

from invoicing import querysets
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.models.invoices import STATUS_MAP
from invoicing.querysets import InvoiceQuerySet, InvoiceRecord
from tests.invoicing.invoice_rows import NOON, STATUSES, approval, new_invoice

pytestmark = pytest.mark.django_db

FSM = {
    transition.name: transition
    for transition in Invoice._meta.get_field("status").get_all_transitions(Invoice)
}


def fsm_moves(*names: str) -> set[tuple[str, str]]:
    return {
        (str(transition.source), str(transition.target))
        for transition in Invoice._meta.get_field("status").get_all_transitions(Invoice)
        if transition.name in names
    }


def record(rows: InvoiceQuerySet, error: str = "") -> None:
    rows.record_results(
        [InvoiceRecord(row.pk, error, 0, 0, 0, 0, 0, "") for row in rows.all()], at=NOON
    )


def finalise(rows: InvoiceQuerySet) -> None:
    fields = approval(rows.get())
    rows.finalise(
        [
            querysets.Issue(
                invoice_id=rows.get().pk,
                number=fields["number"],
                counter_id=fields["number_counter"].pk,
                sequence=1,
                entry_id=fields["ledger_entry"].pk,
                document_data={},
                due_date=NOON.date(),
                approved_at=NOON,
            )
        ]
    )


# Method of the queryset -> ways to call it, each with the transitions of the model that it does.
CALLS = {
    "move_to_pending": [(lambda rows: rows.move_to_pending(), ("mark_pending",))],
    "record_results": [
        (lambda rows: record(rows), ("record_result",)),
        (lambda rows: record(rows, "No VAT rule."), ("record_failure",)),
    ],
    "lock": [(lambda rows: rows.lock(), ("lock",))],
    "close": [(lambda rows: rows.close(), ("close",))],
    "reopen": [(lambda rows: rows.reopen(), ("reopen",))],
    "finalise": [(finalise, ("finalise",))],
}


def writing_methods() -> set[str]:
    """Methods of the queryset that write; all of them are transitions."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(InvoiceQuerySet)))
    return {
        method.name
        for method in tree.body[0].body
        if isinstance(method, ast.FunctionDef)
        and any(
            isinstance(node, ast.Attribute) and node.attr in ("update", "execute")
            for node in ast.walk(method)
        )
    }


def test_every_set_based_transition_is_tested_here():
    assert writing_methods() <= CALLS.keys()


@pytest.mark.requirement("CB-9", "CB-10", "CB-11", "CB-12", "CB-13", "CB-14")
def test_the_model_moves_along_the_map_and_nowhere_else():
    assert fsm_moves(*FSM) == {(str(source), str(target)) for source, target in STATUS_MAP}


@pytest.mark.parametrize("source", STATUSES)
@pytest.mark.parametrize(
    ("method", "call", "transitions"),
    [
        (method, *way)
        for method in sorted(writing_methods() & CALLS.keys())
        for way in CALLS[method]
    ],
)
def test_a_set_moves_as_the_model_does(method, call, transitions, source):
    """From every status: moved when the model's transition may, left alone when it may not."""
    invoice = new_invoice(source)
    moves = dict(fsm_moves(*transitions))
    try:
        with transaction.atomic():
            call(Invoice.objects.filter(pk=invoice.pk))
            status = Invoice.objects.get(pk=invoice.pk).status
            raise Undo
    except Undo:
        pass
    assert status == moves.get(source, source)


@pytest.mark.parametrize("status", InvoiceStatus.values)
def test_a_single_invoice_refuses_what_the_map_does_not_know(status):
    invoice = new_invoice(status)
    if status == "open":
        invoice.lock()
        assert invoice.status == "approving"
    else:
        with pytest.raises(TransitionNotAllowed):
            invoice.lock()


class Undo(Exception):
    """Rolls back what a call did."""
