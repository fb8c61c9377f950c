"""Recurring charges: their page, and what contracts and assets show of them (D-10, H-L11)."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import builders

LIST = reverse("invoicing:subscription-list")
LONG_AGO = {"starts_on": dt.date(2020, 1, 1), "ends_on": dt.date(2020, 12, 31)}


def shown(client, query: str = "") -> list[str]:
    response = client.get(f"{LIST}{query}")
    assert response.status_code == 200
    return [item.label for item in response.context["page"].rows]


@pytest.fixture
def items(db):
    customers = [builders.make_customer(code=code) for code in ("ANNA", "BERT")]
    lines = [
        builders.make_converted_line(builders.make_order(customer), label=label)
        for customer, label in zip(customers, ("Mobile L", "Mobile XL"), strict=True)
    ]
    return [
        builders.make_subscription_item(lines[0]),
        builders.make_subscription_item(lines[1], **LONG_AGO),
    ]


@pytest.mark.requirement("D-10", "H-L11")
def test_the_filters_find_their_charges(auditor, items):
    first, second = items
    assert shown(auditor) == ["Mobile XL", "Mobile L"]
    assert shown(auditor, "?quick=in_force") == ["Mobile L"]
    assert shown(auditor, "?quick=ended") == ["Mobile XL"]
    assert shown(auditor, "?customer_code=anna") == ["Mobile L"]
    assert shown(auditor, f"?order={second.order_line.order.number.lower()}") == ["Mobile XL"]
    assert shown(auditor, f"?item_code={first.item.code}") == ["Mobile L"]
    assert shown(auditor, f"?contract={second.subscription.contract_id}") == ["Mobile XL"]
    reference = second.subscription.contract.reference
    assert shown(auditor, f"?contract_reference={reference.lower()}") == ["Mobile XL"]
    assert shown(auditor, f"?line={first.order_line_id}") == ["Mobile L"]
    assert shown(auditor, "?starts_on_before=2021-01-01") == ["Mobile XL"]
    assert auditor.get(items[0].get_absolute_url()).status_code == 200


def test_nonsense_in_the_address_finds_nothing_and_says_so(auditor, items):
    for query in ("?contract=x", "?line=99999999999999999999", "?starts_on_after=tomorrow"):
        assert auditor.get(f"{LIST}{query}").status_code == 200


def test_the_export_names_the_order(auditor, items):
    response = auditor.get(f"{LIST}?part=export&format=csv&customer_code=ANNA")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert "Billing period in months" in text
    assert items[0].order_line.order.number in text
    assert "BERT" not in text


def test_the_page_needs_the_permission(stranger, auditor, items):
    assert stranger.get(LIST).status_code == 403
    contract = items[0].subscription.contract
    page = reverse("ledger:contract-detail", args=[contract.pk])
    text = auditor.get(page).content.decode()
    assert "Recurring charges" in text
    assert f'href="{LIST}?contract={contract.pk}"' in text


@pytest.mark.requirement("D-10", "L-12")
def test_an_asset_shows_how_it_is_billed_here(auditor, items):
    line = items[0].order_line
    page = line.asset.get_absolute_url()
    builders.make_purchase(
        reference="SO-1-1-upfront", order_line=line, track="upfront", unmapped_reason="no_invoice"
    )
    text = auditor.get(page).content.decode()
    for words in ("Billed here", "SO-1-1-upfront", "No invoice for this date yet", "every month"):
        assert words in text
    other = builders.make_asset()
    assert "Billed here" not in auditor.get(other.get_absolute_url()).content.decode()


def test_the_list_makes_the_same_number_of_queries_whatever_there_is(auditor, items):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            auditor.get(LIST)
        return len(captured)

    queries()
    few = queries()
    for _ in range(5):
        builders.make_subscription_item()
    assert queries() == few
