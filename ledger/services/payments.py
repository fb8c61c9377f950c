"""Payments that people enter by hand (H-B2)."""

import datetime as dt
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from billing_site.kernel.money import minor_units, round_money
from billing_site.kernel.periods import local_date
from ledger.enums import EntryType, PaymentMethod, PaymentStatus
from ledger.errors import PaymentRefused
from ledger.models import ContractAccount, Payment
from ledger.services.entries import Posting, lock_accounts, post_entries

LARGEST_AMOUNT = Decimal(10) ** 12


@transaction.atomic
def record_payment(
    *,
    account: ContractAccount,
    operation: uuid.UUID,
    method: str,
    amount: Decimal,
    at: dt.datetime,
    booking_date: dt.date | None = None,
    transaction_reference: str = "",
    note: str = "",
) -> Payment:
    """Record money received and post it to the ledger, at most once per ``operation`` (R6).

    The payment lowers the balance; what is above the balance stays there as a credit (K-13).
    Safe to repeat: the same form sent again returns the first payment.

    :param operation: made anew for every form that is shown.
    :param amount: above zero, major units of the contract's currency.
    :param booking_date: empty means the firm's today; never in the future.
    :raises PaymentRefused: an amount, date or method that cannot be booked, or an operation that
        has recorded another payment.
    """
    today = local_date(at, settings.TIME_ZONE)
    booked_on = booking_date or today
    locked = lock_accounts(account_ids=[account.pk])[account.pk]
    currency = locked.contract.currency
    _refuse_misfit(
        amount=amount, currency=currency, method=method, booked_on=booked_on, today=today
    )
    fields = {
        "account_id": locked.pk,
        "method": method,
        "amount": amount,
        "transaction_reference": transaction_reference,
        "note": note,
    }
    if booking_date is not None:
        fields["booking_date"] = booking_date
    try:
        with transaction.atomic():  # a repeat must not spoil the caller's transaction
            payment = Payment.objects.create(
                operation=operation,
                status=PaymentStatus.CONFIRMED,
                **fields | {"booking_date": booked_on},
            )
    except IntegrityError:
        first = Payment.objects.filter(operation=operation).first()
        if first is None:
            raise  # another constraint: a bug, not a repeat
        if any(getattr(first, name) != value for name, value in fields.items()):
            raise PaymentRefused(
                f"This form has recorded a payment of {first.amount} already. Open the form "
                "again to record another one."
            ) from None
        return first
    post_entries(
        postings=[
            Posting(
                account_id=locked.pk,
                type=EntryType.PAYMENT,
                fact=f"payment:{payment.pk}",
                description=f"Transaction: {transaction_reference or payment.pk}",
                currency=currency,
                amount=-amount,
                booking_date=booked_on,
                payment_id=payment.pk,
            )
        ],
        at=at,
    )
    return payment


def _refuse_misfit(
    *, amount: Decimal, currency: str, method: str, booked_on: dt.date, today: dt.date
) -> None:
    if not amount.is_finite() or not 0 < amount < LARGEST_AMOUNT:
        raise PaymentRefused("The amount must be above zero and below one trillion.")
    if amount != round_money(amount, currency):
        places = minor_units(currency)
        raise PaymentRefused(
            f"{currency} has {places or 'no'} decimals; {amount} has more. Correct the amount."
        )
    if booked_on > today:
        raise PaymentRefused(
            f"The booking date {booked_on} is in the future; give {today} or an earlier day."
        )
    if method not in PaymentMethod.values:
        raise PaymentRefused(f"{method!r} is no method of payment; choose one of the list.")
