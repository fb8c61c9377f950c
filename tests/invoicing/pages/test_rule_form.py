"""Making, changing, ending and deleting a rule through its pages (H-CB2, D-41)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from invoicing.models import PricingRule
from tests import builders

D = Decimal
CREATE = reverse("invoicing:rule-create")
BASE = {"name": "New rule", "operator": "price", "order": "100", "valid_from": "2026-05-01"}
LADDER = BASE | {"operator": "price_ladder", "ladder_mode": "graduated"}


def tiers(*rows: tuple[str, ...]) -> dict[str, str]:
    names = ("up_to", "unit_price", "flat_fee")
    typed = {"tier-count": str(len(rows))}
    for number, row in enumerate(rows, start=1):
        typed |= {f"tier-{number}-{name}": text for name, text in zip(names, row, strict=False)}
    return typed


def errors(response) -> str:
    assert response.status_code == 422
    context = response.context
    found = [*context["form"].non_field_errors(), *context["rows"].errors]
    found += [f"{field.name}: {error}" for field in context["form"] for error in field.errors]
    for row in context["rows"].rows:
        found += [f"{row.number} {field.name}: {error}" for field in row for error in field.errors]
    for error in found:
        text = response.content.decode()
        assert error.split(": ", 1)[-1].split("'")[0][:40] in text  # and a person can see it
    return " | ".join(found)


def test_the_empty_choices_are_not_confused_with_a_cluster_or_a_category(finance):
    """A root is often called like everything."""
    builders.make_cluster("All customers")
    builders.make_category("All products")
    fields = finance.get(CREATE).context["form"].fields
    clusters = [str(label) for _, label in fields["customer_cluster"].choices]
    products = [str(label) for _, label in fields["product_category"].choices]
    assert clusters == ["Every customer, no cluster", "All customers"]
    assert products == ["Every product, no category", "All products"]


@pytest.mark.requirement("CB-2", "D-40")
@pytest.mark.parametrize(
    ("operator", "has", "has_not"),
    [
        ("price", {"value", "fee", "cost", "currency"}, {"percentage", "ladder_mode"}),
        ("price_ladder", {"ladder_mode", "fee", "currency"}, {"percentage", "value"}),
        ("adjust_percentage", {"percentage"}, {"value", "fee", "cost", "currency"}),
        ("vat", {"percentage"}, {"value", "fee", "cost", "currency", "ladder_mode"}),
    ],
)
def test_the_form_has_the_fields_of_the_operator(finance, operator, has, has_not):
    pages = (
        finance.get(f"{CREATE}?operator={operator}"),
        finance.post(CREATE, BASE | {"operator": operator, "step": "redraw"}),
    )
    for response in pages:
        assert response.status_code == 200
        names = set(response.context["form"].fields)
        assert has <= names
        assert not has_not & names
        assert ("tier-count" in response.content.decode()) is (operator == "price_ladder")


@pytest.mark.requirement("D-40")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (BASE, {"value": None, "fee": D(0), "currency": ""}),
        (
            BASE | {"value": "0.0000000001", "fee": "0.05", "cost": "0", "currency": "USD"},
            {"value": D("0.0000000001"), "fee": D("0.05"), "cost": D(0), "currency": "USD"},
        ),
        (
            BASE | {"operator": "adjust_percentage", "percentage": "-6"},
            {"percentage": D(-6), "value": None},
        ),
        (BASE | {"operator": "vat", "percentage": "0"}, {"percentage": D(0)}),
        (BASE | {"valid_to": "2026-05-01"}, {"valid_to": dt.date(2026, 5, 1)}),
        # what the operator has no use for is not taken from the request
        (BASE | {"percentage": "7", "ladder_mode": "volume"}, {"percentage": None}),
    ],
)
def test_a_rule_is_made(finance, typed, stored):
    builders.make_customer(currency="USD")
    response = finance.post(CREATE, typed)

    rule = PricingRule.objects.get()
    assert response.status_code == 302
    assert response["Location"] == rule.get_absolute_url()
    for name, value in stored.items():
        assert getattr(rule, name) == value


@pytest.mark.requirement("K-10")
def test_a_ladder_is_made_with_its_tiers(finance):
    rows = tiers(("100", "2", "10"), ("", "", ""), ("200", "1.5"), ("", "1", "0"))
    assert finance.post(CREATE, LADDER | rows).status_code == 302
    found = PricingRule.objects.get().tiers.values_list("up_to", "unit_price", "flat_fee")
    assert list(found) == [(D(100), D(2), D(10)), (D(200), D("1.5"), D(0)), (None, D(1), D(0))]


@pytest.mark.requirement("K-10")
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "needs at least one tier"),
        ([("", "", "")], "needs at least one tier"),
        ([("100", "1")], "Tier 1 is the last one and ends at 100"),
        ([("", "1"), ("", "2")], "Tier 1 has no upper bound, but tier 2 follows"),
        ([("100", "1"), ("100", "2"), ("", "3")], "Tier 2 ends at 100"),
        ([("0", "1"), ("", "2")], "must be above zero"),
        ([("-5", "1"), ("", "2")], "must be above zero"),
        ([("", "-1")], "1 unit_price: Must not be negative."),
        ([("", "1", "-0.01")], "1 flat_fee: Must not be negative."),
        ([("100", ""), ("", "1")], "1 unit_price: Enter the price per unit"),
        ([("ten", "1"), ("", "1")], "1 up_to: This is no number."),
        ([("NaN", "1"), ("", "1")], "1 up_to: This is no number."),
        ([("1e2", "1"), ("", "1")], "1 up_to: This is no number."),
        ([("Infinity", "1"), ("", "1")], "1 up_to: This is no number."),
        ([("", "0.00000000001")], "1 unit_price: Ensure that there are no more than 10 decimal"),
        ([("1" * 31, "1"), ("", "1")], "1 up_to: Ensure that there are no more than"),
    ],
)
def test_tiers_that_cannot_price_are_refused_with_what_to_do(finance, rows, message):
    assert message in errors(finance.post(CREATE, LADDER | tiers(*rows)))
    assert not PricingRule.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name: This field is required."),
        ({"name": "Taken"}, "There is a rule of this name already"),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"operator": "bundle"}, "operator: Select a valid choice"),
        ({"order": ""}, "order: This field is required."),
        ({"order": "99999999999999999999"}, "less than or equal to 1000000"),
        ({"value": "-0.01"}, "value: Must not be negative"),
        ({"fee": "-1"}, "fee: Must not be negative"),
        ({"cost": "1,5"}, "cost: This is no number. Give digits with a point, e.g. 0.045."),
        ({"value": "1e5"}, "value: This is no number."),
        ({"value": "1_000"}, "value: This is no number."),
        ({"operator": "vat", "percentage": "１２"}, "percentage: This is no number."),
        ({"currency": "XXX"}, "currency: Select a valid choice"),
        ({"product_category": "999999999999999999999"}, "product_category: Select a valid choice"),
        ({"customer_cluster": "all"}, "customer_cluster: Select a valid choice"),
        ({"valid_from": "31.02.2026"}, "valid_from: Enter a valid date."),
        ({"valid_from": "2100-01-01"}, "valid_from: Give a day up to 2099-12-31"),
        ({"valid_from": "1989-12-31"}, "valid_from: Give a day from 1990-01-01 on"),
        ({"valid_to": "9999-12-31"}, "valid_to: Give a day up to 2099-12-31"),
        ({"valid_to": "2026-04-30"}, "valid_to: The last day is before the first"),
        ({"operator": "vat", "percentage": ""}, "percentage: This field is required."),
        ({"operator": "vat", "percentage": "100.0001"}, "from 0 to 100"),
        ({"operator": "vat", "percentage": "-1"}, "from 0 to 100"),
        ({"operator": "adjust_percentage", "percentage": "-100.0001"}, "from -100 to 999"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field_and_writes_nothing(finance, changes, message):
    builders.make_rule("vat", name="Taken", percentage=19, order=1)
    assert message in errors(finance.post(CREATE, BASE | changes))
    assert PricingRule.objects.count() == 1


@pytest.mark.requirement("D-41")
def test_a_second_price_of_equal_scope_is_refused_with_the_other_rule_and_the_remedy(finance):
    category, cluster = builders.make_category("Cloud"), builders.make_cluster("Enterprise")
    scope = {"product_category": category, "customer_cluster": cluster}
    builders.make_rule(name="Cloud since 2020", value=D(1), **scope)
    typed = BASE | {"product_category": category.pk, "customer_cluster": cluster.pk}

    found = errors(finance.post(CREATE, typed))
    assert "Cloud since 2020 already covers Cloud and Enterprise with order 100" in found
    assert "End Cloud since 2020 before 2026-05-01, or choose another order" in found
    ladder = typed | {"operator": "price_ladder", "ladder_mode": "volume"} | tiers(("", "1"))
    assert "Cloud since 2020 already covers" in errors(finance.post(CREATE, ladder))
    assert PricingRule.objects.count() == 1

    assert finance.post(CREATE, typed | {"order": "101"}).status_code == 302


@pytest.mark.requirement("D-41", "K-15")
def test_a_price_for_one_currency_may_stand_beside_the_one_for_all(finance):
    builders.make_customer(currency="USD")
    builders.make_rule(name="For all", value=D(1))
    assert finance.post(CREATE, BASE | {"currency": "USD"}).status_code == 302
    found = errors(finance.post(CREATE, BASE | {"currency": "USD", "name": "Another"}))
    assert "New rule already covers all products and all customers in USD" in found


@pytest.mark.requirement("H-CB2")
def test_the_form_says_in_words_what_the_rule_does(finance):
    category, cluster = builders.make_category("Cloud"), builders.make_cluster("Enterprise")
    typed = BASE | {
        "operator": "adjust_percentage",
        "product_category": category.pk,
        "customer_cluster": cluster.pk,
        "step": "redraw",
    }
    page = finance.post(CREATE, typed | {"percentage": "-6"})
    words = "All products below Cloud, for customers below Enterprise: -6 %; from 1 May 2026 on."
    assert page.context["sentence"] == words
    assert words in page.content.decode()
    unfinished = finance.post(CREATE, typed | {"percentage": "six", "valid_from": "soon"})
    assert ": … %; from … on." in unfinished.context["sentence"]


def test_tiers_are_added_and_removed_without_a_script(finance):
    typed = LADDER | tiers(("100", "2"), ("200", "1.5", "7"), ("", "1"))
    added = finance.post(CREATE, typed | {"step": "add"})
    assert [row.initial.get("up_to") for row in added.context["rows"].rows] == [
        "100", "200", "", None,
    ]  # fmt: skip
    removed = finance.post(CREATE, typed | {"step": "remove-2"})
    assert [row.initial["up_to"] for row in removed.context["rows"].rows] == ["100", ""]
    assert 'name="tier-2-unit_price" value="1"' in removed.content.decode()
    for odd in ("remove-9", "remove-", "remove-x", "explode"):
        same = finance.post(CREATE, typed | {"step": odd})
        assert len(same.context["rows"].rows) == 3
    assert not PricingRule.objects.exists()


@pytest.mark.parametrize("count", ["", "-1", "x", "10000000", "999"])
def test_a_made_up_number_of_tiers_is_bounded(finance, count):
    page = finance.post(CREATE, LADDER | {"tier-count": count, "step": "redraw"})
    assert 1 <= len(page.context["rows"].rows) <= 50


@pytest.mark.requirement("H-CB3")
def test_a_change_is_saved_and_shown_in_the_history(finance):
    category = builders.make_category()
    rule = builders.make_rule(
        "price_ladder",
        name="Steps",
        ladder_mode="volume",
        product_category=category,
        tiers=[(D(10), D("0.50")), (None, D("0.25"), D(3))],
    )
    url = reverse("invoicing:rule-edit", args=[rule.pk])
    page = finance.get(url)
    assert [row.initial for row in page.context["rows"].rows] == [
        {"up_to": "10", "unit_price": "0.5", "flat_fee": ""},
        {"up_to": "", "unit_price": "0.25", "flat_fee": "3"},
    ]
    typed = LADDER | {"name": "Steps", "product_category": category.pk, "ladder_mode": "volume"}
    response = finance.post(url, typed | tiers(("20", "0.5"), ("", "0.2")), follow=True)
    assert response.status_code == 200
    assert "Steps is saved" in response.content.decode()
    assert [tier.unit_price for tier in rule.tiers.order_by("up_to")] == [D("0.5"), D("0.2")]

    turned = finance.post(url, BASE | {"name": "Steps", "value": "2"})
    assert turned.status_code == 302
    rule.refresh_from_db()
    assert (rule.operator, rule.value, rule.ladder_mode) == ("price", D(2), "")
    assert not rule.tiers.exists()


def test_a_refused_change_leaves_the_rule_and_its_name_on_the_page(finance):
    rule = builders.make_rule(name="Kept", value=D(1))
    url = reverse("invoicing:rule-edit", args=[rule.pk])
    response = finance.post(url, BASE | {"name": "Other", "value": "-1"})
    assert response.status_code == 422
    assert "Change Kept" in response.content.decode()
    rule.refresh_from_db()
    assert rule.value == D(1)


@pytest.mark.requirement("H-CB2")
def test_a_rule_is_ended_and_followed_by_the_next(finance):
    category = builders.make_category()
    rule = builders.make_rule(name="Old", value=D(1), product_category=category)
    url = reverse("invoicing:rule-end", args=[rule.pk])
    for wrong in ("", "yesterday", "2019-12-31", "2100-01-01"):
        assert finance.post(url, {"valid_to": wrong}).status_code == 422
    assert finance.get(url).status_code == 200
    assert finance.post(url, {"valid_to": "2026-04-30"}).status_code == 302
    rule.refresh_from_db()
    assert rule.valid_to == dt.date(2026, 4, 30)

    initial = finance.get(f"{CREATE}?after={rule.pk}").context["form"].initial
    assert initial["valid_from"] == dt.date(2026, 5, 1)
    assert (initial["product_category"], initial["value"]) == (category.pk, D(1))
    assert "name" not in initial
    typed = BASE | {"product_category": category.pk, "value": "2"}
    assert finance.post(f"{CREATE}?after={rule.pk}", typed).status_code == 302


@pytest.mark.parametrize("number", ["x", "-1", "9" * 40])
def test_a_made_up_predecessor_begins_a_plain_form(finance, number):
    assert finance.get(f"{CREATE}?after={number}").status_code == 200


def test_an_unused_rule_is_deleted_and_a_used_one_is_not(finance):
    unused, used = builders.make_rule(name="Unused", order=1), builders.make_rule(name="Used")
    invoice = builders.make_invoice()
    invoice.items.create(position=1, kind="price", rule=used, label="x", exact_amount=1, amount=1)
    type(invoice).objects.filter(pk=invoice.pk).update(
        status="open", calculated_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    )
    type(invoice).objects.filter(pk=invoice.pk).update(status="approving")

    url = reverse("invoicing:rule-delete", args=[unused.pk])
    assert "cannot be undone" in finance.get(url).content.decode()
    assert finance.post(url).status_code == 302
    refused = finance.post(reverse("invoicing:rule-delete", args=[used.pk]))
    assert refused.status_code == 422
    assert "end it with a last day instead" in refused.content.decode()
    assert [rule.name for rule in PricingRule.objects.all()] == ["Used"]
