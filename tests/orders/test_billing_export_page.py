"""The Billing Export page: who opens it, what it lists, the route that must be chosen (L-32..L-37)."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission

from inventory.models import BillingPlatform
from orders.models import OrderLine
from tests import builders
from tests.orders.export_lines import PAGE, make_ready

pytestmark = pytest.mark.django_db


def shown(desk, query="") -> list[OrderLine]:
    return desk.get(PAGE + query).context["page"].rows


@pytest.mark.requirement("L-32", "L-33", "D-08")
def test_the_app_is_in_the_drawer_for_those_with_the_permission_only(desk, client_for):
    entry = f'<a class="app-entry" href="{PAGE}">'
    assert entry in desk.get("/").content.decode()
    auditor = client_for("Auditor", "Finance")
    text = auditor.get("/").content.decode()
    assert entry not in text
    assert "No apps for you yet" in text
    assert Permission.objects.get(codename="use_apps_change_queue").name == "Apps - Change Queue"


@pytest.mark.requirement("L-33", "D-08")
@pytest.mark.parametrize(
    "page", [PAGE, "/orders/export-files/", "/orders/transfers/", "/orders/transfers/1/"]
)
def test_every_page_of_the_app_is_closed_without_it(client_for, page):
    assert client_for("Auditor", "Finance").get(page).status_code == 403


@pytest.mark.requirement("L-34")
def test_it_lists_lines_with_either_charge_ready(desk, affinity, other):
    both = make_ready(affinity, affinity)
    upfront, recurring = make_ready(affinity), make_ready(None, other)
    make_ready(None, None)
    make_ready(affinity, affinity, connection_date=None)
    assert shown(desk) == [both, upfront, recurring]


@pytest.mark.requirement("L-35", "L-37")
def test_until_a_route_is_chosen_exports_and_transfer_are_disabled(desk, affinity):
    line = make_ready(affinity, affinity)
    text = desk.get(PAGE).content.decode()
    assert "Choose a billing route at the top right" in text
    assert text.count('disabled aria-describedby="route-hint"') == 2
    bar = desk.post(f"{PAGE}?part=selection", {"ids": [line.pk]}).content.decode()
    assert 'disabled aria-describedby="refusal-transfer"' in bar
    assert "Choose a billing route at the top right first." in bar

    text = desk.get(f"{PAGE}?platform={affinity.pk}").content.decode()
    assert "disabled" not in text.split('class="page-actions')[1].split("</main")[0]
    bar = desk.post(f"{PAGE}?part=selection&platform={affinity.pk}", {"ids": [line.pk]})
    assert "disabled" not in bar.content.decode()


@pytest.mark.requirement("L-35")
def test_a_single_route_must_be_chosen_too(desk, affinity):
    make_ready(affinity)
    assert desk.get(PAGE).context["platform"] is None


@pytest.mark.requirement("L-36", "X-11")
def test_the_route_filters_the_grid_and_says_what_would_move(desk, affinity, other):
    both = make_ready(affinity, affinity, cli="+441")
    split = make_ready(affinity, other, cli="+442")
    make_ready(None, other, cli="+443")
    address = f"{PAGE}?platform={affinity.pk}"
    assert shown(desk, f"?platform={affinity.pk}") == [both, split]
    body = desk.get(address).content.decode().split("<tbody>")[1]
    first, second = body.split("<tr data-row>")[1:]
    assert "Both charges" in first
    assert "is-quiet" not in first
    assert '<span class="status status-violet">Up-front</span>' in second
    assert second.count("is-quiet") == 1
    unchosen = desk.get(PAGE).content.decode().split("<tbody>")[1]
    assert "Both charges" not in unchosen


@pytest.mark.requirement("L-35")
def test_only_outside_platforms_are_offered(desk, affinity):
    house = BillingPlatform.objects.get(is_in_house=True)
    make_ready(house)
    page = desk.get(PAGE)
    assert list(page.context["platforms"]) == [affinity]
    for wrong in (house.pk, 999_999, "abc", "9" * 40, "1 OR 1=1", "%00"):
        answer = desk.get(f"{PAGE}?platform={wrong}")
        assert answer.status_code == 200
        assert answer.context["page"].rows == []
        assert answer.context["platform"] is None
        assert "The filter cannot be used" in answer.content.decode()
    wrong = desk.get(f"{PAGE}?platform={house.pk}").content.decode()
    assert "There is no such outside platform; choose one of the list." in wrong


@pytest.mark.requirement("L-15")
def test_without_an_outside_platform_it_says_so(desk):
    assert "No outside billing platform is defined" in desk.get(PAGE).content.decode()


@pytest.mark.requirement("L-14")
def test_notes_and_link_of_the_platform_stand_beside_the_route(desk):
    platform = builders.make_platform(
        notes="Upload before noon.\n<b>Really</b>", link="https://platform.example/help"
    )
    chosen = desk.get(f"{PAGE}?platform={platform.pk}").content.decode()
    assert "Upload before noon.<br>&lt;b&gt;Really" in chosen
    assert 'href="https://platform.example/help"' in chosen
    assert "Upload before noon" not in desk.get(PAGE).content.decode()


@pytest.mark.requirement("L-36")
def test_filters_work_together_and_keep_the_route(desk, affinity):
    customer = builders.make_customer(code="Kunde-1")
    mobile = make_ready(affinity, order=builders.make_order(customer), cli="+4416329")
    hardware = make_ready(
        affinity,
        order=mobile.order,
        item_type="hardware",
        delivery_date=dt.date(2026, 5, 1),
        cli="",
    )
    elsewhere = make_ready(affinity, cli="+4970")
    route = f"?platform={affinity.pk}"
    assert shown(desk, f"{route}&customer_code=kunde-1") == []
    assert shown(desk, f"{route}&customer_code=Kunde-1") == [mobile, hardware]
    assert shown(desk, f"{route}&order_number={mobile.order.number.lower()}") == [mobile, hardware]
    assert shown(desk, f"{route}&order_number=SO-0") == []
    assert shown(desk, f"{route}&cli=%2B44 163") == [mobile]
    assert shown(desk, f"{route}&item_type=hardware") == [hardware]
    assert shown(desk, route) == [mobile, hardware, elsewhere]
    text = desk.get(f"{PAGE}{route}&customer_code=Kunde-1&cli=%2B44").content.decode()
    assert f'<a class="chip chip-clear" href="{PAGE}?platform={affinity.pk}">' in text
    assert '<span class="chip-label">Billing route:' not in text


def test_a_page_of_lines_costs_a_constant_number_of_queries(desk, affinity, assert_max_queries):
    make_ready(affinity, affinity)
    desk.get(PAGE)
    address = f"{PAGE}?platform={affinity.pk}"
    with assert_max_queries(30) as one:
        desk.get(address)
    for _ in range(5):
        make_ready(affinity, affinity)
    with assert_max_queries(len(one)):
        assert len(desk.get(address).context["page"].rows) == 6


@pytest.mark.parametrize(
    "part", ["summary", "advanced", "suggest&field=customer_code&customer_code=C"]
)
def test_the_parts_of_the_page_answer(desk, affinity, part):
    make_ready(affinity)
    assert desk.get(f"{PAGE}?platform={affinity.pk}&part={part}").status_code == 200
