"""The way of invoices out of the house: lock, finalise, reopen, close.

Every function takes a set of invoices, is one transaction, and says of each invoice what became
of it. Callers hand over at most ``BATCH`` at a time. Locks are taken in one order everywhere:
invoices, order lines, contract accounts, number counters, each in primary-key order.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from billing_site.kernel.errors import DomainError
from billing_site.kernel.money import format_money_with_currency
from billing_site.kernel.periods import due_date, local_date
from invoicing.documents import Provider
from invoicing.enums import FINAL_STATUSES, InvoiceStatus
from invoicing.errors import FirmIsMissing
from invoicing.models import Invoice, TransformationResult
from invoicing.querysets import InvoiceQuerySet, Issue
from invoicing.rules.marks import mark_of_open
from invoicing.selectors.charges import unfit_charges
from invoicing.selectors.parties import parties_of, provider_of, terms_of
from invoicing.services.line_charges import bill_lines, lock_lines_of
from invoicing.services.numbers import NumberedInvoice, Numbering, take_numbers
from invoicing.services.purchase_mapping import map_purchases_of_released
from ledger.enums import EntryType
from ledger.models import Firm
from ledger.services.entries import Posting, lock_accounts, post_entries

BATCH = 500
DOCUMENT_VIEW = "invoicing:invoice-detail"

WHY_NOT_OPEN = {
    InvoiceStatus.PENDING: "It is waiting for calculation; try again when it is Open.",
    InvoiceStatus.ERROR: "Its calculation failed; correct the cause and recalculate it first.",
    InvoiceStatus.APPROVING: "It is in approval already.",
    InvoiceStatus.APPROVED: "It is approved already.",
    InvoiceStatus.CLOSED: "It is closed for good.",
}
ASKED_BY_THE_GATE = (
    "status",
    "item_count",
    "period_from",
    "period_to",
    "currency",
    "gross_total",
    "calculated_at",
    "customer__name",
    "customer__time_zone",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one invoice: ``refusal`` is a sentence, empty when it was done."""

    invoice_id: int
    label: str
    refusal: str = ""
    number: str = ""

    @property
    def is_done(self) -> bool:
        return not self.refusal


@transaction.atomic
def lock_invoices(
    *, invoice_ids: Collection[int], empty_allowed: Collection[int] = (), at: dt.datetime
) -> list[Outcome]:
    """Open -> Approving: what is checked is exactly what is finalised (CB-11, CB-102).

    Only invoices whose period is past are taken (CB-66), and empty ones only when named in
    ``empty_allowed`` (K-14). What another platform bills is never approved, and no charge of an
    order line that was changed since (L-10, L-12). Outcomes come in the order of ``invoice_ids``.
    """
    invoices = _locked(invoice_ids, at=at)
    unfit = unfit_charges(invoices)
    refusals = {}
    for invoice in invoices.values():
        reason = _why_not_past_and_open(invoice, at=at)
        if not reason and invoice.item_count == 0 and invoice.pk not in empty_allowed:
            reason = "It is empty, and empty invoices are not approved here; close it instead."
        if not reason and invoice.pk in unfit:
            reason = f"{unfit[invoice.pk]}; it is put right within minutes, try again then."
        refusals[invoice.pk] = reason
    _move(refusals, InvoiceQuerySet.lock)
    return _outcomes(invoice_ids, invoices, refusals)


@transaction.atomic
def close_invoices(
    *, invoice_ids: Collection[int], at: dt.datetime, seen: Mapping[int, str] | None = None
) -> list[Outcome]:
    """Open -> Closed, for good: will not be sent, has no number (CB-13, CB-66).

    :param seen: marks of what a page showed, by id; an invoice calculated since is refused.
    """
    invoices = _locked(invoice_ids, at=at)
    refusals = {
        invoice.pk: (
            "It is in approval; reject it before closing it."
            if invoice.status == InvoiceStatus.APPROVING
            else _why_not_past_and_open(invoice, at=at)
            or _why_not_as_seen(invoice, (seen or {}).get(invoice.pk))
        )
        for invoice in invoices.values()
    }
    _move(refusals, InvoiceQuerySet.close)
    return _outcomes(invoice_ids, invoices, refusals)


@transaction.atomic
def reopen_invoices(*, invoice_ids: Collection[int], at: dt.datetime) -> list[Outcome]:
    """Approving -> Pending: rejected, to be calculated with what arrived meanwhile (CB-105).

    Purchases that waited because of the lock are put on their invoices again (D-47).
    """
    invoices = _locked(invoice_ids, at=at)
    refusals = {invoice.pk: _why_not_approving(invoice) for invoice in invoices.values()}
    _move(refusals, InvoiceQuerySet.reopen)
    map_purchases_of_released(invoice_ids=[pk for pk, reason in refusals.items() if not reason])
    return _outcomes(invoice_ids, invoices, refusals)


@transaction.atomic
def finalise_invoices(*, invoice_ids: Collection[int], by: User, at: dt.datetime) -> list[Outcome]:
    """Approving -> Approved: number, ledger entry and order for the document, or nothing (D-52).

    The numbers of a scheme follow the invoice dates. The counter is taken last and held to the
    end of the transaction, so a failure after it gives the number back (X-13). The parties are
    frozen as they are now. A negative total is posted as a credit memo. After the commit, when
    the counter is free again, purchases that arrived during the approval are late (D-46).
    Up-front charges of order lines on these invoices go In Billing (D-10); the lines are locked
    before they are looked at, so no route changes meanwhile (L-12).

    :raises FirmIsMissing: there is no provider to print.
    :raises NumberTaken: another scheme made one of the numbers; nothing is done.
    """
    firm = Firm.objects.first()
    if firm is None:
        raise FirmIsMissing
    invoices = _locked_to_finalise(invoice_ids)
    lines = lock_lines_of(invoice_ids=invoices)
    unfit = unfit_charges(invoices)
    refusals = {}
    numbering = Numbering.load(at=at)
    plans = []
    for invoice in invoices.values():
        reason = _why_not_approving(invoice)
        if not reason and invoice.pk in unfit:
            reason = f"{unfit[invoice.pk]}; reject the invoice, so that it is put right."
        if not reason:
            try:
                plans.append(_plan(invoice, numbering))
            except DomainError as refusal:
                reason = str(refusal)
        refusals[invoice.pk] = reason
    bill_lines(lines=lines, invoice_ids={plan.invoice.pk for plan in plans}, by=by, at=at)
    numbers = _issue(plans, provider=provider_of(firm), by=by, at=at) if plans else {}
    if numbers:
        bill_lines(lines=lines, invoice_ids=numbers, by=by, at=at)
        transaction.on_commit(lambda: map_purchases_of_released(invoice_ids=list(numbers)))
    return _outcomes(invoice_ids, invoices, refusals, numbers)


@dataclass(frozen=True, slots=True)
class _Plan:
    """An invoice that can be finalised, and what is known before it has a number."""

    invoice: Invoice
    due_date: dt.date
    numbered: NumberedInvoice


def _plan(invoice: Invoice, numbering: Numbering) -> _Plan:
    if invoice.account_id is None:
        raise DomainError(
            f"Contract {invoice.contract} has no contract account; open one on its page first."
        )
    return _Plan(
        invoice=invoice,
        due_date=due_date(invoice.invoice_date, terms_of(invoice.contract)),
        numbered=numbering.plan(invoice),
    )


def _issue(
    plans: Sequence[_Plan], *, provider: Provider, by: User, at: dt.datetime
) -> dict[int, str]:
    """Write everything that approval makes; the numbers by invoice id."""
    plans = sorted(plans, key=lambda plan: (plan.invoice.invoice_date, plan.invoice.pk))
    parties = {
        plan.invoice.pk: parties_of(
            provider=provider, customer=plan.invoice.customer, contract=plan.invoice.contract
        ).as_json()
        for plan in plans
    }
    TransformationResult.objects.bulk_create(
        [TransformationResult(invoice=plan.invoice, requested_by=by) for plan in plans]
    )
    accounts = lock_accounts(account_ids={plan.invoice.account_id for plan in plans})
    numbers = take_numbers([plan.numbered for plan in plans], at=at)
    issued_at = max(number.issued_at for number in numbers)
    entries = post_entries(
        postings=[_posting(plan, number.text) for plan, number in zip(plans, numbers, strict=True)],
        at=issued_at,
        accounts=accounts,
    )
    issues = [
        Issue(
            invoice_id=plan.invoice.pk,
            number=number.text,
            counter_id=number.counter_id,
            sequence=number.sequence,
            entry_id=entry.pk,
            document_data=parties[plan.invoice.pk],
            due_date=plan.due_date,
            approved_at=number.issued_at,
        )
        for plan, number, entry in zip(plans, numbers, entries, strict=True)
    ]
    moved = Invoice.objects.finalise(issues)
    assert moved == len(issues), f"{len(issues)} invoices were locked, {moved} were finalised"
    return {issue.invoice_id: issue.number for issue in issues}


def _posting(plan: _Plan, number: str) -> Posting:
    """Receivable or credit memo; gross, so its VAT percentage is 0 (D-50, D-53)."""
    invoice = plan.invoice
    owed = invoice.gross_total >= 0
    return Posting(
        account_id=invoice.account_id,
        type=EntryType.RECEIVABLE if owed else EntryType.CREDIT_MEMO,
        fact=f"invoice:{invoice.pk}",
        description=f"Invoice: {number}" if owed else f"Credit note: {number}",
        currency=invoice.currency,
        amount=invoice.gross_total,
        booking_date=invoice.invoice_date,
        due_date=plan.due_date,
        country=invoice.customer.country,
        document_id=invoice.pk,
        document_number=number,
        document_view=DOCUMENT_VIEW,
        draft_id=invoice.pk,
    )


def _locked(invoice_ids: Collection[int], *, at: dt.datetime) -> dict[int, Invoice]:
    """The invoices by id, locked in order, with what the gate asks and the label says."""
    rows = Invoice.objects.filter(pk__in=invoice_ids).with_period_past(at)
    rows = rows.select_related("customer").only(*ASKED_BY_THE_GATE)
    return {invoice.pk: invoice for invoice in rows.lock_in_order()}


def _locked_to_finalise(invoice_ids: Collection[int]) -> dict[int, Invoice]:
    """The invoices by id, locked in order, with everything a document and an entry name."""
    rows = Invoice.objects.filter(pk__in=invoice_ids).with_account_id()
    rows = rows.select_related("customer__cluster", "contract")
    return {invoice.pk: invoice for invoice in rows.lock_in_order()}


def _move(refusals: dict[int, str], transition: Callable[[InvoiceQuerySet], int]) -> None:
    ids = [pk for pk, reason in refusals.items() if not reason]
    moved = transition(Invoice.objects.filter(pk__in=ids)) if ids else 0
    assert moved == len(ids), f"{len(ids)} invoices were locked, {moved} moved"


def _why_not_past_and_open(invoice: Invoice, *, at: dt.datetime) -> str:
    if invoice.status != InvoiceStatus.OPEN:
        return WHY_NOT_OPEN[InvoiceStatus(invoice.status)]
    if not invoice.is_past:
        today = local_date(at, invoice.customer.time_zone)
        return (
            f"Its period ends on {invoice.period_to:%-d %B %Y} and it is {today:%-d %B %Y} where "
            "the customer is; it can be approved or closed from the day after the period."
        )
    return ""


def _why_not_as_seen(invoice: Invoice, mark: str | None) -> str:
    now = mark_of_open(calculated_at=invoice.calculated_at, gross_total=invoice.gross_total)
    if mark is None or mark == now:
        return ""
    total = format_money_with_currency(invoice.gross_total, invoice.currency)
    return f"It was calculated again since you looked at it, its total is {total} now; look again."


def _why_not_approving(invoice: Invoice) -> str:
    if invoice.status == InvoiceStatus.APPROVING:
        return ""
    if invoice.status in FINAL_STATUSES:
        return WHY_NOT_OPEN[InvoiceStatus(invoice.status)]
    return "It is not in approval (any more); look at it again."


def _outcomes(
    invoice_ids: Iterable[int],
    invoices: dict[int, Invoice],
    refusals: dict[int, str],
    numbers: dict[int, str] | None = None,
) -> list[Outcome]:
    outcomes = []
    for pk in dict.fromkeys(invoice_ids):
        invoice = invoices.get(pk)
        if invoice is None:
            outcomes.append(Outcome(pk, f"invoice {pk}", refusal="It does not exist any more."))
            continue
        number = (numbers or {}).get(pk, "")
        outcomes.append(Outcome(pk, invoice_label(invoice), refusal=refusals[pk], number=number))
    return outcomes


def invoice_label(invoice: Invoice) -> str:
    """How an invoice is named in messages before and after it has a number."""
    period = f"{invoice.period_from:%-d %b %Y} – {invoice.period_to:%-d %b %Y}"
    return f"{invoice.customer.name}, {period}"
