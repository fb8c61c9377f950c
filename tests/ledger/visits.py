"""What tests of the ledger's pages share: people, entries, filled-in forms."""

import datetime as dt
from decimal import Decimal

from django.test import Client

from ledger.enums import EntryType
from ledger.services.entries import Posting, post_entries
from tests import builders

AT = dt.datetime(2018, 5, 31, 6, 23, 25, tzinfo=dt.UTC)


def as_role(*roles, **fields):
    client = Client()
    client.force_login(builders.make_user(*roles, **fields))
    return client


def post(contract, amount="89.25", fact="invoice:1", at=AT, **changes):
    fields = {
        "account_id": contract.account.pk,
        "type": EntryType.RECEIVABLE,
        "fact": fact,
        "description": "Invoice: R2018-0022",
        "currency": contract.currency,
        "amount": Decimal(amount),
        "booking_date": dt.date(2018, 5, 31),
        "due_date": dt.date(2018, 6, 14),
        "country": "DE",
        "document_id": 22,
        "document_number": "R2018-0022",
        "document_view": "invoicing:invoice-detail",
        "draft_id": 22,
    }
    return post_entries(postings=[Posting(**fields | changes)], at=at)[0]


def text_of(response):
    if response.streaming:
        return b"".join(response.streaming_content).decode("utf-8-sig")
    return response.content.decode()


def form_data(**changes):
    data = {
        "code": "NORD-1",
        "name": "Nordwind",
        "bill_from": "2026-01-01",
        "frequency_count": "1",
        "frequency_unit": "month",
        "align_with_calendar": "on",
        "language": "en",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "contract-currency": "EUR",
        "contract-terms_kind": "net_days",
        "contract-terms_days": "14",
        "contract-terms_months": "0",
    }
    return data | changes
