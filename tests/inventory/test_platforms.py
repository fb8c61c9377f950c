"""Billing platforms: who may make them, what creating asks for, what keeps them, who sees them."""

import pytest
from django.urls import reverse

from inventory import services
from inventory.errors import PlatformRefused
from inventory.models import BillingPlatform
from tests import builders

pytestmark = pytest.mark.django_db
ADD = "admin:inventory_billingplatform_add"


@pytest.fixture
def admin_client(client_for):
    return client_for(is_staff=True, is_superuser=True)


def text_of(response) -> str:
    return response.content.decode()


def change(platform: BillingPlatform) -> str:
    return reverse("admin:inventory_billingplatform_change", args=[platform.pk])


def delete(platform: BillingPlatform) -> str:
    return reverse("admin:inventory_billingplatform_delete", args=[platform.pk])


@pytest.mark.requirement("L-2", "L-3")
def test_creating_a_platform_asks_for_its_name_only(admin_client):
    form = admin_client.get(reverse(ADD)).context["adminform"].form
    assert list(form.fields) == ["name"]

    for name in ("Affinity", "Daisy", "Union Street"):
        assert admin_client.post(reverse(ADD), {"name": name}).status_code == 302

    assert BillingPlatform.objects.external().count() == 3
    assert not BillingPlatform.objects.get(name="Affinity").is_in_house


@pytest.mark.requirement("L-3")
@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "In-house", "a\u202eb"])
def test_a_name_that_cannot_be_is_refused_beside_its_field(admin_client, name):
    answer = admin_client.post(reverse(ADD), {"name": name})

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["name"]
    assert not BillingPlatform.objects.external().exists()


@pytest.mark.requirement("L-4", "R13")
@pytest.mark.parametrize(
    ("roles", "fields", "status"),
    [
        (("Finance",), {}, 302),  # to the log-in of the administration
        (("Finance",), {"is_staff": True}, 403),
        (("Auditor",), {"is_staff": True}, 403),
    ],
)
def test_only_administrators_define_platforms(client_for, roles, fields, status):
    client = client_for(*roles, **fields)
    in_house = BillingPlatform.objects.get()

    for answer in (
        client.get(reverse(ADD)),
        client.post(reverse(ADD), {"name": "Affinity"}),
        client.post(delete(in_house), {"post": "yes"}),
    ):
        assert answer.status_code == status
    client.post(change(in_house), {"name": "Ours"})

    assert list(BillingPlatform.objects.values_list("name", flat=True)) == ["In-house"]


@pytest.mark.requirement("L-14")
def test_a_platform_carries_notes_a_link_and_columns(admin_client):
    platform = BillingPlatform.objects.create(name="Affinity")
    page = admin_client.get(change(platform))
    more = dict(page.context["adminform"].fieldsets)["Notes, link and export columns"]
    assert "collapse" in more["classes"]

    answer = admin_client.post(
        change(platform),
        {
            "name": "Affinity",
            "notes": "Send by Tuesday.",
            "link": "https://affinity.example/guide",
            "product_columns": "Order, Customer\n\nItem ,\nPrice\n",
            "cli_columns": "",
        },
    )

    assert answer.status_code == 302
    platform.refresh_from_db()
    assert (platform.notes, platform.link) == ("Send by Tuesday.", "https://affinity.example/guide")
    assert platform.product_columns == ["Order", "Customer", "Item", "Price"]
    assert platform.cli_columns == []
    assert "Order\nCustomer\nItem\nPrice" in text_of(admin_client.get(change(platform)))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("Order, Price, order", "named twice"),
        ("x" * 61, "at most 60"),
        ("Or\u202eder", "invisible character"),
    ],
)
def test_column_names_have_a_shape(admin_client, columns, words):
    platform = BillingPlatform.objects.create(name="Affinity")
    answer = admin_client.post(change(platform), {"name": "Affinity", "product_columns": columns})

    assert answer.status_code == 200
    assert words in str(answer.context["adminform"].form.errors["product_columns"])
    platform.refresh_from_db()
    assert platform.product_columns == []


@pytest.mark.requirement("L-2")
def test_a_platform_is_deleted_when_nothing_uses_it(admin_client):
    free = BillingPlatform.objects.create(name="Free")
    answer = admin_client.post(delete(free), {"post": "yes"})

    assert answer.status_code == 302
    assert not BillingPlatform.objects.external().exists()


@pytest.mark.requirement("L-2")
def test_a_platform_in_use_stays_and_says_what_uses_it(admin_client):
    used = BillingPlatform.objects.create(name="Used")
    item = builders.make_item(upfront_route=used, recurring_route=used)
    builders.make_item(recurring_route=used)
    builders.make_asset(item=item, recurring_route=used)

    with pytest.raises(PlatformRefused) as refusal:
        services.delete_platform(platform_id=used.pk)
    page = text_of(admin_client.get(delete(used)))
    posted = admin_client.post(delete(used), {"post": "yes"})
    action = admin_client.post(
        reverse("admin:inventory_billingplatform_changelist"),
        {"action": "delete_selected", "_selected_action": [used.pk], "post": "yes"},
    )

    sentence = "Used is a billing route of 2 catalogue items and 1 asset; give them another route"
    assert str(refusal.value).startswith(sentence)
    assert sentence in page
    assert sentence in text_of(posted)
    assert action.status_code in (200, 302)
    assert BillingPlatform.objects.filter(pk=used.pk).exists()


@pytest.mark.requirement("L-2", "L-11")
def test_the_in_house_platform_is_never_deleted(admin_client):
    in_house = BillingPlatform.objects.get()

    with pytest.raises(PlatformRefused, match="never deleted"):
        services.delete_platform(platform_id=in_house.pk)
    assert "never deleted" in text_of(admin_client.post(delete(in_house), {"post": "yes"}))
    assert BillingPlatform.objects.filter(pk=in_house.pk).exists()


@pytest.mark.requirement("L-14")
@pytest.mark.parametrize("role", ["Finance", "Auditor"])
def test_notes_and_link_are_seen_by_whoever_routes_items(client_for, role):
    affinity = BillingPlatform.objects.create(
        name="Affinity", notes="Send by <Tuesday>.", link="https://affinity.example/guide"
    )
    item = builders.make_item(upfront_route=affinity)
    builders.make_item(recurring_route=affinity, upfront_route=affinity)
    builders.make_item()
    client = client_for(role)

    platforms = client.get(reverse("inventory:platform-list"))
    detail = text_of(client.get(item.get_absolute_url()))

    counts = {p.name: (p.upfront, p.recurring) for p in platforms.context["platforms"]}
    assert counts == {"In-house": (1, 2), "Affinity": (2, 1)}
    for page in (text_of(platforms), detail):
        assert "Send by &lt;Tuesday&gt;." in page
        assert "https://affinity.example/guide" in page
    assert affinity.get_absolute_url() in detail
    for name, found in (("upfront_route", 2), ("recurring_route", 1)):
        address = f"{reverse('inventory:item-list')}?{name}={affinity.pk}"
        assert address in text_of(platforms)
        assert len(client.get(address).context["page"].rows) == found


@pytest.mark.requirement("L-15")
def test_without_an_external_platform_the_page_is_not_offered(client_for):
    client = client_for("Finance")
    address = reverse("inventory:platform-list")

    assert address not in text_of(client.get(reverse("inventory:item-list")))
    assert "Everything is billed in-house" in text_of(client.get(address))
    BillingPlatform.objects.create(name="Affinity")
    assert address in text_of(client.get(reverse("inventory:item-list")))


def test_the_platform_page_costs_the_same_with_more_platforms(client_for, assert_max_queries):
    for n in range(12):
        builders.make_item(upfront_route=BillingPlatform.objects.create(name=f"P{n}"))
    client = client_for("Finance")
    with assert_max_queries(9):
        client.get(reverse("inventory:platform-list"))
