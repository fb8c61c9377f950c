"""The pages of assets: list, filters, one asset, the search at the top, the customer's page."""

import datetime as dt

import pytest
from django.urls import reverse

from inventory.models import BillingPlatform
from tests import builders

pytestmark = pytest.mark.django_db
LIST = "inventory:asset-list"


@pytest.fixture
def finance(client_for):
    return client_for("Finance")


def text_of(response) -> str:
    return response.content.decode()


def test_assets_are_found_by_customer_cli_item_and_route(finance):
    affinity = BillingPlatform.objects.create(name="Affinity")
    in_house = BillingPlatform.objects.get(is_in_house=True)
    customer = builders.make_customer(code="K7", name="Hafen AG")
    item = builders.make_item(code="SIM-9")
    routed = builders.make_asset(
        customer, label="Routed", recurring_route=affinity, upfront_route=affinity
    )
    phone = builders.make_asset(label="Phone", cli="+441632960123", serial="8944AB", item=item)

    def found(**query):
        rows = finance.get(reverse(LIST), query).context["page"].rows
        return {row.label for row in rows}

    assert found() == {"Routed", "Phone"}
    assert found(customer="k7") == found(customer="hafen") == {"Routed"}
    assert found(cli="+44 1632") == found(cli="+441632960123") == {"Phone"}
    assert found(item="sim-9") == {"Phone"}
    assert found(route=affinity.pk) == {"Routed"}
    assert found(route=in_house.pk) == {"Phone"}
    assert found(search=routed.reference.lower()) == {"Routed"}
    assert found(search="8944ab") == found(search=phone.cli[:6]) == {"Phone"}
    assert found(search="441632") == found(cli="632") == set()


@pytest.mark.requirement("L-7")
def test_an_asset_shows_whose_it_is_and_where_its_charges_are_billed(finance):
    affinity = BillingPlatform.objects.create(name="Affinity", notes="By Tuesday.")
    asset = builders.make_asset(
        cli="+441632960123", starts_on=dt.date(2026, 3, 5), recurring_route=affinity
    )

    page = text_of(finance.get(asset.get_absolute_url()))

    for part in (
        asset.reference,
        asset.label,
        "+441632960123",
        "05 Mar 2026",
        asset.customer.get_absolute_url(),
        asset.contract.get_absolute_url(),
        asset.item.get_absolute_url(),
        affinity.get_absolute_url(),
        "In-house",
        "By Tuesday.",
        "Created",
    ):
        assert part in page, part


@pytest.mark.requirement("L-15")
def test_without_a_platform_assets_say_nothing_about_routes(finance):
    asset = builders.make_asset()
    for address in (reverse(LIST), asset.get_absolute_url()):
        assert "route" not in text_of(finance.get(address)).lower()


def test_assets_are_exported(finance):
    affinity = BillingPlatform.objects.create(name="Affinity")
    builders.make_asset(label="SIM", upfront_route=affinity)
    answer = finance.get(reverse(LIST), {"part": "export", "format": "csv"})
    header, row = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()

    assert "Up-front Cost Billing Route,Recurring Cost Billing Route" in header
    assert "SIM" in row
    assert "Affinity,," in row


def test_the_customer_page_shows_the_assets(finance, client_for):
    customer = builders.make_customer()
    page = customer.get_absolute_url()
    assert 'id="assets"' not in text_of(finance.get(page))
    asset = builders.make_asset(customer, label="A SIM")
    builders.make_asset(label="Of somebody else")

    text = text_of(finance.get(page))

    assert "A SIM" in text
    assert asset.get_absolute_url() in text
    assert "Of somebody else" not in text


def test_the_search_at_the_top_finds_assets(finance, client_for):
    asset = builders.make_asset(label="A SIM", cli="+441632960123")
    address = reverse("web:search")

    for text in ("+441632", asset.reference):
        assert asset.get_absolute_url() in text_of(finance.get(address, {"q": text}))


@pytest.mark.requirement("R13")
def test_who_has_no_role_sees_no_asset(client_for):
    asset = builders.make_asset(label="A SIM")
    client = client_for()
    assert client.get(reverse(LIST)).status_code == 403
    assert client.get(asset.get_absolute_url()).status_code == 403


@pytest.mark.parametrize("pk", [999_999, 10**30])
def test_an_unknown_asset_answers_404(finance, pk):
    assert finance.get(reverse("inventory:asset-detail", args=[pk])).status_code == 404


def test_the_list_costs_the_same_with_more_rows(finance, assert_max_queries):
    for _ in range(12):
        builders.make_asset(recurring_route=BillingPlatform.objects.get())
    with assert_max_queries(8):
        assert finance.get(reverse(LIST)).status_code == 200
