"""The list and the page of pricing rules (H-CB2)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from invoicing.models import PricingRule
from tests import builders

LIST = reverse("invoicing:rule-list")
DAY = dt.timedelta(days=1)


@pytest.fixture
def today() -> dt.date:
    return timezone.localdate()


def shown(client, query: str) -> set[str]:
    response = client.get(f"{LIST}{query}")
    assert response.status_code == 200
    return {rule.name for rule in response.context["page"].rows}


def rules_around(today) -> None:
    builders.make_rule("adjust_percentage", name="for long", percentage=1)
    for name, first, last in (
        ("ends today", -9, 0),
        ("ended yesterday", -9, -1),
        ("begins today", 0, None),
        ("begins tomorrow", 1, None),
    ):
        builders.make_rule(
            "adjust_percentage",
            name=name,
            percentage=1,
            valid_from=today + first * DAY,
            valid_to=None if last is None else today + last * DAY,
        )


@pytest.mark.requirement("H-CB2")
def test_the_list_shows_what_is_valid_today_unless_asked_otherwise(finance, today):
    rules_around(today)
    response = finance.get(LIST)
    assert response.status_code == 302
    assert response["Location"] == f"{LIST}?quick=valid"

    assert shown(finance, "?quick=valid") == {"for long", "ends today", "begins today"}
    assert shown(finance, "?quick=future") == {"begins tomorrow"}
    assert shown(finance, "?quick=ended") == {"ended yesterday"}
    assert len(shown(finance, "?quick=all")) == 5


def test_the_counts_of_the_quick_searches_agree_with_the_lists(finance, today):
    rules_around(today)
    text = finance.get(f"{LIST}?quick=valid&part=summary").content.decode()
    for key, count in (("valid", 3), ("future", 1), ("ended", 1), ("all", 5)):
        assert f'id="tab-count-{key}" hx-swap-oob="true">{count}<' in text
    tabs = finance.get(f"{LIST}?name=e").context["tabs"]
    assert [tab["label"] for tab in tabs] == ["Valid today", "Future", "Ended", "All"]
    assert [tab["label"] for tab in tabs if tab["current"]] == ["All"]


@pytest.mark.requirement("H-CB2")
def test_a_category_finds_the_rules_that_touch_its_products(finance):
    top = builders.make_category()
    middle = builders.make_category(parent=top)
    leaf = builders.make_category(parent=middle)
    other = builders.make_category()
    for name, category in (("all", None), ("top", top), ("middle", middle), ("leaf", leaf)):
        builders.make_rule(name=name, product_category=category)
    builders.make_rule(name="other", product_category=other)

    assert shown(finance, f"?category={middle.pk}") == {"all", "top", "middle"}
    cluster = builders.make_cluster()
    builders.make_rule(name="cluster", customer_cluster=cluster)
    assert shown(finance, f"?category={other.pk}&cluster={cluster.pk}") == {
        "all", "other", "cluster",
    }  # fmt: skip


def test_the_list_makes_the_same_number_of_queries_for_few_and_many_rules(
    finance, django_assert_max_num_queries
):
    def some(number: int) -> None:
        for _ in range(number):
            builders.make_rule(
                "price_ladder",
                ladder_mode="volume",
                product_category=builders.make_category(),
                customer_cluster=builders.make_cluster(),
                tiers=[(Decimal(10), 2), (None, 1)],
            )

    some(2)
    finance.get(f"{LIST}?quick=valid")  # warms what is kept between requests
    with django_assert_max_num_queries(50) as few:
        finance.get(f"{LIST}?quick=valid")
    some(20)
    with django_assert_max_num_queries(len(few)):
        assert len(finance.get(f"{LIST}?quick=valid").context["page"].rows) == 22


def test_the_export_says_what_each_rule_does(finance):
    builders.make_rule(name="Cloud", value=Decimal("0.5"), currency="EUR")
    text = b"".join(finance.get(f"{LIST}?quick=all&part=export&format=csv").streaming_content)
    assert b"0.5 EUR per unit" in text


@pytest.mark.parametrize(
    ("page", "finance_may", "auditor_may"),
    [
        ("rule-list", True, True),
        ("rule-detail", True, True),
        ("rule-create", True, False),
        ("rule-edit", True, False),
        ("rule-end", True, False),
        ("rule-delete", True, False),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_each_role_opens_what_it_may(
    finance, auditor, stranger, page, finance_may, auditor_may, method
):
    rule = builders.make_rule()
    arguments = [] if page in ("rule-list", "rule-create") else [rule.pk]
    url = reverse(f"invoicing:{page}", args=arguments)

    if method == "get":
        assert finance.get(url, follow=True).status_code == 200
        assert finance_may
    assert getattr(auditor, method)(url, follow=True).status_code == (
        403 if not auditor_may else 200 if method == "get" else auditor.post(url).status_code
    )
    assert getattr(stranger, method)(url, follow=True).status_code == 403
    assert PricingRule.objects.filter(pk=rule.pk, valid_to=None).exists()


def test_the_page_of_a_rule_shows_its_use_its_words_and_its_history(finance):
    invoice = builders.make_invoice()
    rule = builders.make_rule(
        name="Minutes", value=Decimal("0.02"), product_category=builders.make_category("Voice")
    )
    for position in (1, 2):
        invoice.items.create(
            position=position, kind="price", rule=rule, label="x", exact_amount=1, amount=1
        )
    url = rule.get_absolute_url()
    text = finance.get(url).content.decode()

    assert "All products below Voice, for all customers: 0.02 per unit; from 1 Jan 2020 on." in text
    assert "On <strong>2</strong> invoice items." in text
    assert "Created" in text  # the timeline
    link = f"{reverse('invoicing:invoice-list')}?rule={rule.pk}"
    assert link in text
    shown = finance.get(link)
    assert [row.pk for row in shown.context["page"].rows] == [invoice.pk]
    assert [(chip.label, chip.value) for chip in shown.context["chips"]] == [
        ("With a result of", "Minutes")
    ]
    assert f'<input type="hidden" name="rule" value="{rule.pk}">' in shown.content.decode()
    other = builders.make_rule(product_category=builders.make_category())
    assert (
        finance.get(f"{reverse('invoicing:invoice-list')}?rule={other.pk}").context["page"].rows
        == []
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("Minutes", ["A"]), ("minutes", ["A"]), ("inut", ["A", "B"]), ("night", ["B"]), ("x", [])],
)
def test_invoices_are_found_by_the_name_of_a_rule(finance, text, found):
    for reference, name in (("A", "Minutes"), ("B", "Minutes by night")):
        rule = builders.make_rule(name=name, product_category=builders.make_category())
        builders.make_invoice(type="ad_hoc", reference=reference).items.create(
            position=1, kind="price", rule=rule, label="x", exact_amount=1, amount=1
        )
    address = reverse("invoicing:invoice-list")
    rows = finance.get(f"{address}?rule_name={text}&sort=period_from").context["page"].rows
    assert sorted(row.reference for row in rows) == found


def test_the_name_of_a_rule_is_suggested_and_never_asked_for_as_a_number(finance):
    builders.make_rule(name="Minutes by night", product_category=builders.make_category())
    address = reverse("invoicing:invoice-list")
    form = finance.get(f"{address}?part=advanced").content.decode()
    assert 'list="suggest-rule_name"' in form
    assert "number in the address" not in form
    assert 'name="rule"' not in form
    suggested = finance.get(f"{address}?part=suggest&field=rule_name&rule_name=NIGHT")
    assert 'value="Minutes by night"' in suggested.content.decode()
