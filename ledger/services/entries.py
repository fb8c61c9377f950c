"""Posting to ledgers: the only way an entry comes into being."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from billing_site.kernel.money import round_money
from ledger.errors import LedgerEntryConflict, PostingRefused
from ledger.models import ContractAccount, LedgerEntry

ROWS_PER_INSERT = 1000


@dataclass(frozen=True, slots=True)
class Posting:
    """One financial event, ready to be posted.

    :ivar fact: idempotency key, ``"<object>:<id>"``, unique in the account.
    :ivar amount: signed, major units, rounded; above zero, the customer owes (K-13).
    """

    account_id: int
    type: str
    fact: str
    description: str
    currency: str
    amount: Decimal
    booking_date: dt.date
    due_date: dt.date | None = None
    country: str = ""
    document_id: int | None = None
    document_number: str = ""
    document_view: str = ""
    draft_id: int | None = None
    payment_id: int | None = None
    reverses_id: int | None = None


def lock_accounts(*, account_ids: Collection[int]) -> dict[int, ContractAccount]:
    """Lock the accounts in primary-key order until the transaction ends; by id.

    :raises PostingRefused: an account does not exist.
    """
    wanted = set(account_ids)
    accounts = (
        ContractAccount.objects.filter(pk__in=wanted)
        .select_related("contract")
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    found = {account.pk: account for account in accounts}
    if missing := wanted - found.keys():
        raise PostingRefused(f"There is no contract account {min(missing)}; nothing was posted.")
    return found


@transaction.atomic
def post_entries(
    *,
    postings: Sequence[Posting],
    at: dt.datetime,
    accounts: Mapping[int, ContractAccount] | None = None,
) -> list[LedgerEntry]:
    """Append the entries to their ledgers, in the order given, and return them in that order.

    All or none. Per account the entries continue its sequence and its running balance (R4). Safe
    to repeat: a fact that is posted already with the same content gives its first entry.

    :param at: the moment of posting, the same for all.
    :param accounts: what ``lock_accounts`` gave in this transaction, when the caller locked them.
    :raises LedgerEntryConflict: a fact is posted already with other content.
    :raises PostingRefused: no such account, another currency, or an amount that is not rounded.
    """
    if not postings:
        return []
    if accounts is None:
        accounts = lock_accounts(account_ids={posting.account_id for posting in postings})
    posted = {
        (entry.account_id, entry.fact): entry
        for entry in LedgerEntry.objects.filter(
            account__in=accounts, fact__in={posting.fact for posting in postings}
        )
    }
    state = {account.pk: (account.last_sequence, account.balance) for account in accounts.values()}
    new: list[LedgerEntry] = []
    entries: list[LedgerEntry] = []
    for posting in postings:
        key = (posting.account_id, posting.fact)
        if key in posted:
            _refuse_other_content(posted[key], posting)
        else:
            _refuse_misfit(accounts[posting.account_id], posting)
            sequence, balance = state[posting.account_id]
            sequence, balance = sequence + 1, balance + posting.amount
            state[posting.account_id] = (sequence, balance)
            posted[key] = _entry(posting, sequence=sequence, balance=balance, at=at)
            new.append(posted[key])
        entries.append(posted[key])
    LedgerEntry.objects.bulk_create(new, batch_size=ROWS_PER_INSERT)
    return entries


def _entry(posting: Posting, *, sequence: int, balance: Decimal, at: dt.datetime) -> LedgerEntry:
    return LedgerEntry(
        account_id=posting.account_id,
        sequence=sequence,
        type=posting.type,
        fact=posting.fact,
        description=posting.description,
        currency=posting.currency,
        amount=posting.amount,
        balance=balance,
        timestamp=at,
        booking_date=posting.booking_date,
        due_date=posting.due_date,
        country=posting.country,
        document_id=posting.document_id,
        document_number=posting.document_number,
        document_view=posting.document_view,
        draft_id=posting.draft_id,
        payment_id=posting.payment_id,
        reverses_id=posting.reverses_id,
    )


def _refuse_misfit(account: ContractAccount, posting: Posting) -> None:
    currency = account.contract.currency
    if posting.currency != currency:
        raise PostingRefused(
            f"The account of contract {account.contract} is kept in {currency}; an amount in "
            f"{posting.currency} cannot be posted to it. Use a contract in {posting.currency}."
        )
    if posting.amount != round_money(posting.amount, currency):
        raise PostingRefused(
            f"{posting.amount} {currency} has more decimals than {currency} has; round it first."
        )


def _refuse_other_content(entry: LedgerEntry, posting: Posting) -> None:
    same = (
        entry.type == posting.type
        and entry.currency == posting.currency
        and entry.amount == posting.amount
        and entry.booking_date == posting.booking_date
        and entry.description == posting.description
        and entry.document_id == posting.document_id
        and entry.payment_id == posting.payment_id
    )
    if not same:
        raise LedgerEntryConflict(
            f"{posting.fact} is posted already as “{entry.description}” with {entry.amount} "
            f"{entry.currency} on {entry.booking_date}; reverse that entry before posting "
            f"{posting.amount} {posting.currency}."
        )
