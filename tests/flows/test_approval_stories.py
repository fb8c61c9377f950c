"""Golden examples 1 and 7: the ledger of one invoice; two reviewers, a rejection, a forced failure."""

import datetime as dt
import json
import re
import uuid
from decimal import Decimal

import pytest

from approvals.services.reviews import (
    approve_at_once,
    approve_step,
    reject_invoices,
    request_approval,
)
from invoicing.models import Invoice, NumberCounter, NumberScheme
from invoicing.services import approval
from invoicing.services.calculation import calculate_invoices
from ledger.exports.ledger_json import render_ledger_json
from ledger.models import LedgerEntry
from ledger.selectors import ledger_lines
from ledger.services.payments import record_payment
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, member_of, open_invoice

pytestmark = pytest.mark.django_db

EXAMPLE = """[
    {
        "Type":"Payment",
        "ContractId":"<contract>",
        "CustomerId":"<customer>",
        "Description":"Transaction: 5b960e2a88472c05603cdb22",
        "Currency":"EUR",
        "Amount":-89.25,
        "Balance":0.00,
        "VatPercentage":0,
        "AmountType":"GrossAmount",
        "PaymentTransactionId":"5b960e2a88472c05603cdb22",
        "PaymentTransactionStatus":"Succeeded",
        "PaymentStatus":"Confirmed",
        "Timestamp":"2018-09-10T06:24:38.0000000Z"
    },
    {
        "Type":"Receivable",
        "ContractId":"<contract>",
        "CustomerId":"<customer>",
        "Description":"Invoice: R2018-0022",
        "Currency":"EUR",
        "Amount":89.25,
        "Balance":89.25,
        "Country":"DE",
        "VatPercentage":0,
        "AmountType":"GrossAmount",
        "InvoiceId":"<invoice>",
        "InvoiceDraftId":"<invoice>",
        "Timestamp":"2018-09-10T06:23:25.0000000Z"
    }
]
"""


@pytest.mark.requirement(
    "B-5", "B-8", "B-12", "B-16", "B-17", "B-18", "B-19", "B-20", "B-21", "B-22", "B-23"
)
@pytest.mark.requirement("B-24", "B-25", "B-26", "B-27", "D-52", "D-53")
def test_the_example_ledger_comes_out_to_the_letter():
    builders.make_firm()
    NumberScheme.objects.update(first_number=22)
    customer = builders.make_customer(bill_from=dt.date(2018, 8, 1))
    invoice = open_invoice(
        customer, period_from=dt.date(2018, 8, 1), period_to=dt.date(2018, 8, 31)
    )
    approve_at_once(
        invoice_ids=[invoice.pk],
        by=approver(),
        at=dt.datetime(2018, 9, 10, 6, 23, 25, tzinfo=dt.UTC),
    )
    contract = invoice.contract
    record_payment(
        account=contract.account,
        operation=uuid.uuid4(),
        method="card",
        amount=Decimal("89.25"),
        transaction_reference="5b960e2a88472c05603cdb22",
        at=dt.datetime(2018, 9, 10, 6, 24, 38, tzinfo=dt.UTC),
    )

    text = "".join(render_ledger_json(ledger_lines(contract=contract)))

    expected = (
        EXAMPLE.replace("<contract>", str(contract.pk))
        .replace("<customer>", str(customer.pk))
        .replace("<invoice>", str(invoice.pk))
    )
    assert text == expected
    contract.account.refresh_from_db()
    assert contract.account.balance == 0


@pytest.mark.requirement("B-24", "B-27")
def test_an_empty_ledger_and_other_currencies_are_valid_json():
    yen = builders.make_customer(currency="JPY").contracts.get()
    assert json.loads("".join(render_ledger_json(ledger_lines(contract=yen)))) == []
    record_payment(
        account=yen.account, operation=uuid.uuid4(), method="cash", amount=Decimal(900), at=AT
    )
    text = "".join(render_ledger_json(ledger_lines(contract=yen)))
    assert re.search(r'"Amount":-900,\n', text)
    (entry,) = json.loads(text)
    assert entry["PaymentStatus"] == "Confirmed"


@pytest.mark.requirement("CB-102", "CB-105", "CB-107", "CB-108", "CB-109", "CB-110", "CB-11")
def test_two_reviewers_a_rejection_and_a_purchase_that_arrives_meanwhile():
    builders.make_firm()
    group_a, group_b = make_group("A"), make_group("B")
    customer = builders.make_customer()
    make_process(group_a, group_b, customer_cluster=customer.cluster)
    ann = builders.make_user("Finance", username="ann")
    a, b = member_of(group_a), member_of(group_b)
    invoice = open_invoice(customer)
    ids = [invoice.pk]

    assert request_approval(invoice_ids=ids, by=ann, at=AT)[0].is_done
    assert Invoice.objects.get().status == "approving"
    assert Invoice.objects.move_to_pending() == 0  # what a new purchase would do: it is locked
    assert Invoice.objects.get().gross_total == Decimal("89.25")
    approve_step(invoice_ids=ids, by=a, at=AT)
    reject_invoices(invoice_ids=ids, by=b, at=AT)
    assert approve_step(invoice_ids=ids, by=b, at=AT)[0].refusal  # it is A's turn again
    reject_invoices(invoice_ids=ids, by=a, at=AT)
    assert Invoice.objects.get().status == "pending"

    # the calculation takes in the new purchase
    Invoice.objects.filter(pk=invoice.pk).update(
        status="open", net_total=100, vat_total=19, gross_total=119, calculated_at=AT
    )
    request_approval(invoice_ids=ids, by=ann, at=AT)
    approve_step(invoice_ids=ids, by=a, at=AT)
    assert not LedgerEntry.objects.exists()
    assert approve_step(invoice_ids=ids, by=b, at=AT)[0].number == "R2026-0001"
    assert LedgerEntry.objects.get().amount == Decimal("119.00")


@pytest.mark.requirement("CB-105", "CB-11", "D-47")
def test_what_arrived_during_approval_is_taken_in_when_the_first_reviewer_rejects():
    builders.make_firm()
    customer = builders.make_customer()
    item = builders.make_item()
    builders.make_rule(value=Decimal("75.00"), product_category=item.category)
    builders.make_vat()
    invoice = builders.make_invoice(customer)
    builders.make_purchase(invoice, item=item)
    user, ids = approver(), [invoice.pk]

    def total() -> Decimal:
        calculate_invoices(invoice_ids=ids, at=AT)
        return Invoice.objects.get().gross_total

    assert total() == Decimal("89.25")
    request_approval(invoice_ids=ids, by=user, at=AT)
    late = builders.make_purchase(
        customer=customer,
        customer_code=customer.code,
        product_code=item.code,
        item=item,
        contract=invoice.contract,
        unmapped_reason="invoice_locked",
    )
    assert total() == Decimal("89.25")
    reject_invoices(invoice_ids=ids, by=user, at=AT)
    late.refresh_from_db()
    assert late.invoice_id == invoice.pk
    assert total() == Decimal("178.50")
    assert approve_at_once(invoice_ids=ids, by=user, at=AT)[0].number == "R2026-0001"


@pytest.mark.requirement("X-13", "CB-67", "R1")
def test_a_number_lost_to_a_failure_is_used_by_the_next(monkeypatch):
    builders.make_firm()
    user, failing, next_one = approver(), open_invoice(), open_invoice()

    def fail(**kwargs):
        assert NumberCounter.objects.get().last_number == 1  # after numbering
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(approval, "post_entries", fail)
        with pytest.raises(OSError, match="disk is full"):
            approve_at_once(invoice_ids=[failing.pk], by=user, at=AT)
    assert Invoice.objects.get(pk=failing.pk).status == "open"

    assert approve_at_once(invoice_ids=[next_one.pk], by=user, at=AT)[0].number == "R2026-0001"
    assert approve_at_once(invoice_ids=[failing.pk], by=user, at=AT)[0].number == "R2026-0002"
