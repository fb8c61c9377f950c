"""What the database refuses about invoices, their items, purchases and numbers."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicing.models import InvoiceItem, NumberScheme, Purchase
from invoicing.models.invoices import STATUS_MAP
from tests import builders
from tests.constraints import Case, cases, check, refused
from tests.invoicing.invoice_rows import (
    CENT,
    DAY,
    NOON,
    SECOND,
    STATUSES,
    approval,
    approve,
    approve_in_turn,
    change,
    delete,
    hand_out,
    insert_approved,
    item_of,
    new_counter,
    new_invoice,
    new_item,
    purchase_of,
    two_invoices,
    two_items,
)

pytestmark = pytest.mark.django_db

CASES = cases(
    Case(
        "invoice_once_per_period",
        holds=lambda: two_invoices(dt.date(2026, 1, 2)),
        refused=lambda: two_invoices(dt.date(2026, 1, 1)),
    ),
    Case(
        "invoice_number_once",
        holds=lambda: [approve(number=number) for number in ("R2026-0001", "R2026-0002")],
        refused=lambda: [approve(number="R2026-0001") for _ in range(2)],
    ),
    Case(
        "invoice_reference_once",
        holds=lambda: [new_invoice(type="ad_hoc", reference=text) for text in ("move", "Move")],
        refused=lambda: [new_invoice(type="ad_hoc", reference="move") for _ in range(2)],
    ),
    Case(
        "invoice_sequence_once",
        holds=lambda: approve_in_turn(new_counter(), 1, 2),
        refused=lambda: approve_in_turn(new_counter(), 1, 1),
    ),
    Case(
        "invoice_number_iff_approved",
        holds=lambda: approve(),
        refused=lambda: approve(number=None),
    ),
    Case(
        "invoice_entry_iff_approved",
        holds=lambda: approve(),
        refused=lambda: approve(ledger_entry=None),
    ),
    Case(
        "invoice_reference_iff_ad_hoc",
        holds=lambda: new_invoice(type="ad_hoc", reference="move-2026"),
        refused=lambda: new_invoice(type="ad_hoc", reference=None),
    ),
    Case(
        "invoice_period_to_after_from",
        holds=lambda: new_invoice(period_from=DAY, period_to=DAY),
        refused=lambda: new_invoice(period_from=DAY, period_to=DAY - dt.timedelta(days=1)),
    ),
    Case(
        "invoice_error_iff_error",
        holds=lambda: new_invoice("error", error="No VAT rule."),
        refused=lambda: new_invoice("error", error=""),
    ),
    Case(
        "invoice_gross_is_net_plus_vat",
        holds=lambda: new_invoice(net_total=75, vat_total=Decimal("14.25"), gross_total="89.25"),
        refused=lambda: new_invoice(net_total=75, vat_total=Decimal("14.25"), gross_total="89.26"),
    ),
    Case(
        "invoice_open_is_calculated",
        holds=lambda: new_invoice("open", calculated_at=NOON),
        refused=lambda: new_invoice("open", calculated_at=None),
    ),
    Case(
        "invoice_status_map",
        holds=lambda: change(new_invoice("open"), status="approving"),
        refused=lambda: change(new_invoice("error"), status="approving", error=""),
    ),
    Case(
        "invoice_locked_is_frozen",
        holds=lambda: change(new_invoice("open"), net_total=CENT, gross_total=CENT),
        refused=lambda: change(new_invoice("approving"), net_total=CENT, gross_total=CENT),
    ),
    Case(
        "invoice_final_is_frozen",
        holds=lambda: change(new_invoice("approving"), due_date=DAY),
        refused=lambda: change(new_invoice("approved"), due_date=DAY),
    ),
    Case(
        "invoice_locked_stays",
        holds=lambda: delete(new_invoice("open")),
        refused=lambda: delete(new_invoice("approving")),
    ),
    Case(
        "invoice_number_continues",
        holds=lambda: approve_in_turn(new_counter(), 1, 2, 3),
        refused=lambda: approve_in_turn(new_counter(), 1, 3),
    ),
    Case(
        "invoice_number_continues_insert",
        holds=lambda: insert_approved(number_counter=hand_out(new_counter(), 1)),
        refused=lambda: insert_approved(number_counter=new_counter()),
    ),
    Case(
        "counter_numbers_are_used",
        holds=lambda: approve(number_counter=hand_out(new_counter(), 1)),
        refused=lambda: hand_out(new_counter(), 1),
    ),
    Case(
        "item_position_once",
        holds=lambda: two_items(1, 2),
        refused=lambda: two_items(1, 1),
    ),
    Case(
        "item_invoice_is_pending_insert",
        holds=lambda: new_item(new_invoice("pending")),
        refused=lambda: new_item(new_invoice("open")),
    ),
    Case(
        "item_invoice_is_pending_update",
        holds=lambda: InvoiceItem.objects.filter(pk=item_of("pending").pk).update(amount=2),
        refused=lambda: InvoiceItem.objects.filter(pk=item_of("open").pk).update(amount=2),
    ),
    Case(
        "item_invoice_is_pending_moved",
        holds=lambda: InvoiceItem.objects.filter(pk=item_of("pending").pk).update(
            invoice=new_invoice("pending")
        ),
        refused=lambda: InvoiceItem.objects.filter(pk=item_of("pending").pk).update(
            invoice=new_invoice("open")
        ),
    ),
    Case(
        "item_invoice_is_pending_delete",
        holds=lambda: item_of("pending").delete(),
        refused=lambda: item_of("open").delete(),
    ),
    Case(
        "purchase_invoice_unlocked_insert",
        holds=lambda: builders.make_purchase(new_invoice("open")),
        refused=lambda: builders.make_purchase(new_invoice("approving")),
    ),
    Case(
        "purchase_invoice_unlocked_update",
        holds=lambda: Purchase.objects.filter(pk=purchase_of("open").pk).update(quantity=2),
        refused=lambda: Purchase.objects.filter(pk=purchase_of("approving").pk).update(quantity=2),
    ),
    Case(
        "purchase_invoice_unlocked_moved",
        holds=lambda: Purchase.objects.filter(pk=purchase_of("open").pk).update(
            invoice=new_invoice("open")
        ),
        refused=lambda: Purchase.objects.filter(pk=purchase_of("open").pk).update(
            invoice=new_invoice("approving")
        ),
    ),
    Case(
        "purchase_invoice_unlocked_delete",
        holds=lambda: delete(purchase_of("open")),
        refused=lambda: delete(purchase_of("closed")),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)


@pytest.mark.requirement("CB-9", "CB-10", "CB-11", "CB-12", "CB-13", "CB-14")
@pytest.mark.parametrize("target", STATUSES)
@pytest.mark.parametrize("source", STATUSES)
def test_the_database_knows_the_same_state_machine(source, target):
    """All 36 moves: the database lets through what STATUS_MAP names, and nothing else."""
    invoice = new_invoice(source)
    fields = {"status": target, "error": "No VAT rule." if target == "error" else ""}
    if (source, target) == ("pending", "open"):
        fields["calculated_at"] = NOON

    def move_it() -> None:
        if target == "approved" and source != "approved":
            fields.update(approval(invoice))
        change(invoice, **fields)

    if source in ("approved", "closed"):
        with refused("invoice_final_is_frozen"):
            move_it()
    elif source == target or (source, target) in STATUS_MAP:
        move_it()
    else:
        with refused("invoice_status_map"):
            move_it()


@pytest.mark.requirement("CB-67")
@pytest.mark.parametrize(
    "missing",
    ["number", "number_counter", "number_sequence", "approved_at", "document_data"],
)
def test_an_approved_invoice_lacks_nothing(missing):
    with refused("invoice_number_iff_approved"):
        approve(**{missing: None})


@pytest.mark.requirement("CB-67", "X-3")
@pytest.mark.parametrize("status", ["pending", "open", "approving", "closed"])
def test_only_an_approved_invoice_has_a_number(status):
    with refused("invoice_number_iff_approved"):
        new_invoice(status, number="R2026-0001")


@pytest.mark.requirement("X-13", "R1")
@pytest.mark.parametrize(("first_number", "sequences"), [(1, (1, 2)), (22, (22, 23))])
def test_numbers_begin_with_the_first_of_their_scheme(first_number, sequences):
    approve_in_turn(new_counter(first_number), *sequences)
    for wrong in (first_number - 1, first_number + 1):
        with refused("invoice_number_continues"):
            approve_in_turn(new_counter(first_number), wrong)


@pytest.mark.requirement("X-13", "R1")
def test_a_raised_first_number_tears_no_gap():
    counter = new_counter()
    approve_in_turn(counter, 1, 2)
    NumberScheme.objects.filter(pk=counter.scheme_id).update(first_number=100)
    with refused("invoice_number_continues"):
        approve_in_turn(counter, 100)
    approve_in_turn(counter, 3)


@pytest.mark.requirement("X-13", "R1")
def test_a_number_is_issued_after_the_one_before_it():
    with refused("invoice_number_continues"):
        approve_in_turn(new_counter(), 1, 2, at=(NOON, NOON - SECOND))
    approve_in_turn(new_counter(), 1, 2, at=(NOON, NOON))


@pytest.mark.requirement("X-13", "R1")
def test_a_number_comes_from_its_counter():
    with refused("invoice_number_continues"):
        approve(number_counter=new_counter(), number_sequence=1)


@pytest.mark.requirement("CB-11")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost_total", CENT),
        ("currency", "USD"),
        ("invoice_date", dt.date(2026, 3, 1)),
        ("period_from", dt.date(2026, 1, 2)),
        ("period_to", dt.date(2026, 1, 30)),
        ("item_count", 7),
        ("calculated_at", NOON),
    ],
)
@pytest.mark.parametrize("target", ["approving", "approved"])
def test_what_is_checked_is_exactly_what_is_finalised(target, field, value):
    invoice = new_invoice("approving", calculated_at=NOON - SECOND)
    with refused("invoice_locked_is_frozen"):
        fields = approval(invoice) if target == "approved" else {}
        change(invoice, **fields, **{field: value})


@pytest.mark.requirement("CB-12", "CB-13", "R2")
@pytest.mark.parametrize("status", ["approved", "closed"])
def test_what_is_finished_is_neither_changed_nor_deleted(status):
    invoice = new_invoice(status)
    with refused("invoice_final_is_frozen"):
        change(invoice, status=status)
    with refused("invoice_locked_stays"):
        delete(invoice)
