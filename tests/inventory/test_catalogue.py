"""The catalogue: items with two routes of their own, categories as a tree, rights, cost."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing_site.web.edits import EditIsStale, FieldsRefused, version_of
from inventory import services
from inventory.models import BillingPlatform, CatalogueItem
from tests import builders

pytestmark = pytest.mark.django_db


def as_role(*roles):
    client = Client()
    client.force_login(builders.make_user(*roles))
    return client


@pytest.fixture
def finance():
    return as_role("Finance")


def form_data(**changes):
    data = {
        "code": "SIM-1",
        "name": "SIM card",
        "kind": "product",
        "item_type": "hardware",
        "unit": "piece",
        "active": "on",
        "upfront_price": "4.90",
        "upfront_cost": "1.2",
        "recurring_price": "",
        "recurring_cost": "",
        "metering_minimum": "0",
        "metering_increment": "",
    }
    return data | changes


def text_of(response):
    return response.content.decode()


@pytest.mark.requirement("L-5", "L-6", "L-7")
@pytest.mark.parametrize("kind", ["product", "service"])
def test_the_two_routes_of_an_item_are_set_independently(finance, kind):
    affinity = BillingPlatform.objects.create(name="Affinity")
    daisy = BillingPlatform.objects.create(name="Daisy")
    category = builders.make_category()
    address = reverse("inventory:item-create")

    for code, upfront, recurring in (
        ("A", affinity.pk, ""),
        ("B", "", daisy.pk),
        ("C", affinity.pk, daisy.pk),
    ):
        finance.post(
            address,
            form_data(
                code=code,
                kind=kind,
                category=category.pk,
                upfront_route=upfront,
                recurring_route=recurring,
            ),
        )

    routes = CatalogueItem.objects.order_by("code").values_list("upfront_route", "recurring_route")
    assert list(routes) == [(affinity.pk, None), (None, daisy.pk), (affinity.pk, daisy.pk)]
    shown = text_of(finance.get(CatalogueItem.objects.get(code="C").get_absolute_url()))
    assert "Affinity" in shown
    assert "Daisy" in shown


@pytest.mark.requirement("L-15")
@pytest.mark.parametrize("role", ["Finance", "Auditor"])
def test_without_a_platform_nothing_is_said_about_routes(role):
    client = as_role(role)
    item = builders.make_item()
    pages = [reverse("inventory:item-list"), item.get_absolute_url()]
    if role == "Finance":
        pages += [
            reverse("inventory:item-create"),
            reverse("inventory:item-edit", args=[item.pk]),
        ]

    for page in pages:
        assert "route" not in text_of(client.get(page)).lower(), page


@pytest.mark.requirement("L-15")
def test_a_forged_route_is_ignored_while_there_is_no_platform(finance):
    in_house = BillingPlatform.objects.get(is_in_house=True)
    finance.post(
        reverse("inventory:item-create"),
        form_data(category=builders.make_category().pk, upfront_route=in_house.pk),
    )

    assert CatalogueItem.objects.get().upfront_route is None


@pytest.mark.requirement("L-5", "L-6")
def test_items_are_found_by_their_route(finance):
    affinity = BillingPlatform.objects.create(name="Affinity")
    in_house = BillingPlatform.objects.get(is_in_house=True)
    routed = builders.make_item(recurring_route=affinity, upfront_route=affinity)
    builders.make_item(name="Plain")
    address = reverse("inventory:item-list")

    def found(platform):
        page = finance.get(address, {"route": platform.pk}).context["page"]
        return {row.name for row in page.rows}

    assert found(affinity) == {routed.name}
    assert found(in_house) == {"Plain"}  # an empty route is the in-house one


def test_the_list_is_filtered_by_branch_kind_type_and_state(finance):
    top = builders.make_category("Top")
    below = builders.make_category("Below", top)
    builders.make_item(name="A", category=below, recurring_price=Decimal(1))
    builders.make_item(name="B", category=top, kind="product", item_type="hardware", active=False)
    builders.make_item(name="C")
    address = reverse("inventory:item-list")

    def names(**query):
        return {row.name for row in finance.get(address, query).context["page"].rows}

    assert names(category=top.pk) == {"A", "B"}
    assert names(category=below.pk) == {"A"}
    assert names(kind="product") == names(item_type="hardware") == {"B"}
    assert names(quick="inactive") == names(active="false") == {"B"}
    assert names(quick="without_price") == {"C"}
    assert names(search="a") == {"A"}


def test_an_item_is_stored_exactly_as_typed(finance):
    category = builders.make_category()
    finance.post(
        reverse("inventory:item-create"),
        form_data(category=category.pk, recurring_price="0.0000000123"),
    )

    item = CatalogueItem.objects.get()
    assert item.recurring_price == Decimal("0.0000000123")
    edit = text_of(finance.get(reverse("inventory:item-edit", args=[item.pk])))
    assert 'value="0.0000000123"' in edit
    assert 'value="4.9"' in edit
    assert "0.0000000123" in text_of(finance.get(item.get_absolute_url()))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"upfront_price": "-0.01"}, "upfront_price"),
        ({"upfront_price": "1,5"}, "upfront_price"),
        ({"upfront_price": "1e5"}, "upfront_price"),
        ({"metering_minimum": "１２"}, "metering_minimum"),
        ({"recurring_cost": "0.00000000001"}, "recurring_cost"),
        ({"metering_increment": "0"}, "metering_increment"),
        ({"metering_minimum": "-1"}, "metering_minimum"),
        ({"category": ""}, "category"),
        ({"category": "999999"}, "category"),
        ({"name": "a\u202eb"}, "name"),
        ({"item_type": "spaceship"}, "item_type"),
    ],
)
def test_what_does_not_fit_is_refused_beside_its_field(finance, changes, field):
    data = form_data(category=builders.make_category().pk)
    answer = finance.post(reverse("inventory:item-create"), data | changes)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert "Constraint" not in text_of(answer)
    assert not CatalogueItem.objects.exists()


def test_a_code_is_unique():
    builders.make_item(code="SIM-1")

    with pytest.raises(FieldsRefused, match="codes are unique"):
        services.create_item(
            fields={"code": "SIM-1", "name": "x", "category": builders.make_category()}
        )


def test_a_stale_edit_of_an_item_is_refused():
    item = builders.make_item(name="Old")
    seen = version_of(item)
    services.update_item(item_id=item.pk, fields={"name": "Newer"}, version=seen)

    with pytest.raises(EditIsStale, match="Name is now “Newer”"):
        services.update_item(item_id=item.pk, fields={"unit": "GB"}, version=seen)

    item.refresh_from_db()
    assert item.unit == "unit"


def test_a_stale_form_of_an_item_keeps_the_entries(finance):
    item = builders.make_item(name="Old")
    address = reverse("inventory:item-edit", args=[item.pk])
    version = finance.get(address).context["form"]["version"].value()
    services.update_item(item_id=item.pk, fields={"unit": "GB"})
    data = form_data(category=item.category_id, name="Mine", version=version)

    stale = finance.post(address, data)
    again = finance.post(address, data | {"version": stale.context["form"]["version"].value()})

    assert stale.status_code == 409
    assert "Unit is now “GB”" in text_of(stale)
    assert 'value="Mine"' in text_of(stale)
    assert again.status_code == 302


def test_a_category_page_has_the_tree_at_the_side_and_the_items_below(finance):
    top = builders.make_category("Top")
    below = builders.make_category("Below", top)
    item = builders.make_item(category=below)
    builders.make_item()

    answer = finance.get(reverse("inventory:category-detail", args=[top.pk]))

    assert [row.pk for row in answer.context["page"].rows] == [item.pk]
    assert reverse("inventory:category-detail", args=[below.pk]) in text_of(answer)
    assert finance.get(reverse("inventory:category-list")).status_code == 302


def test_pages_of_the_catalogue_cost_the_same_with_more_rows(finance):
    def queries(address):
        with CaptureQueriesContext(connection) as caught:
            assert finance.get(address).status_code == 200
        return len(caught)

    BillingPlatform.objects.create(name="Affinity")
    category = builders.make_category()
    builders.make_item(category=category)
    pages = (
        reverse("inventory:item-list"),
        reverse("inventory:category-detail", args=[category.pk]),
    )
    few = [queries(page) for page in pages]
    for _ in range(15):
        builders.make_item(category=builders.make_category(parent=category))

    assert [queries(page) for page in pages] == few
    assert max(few) < 15


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("role", ["Auditor", "Invoice approval"])
def test_who_may_only_look_changes_nothing_in_the_catalogue(role):
    item = builders.make_item(name="Old")
    client = as_role(role)

    create = client.post(reverse("inventory:item-create"), form_data(category=item.category_id))
    edit = client.post(
        reverse("inventory:item-edit", args=[item.pk]), form_data(category=item.category_id)
    )

    assert (create.status_code, edit.status_code) == (403, 403)
    item.refresh_from_db()
    assert (item.name, CatalogueItem.objects.count()) == ("Old", 1)
    assert client.get(item.get_absolute_url()).status_code == 200
    assert reverse("inventory:item-edit", args=[item.pk]) not in text_of(
        client.get(item.get_absolute_url())
    )


@pytest.mark.requirement("R13")
def test_who_has_no_role_sees_no_catalogue():
    item = builders.make_item()
    client = as_role()
    for address in (
        reverse("inventory:item-list"),
        item.get_absolute_url(),
        reverse("inventory:category-list"),
    ):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize("name", ["item-detail", "item-edit", "category-detail"])
@pytest.mark.parametrize("pk", [999_999, 10**30])
def test_an_unknown_id_answers_404(finance, name, pk):
    assert finance.get(reverse(f"inventory:{name}", args=[pk])).status_code == 404
