"""Reads of the ledger floor that are not one queryset."""

from collections.abc import Iterator

from ledger.documents import LedgerLine
from ledger.enums import PaymentStatus
from ledger.models import Contract, LedgerEntry

LINES_AT_ONCE = 2000
# What the transaction behind a payment came to, by the payment's own status (B-18).
TRANSACTION_STATUS = {
    PaymentStatus.PENDING: "Pending",
    PaymentStatus.CONFIRMED: "Succeeded",
    PaymentStatus.FAILED: "Failed",
}


def ledger_lines(*, contract: Contract) -> Iterator[LedgerLine]:
    """The ledger of one contract as an export shows it, newest first (B-22, B-27).

    A million entries are read in parts; nothing is kept.
    """
    entries = LedgerEntry.objects.filter(account__contract=contract).select_related("payment")
    for entry in entries.newest_first().iterator(chunk_size=LINES_AT_ONCE):
        payment = entry.payment
        yield LedgerLine(
            type=entry.type,
            contract_id=str(contract.pk),
            customer_id=str(contract.customer_id),
            description=entry.description,
            currency=entry.currency,
            amount=entry.amount,
            balance=entry.balance,
            vat_percentage=entry.vat_percentage,
            amount_type=entry.amount_type,
            timestamp=entry.timestamp,
            country=entry.country,
            invoice_id=_text(entry.document_id),
            invoice_draft_id=_text(entry.draft_id),
            payment_transaction_id=(
                payment.transaction_reference or str(payment.pk) if payment else ""
            ),
            payment_transaction_status=(
                TRANSACTION_STATUS[PaymentStatus(payment.status)] if payment else ""
            ),
            payment_status=payment.status if payment else "",
        )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
