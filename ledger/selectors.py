"""Reads of the ledger floor that are not one queryset."""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum

from billing_site.kernel.money import round_money
from ledger.documents import LedgerLine
from ledger.enums import PaymentStatus
from ledger.models import (
    Contract,
    ContractAccount,
    Customer,
    CustomerCluster,
    LedgerEntry,
    Payment,
)

LINES_AT_ONCE = 2000
OLD_PAYMENT = dt.timedelta(days=90)
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


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A cluster in its tree with the number of customers in it and below it."""

    cluster: CustomerCluster
    customers: int
    is_open: bool


def cluster_tree(*, around: CustomerCluster | None = None) -> list[ClusterNode]:
    """All clusters, parents before children; open on the way to ``around`` (CB-51). Two queries."""
    counts: dict[int, int] = {}
    clusters = list(CustomerCluster.objects.as_tree())
    paths = {cluster.pk: cluster.path for cluster in clusters}
    for cluster_id, count in (
        Customer.objects.order_by().values_list("cluster").annotate(Count("pk"))
    ):
        for ancestor in paths.get(cluster_id, ()):
            counts[ancestor] = counts.get(ancestor, 0) + count
    on_the_way = set(around.path) if around is not None else set()
    return [
        ClusterNode(cluster, counts.get(cluster.pk, 0), cluster.pk in on_the_way)
        for cluster in clusters
    ]


def balances(*, contracts: Iterable[Contract]) -> list[tuple[str, Decimal]]:
    """Sums of the balances by currency, in alphabetical order; unlike ones are never added (K-15).

    The accounts of the contracts are loaded already: no query.
    """
    sums: dict[str, Decimal] = {}
    for contract in contracts:
        sums[contract.currency] = sums.get(contract.currency, Decimal(0)) + contract.account.balance
    return sorted(sums.items())


def open_balances() -> list[dict[str, Any]]:
    """What all customers owe and what they are owed, one line per currency.

    Keys: ``currency``, ``owed`` and ``owing_accounts`` (above zero), ``credit`` (below).
    """
    above, below = Q(balance__gt=0), Q(balance__lt=0)
    rows = (
        ContractAccount.objects.filter(above | below)
        .order_by()
        .values(currency=F("contract__currency"))
        .annotate(
            owed=Sum("balance", filter=above, default=Decimal(0)),
            owing_accounts=Count("pk", filter=above),
            credit=Sum("balance", filter=below, default=Decimal(0)),
        )
        .order_by("currency")
    )
    return [dict(row) for row in rows]


def customer_counts() -> dict[str, int]:
    """How many customers there are: ``total``, ``suspended``, ``orphaned``, ``new``."""
    customers = Customer.objects.order_by()
    return {
        "total": customers.count(),
        "suspended": customers.suspended().count(),
        "orphaned": customers.orphaned().count(),
        "new": customers.new().count(),
    }


def doubts_about_payment(
    *,
    account: ContractAccount,
    operation: uuid.UUID,
    amount: Decimal,
    booking_date: dt.date | None,
    transaction_reference: str,
    today: dt.date,
) -> list[str]:
    """Sentences on what is unusual about a payment before it is recorded for good.

    None about a form that has recorded its payment already: sent twice, it changes nothing.
    """
    if Payment.objects.filter(operation=operation).exists():
        return []
    currency, owed = account.contract.currency, max(account.balance, Decimal(0))
    doubts = []
    if amount > owed:
        doubts.append(
            f"The contract owes {round_money(owed, currency):,} {currency}; what is above stays "
            "as a credit."
        )
    if booking_date and booking_date < today - OLD_PAYMENT:
        doubts.append(f"The booking date {booking_date} is more than {OLD_PAYMENT.days} days ago.")
    same = Payment.objects.filter(account=account, transaction_reference=transaction_reference)
    if transaction_reference and (earlier := same.order_by("-pk").first()):
        doubts.append(
            f"A payment of {round_money(earlier.amount, currency):,} {currency} with the "
            f"reference {transaction_reference} is recorded already, on {earlier.booking_date}."
        )
    return doubts
