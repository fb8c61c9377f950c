"""Filters that stay quick on large lists."""

import pytest
from django.contrib.auth.models import Permission
from django.http import QueryDict

from billing_site.web import list_filters
from billing_site.web.list_filters import LookedUpFilter, Source
from billing_site.web.list_queries import ListQuery
from invoicing.models import Invoice
from ledger.models import Customer
from tests.billing_site.web.things import make_thing
from tests.billing_site.web.urls import ThingListView
from tests.builders import make_customer

pytestmark = pytest.mark.urls("tests.billing_site.web.urls")

search = LookedUpFilter(
    Source("customer", Customer.objects.all, ("code__iexact", "name__icontains")),
    Source("pk", Invoice.objects.all, ("reference__startswith",)),
)


@pytest.fixture
def acme(db):
    return make_customer(code="ACME", name="Acme Ltd")


def found(text) -> set[str]:
    return {row.reference for row in search.filter(Invoice.objects.all(), text)}


def test_a_text_is_looked_up_in_every_source(acme):
    make_thing(acme, reference="T-1")
    make_thing(reference="acme-2")
    make_thing(reference="T-3")

    assert found("acme") == {"T-1", "acme-2"}
    assert found("ACM") == {"T-1"}
    assert found("nobody") == set()
    assert found("") == {"T-1", "acme-2", "T-3"}


def test_keys_are_put_into_the_query_while_they_are_few(acme, monkeypatch):
    make_thing(acme, reference="T-1")
    few = str(search.filter(Invoice.objects.all(), "acme").query)
    assert "ledger_customer" not in few

    monkeypatch.setattr(list_filters, "MOST_KEYS", 0)
    many = search.filter(Invoice.objects.all(), "acme")
    assert "ledger_customer" in str(many.query)
    assert [row.reference for row in many] == ["T-1"]


def test_several_choices_do_not_sort_the_whole_filter(db, anna):
    query = ListQuery(ThingListView, anna, QueryDict("status=open&status=pending"))
    assert "DISTINCT" not in str(query.rows.query)


def test_the_advanced_form_is_rendered_when_it_is_asked_for(db, client, anna):
    anna.user_permissions.add(Permission.objects.get(codename="view_group"))
    client.force_login(anna)
    assert 'name="total_min"' not in client.get("/things/").content.decode()
    text = client.get("/things/?part=advanced&total_min=3").content.decode()
    assert 'name="total_min"' in text
    assert 'value="3"' in text


def test_what_is_filtered_under_advanced_is_carried_on_without_its_fields(db, client, anna):
    anna.user_permissions.add(Permission.objects.get(codename="view_group"))
    client.force_login(anna)
    text = client.get("/things/?total_min=3&status=open&status=pending").content.decode()
    for name, value in (("total_min", "3"), ("status", "open"), ("status", "pending")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in text
    assert '<details class="filter-advanced">' in text


@pytest.mark.parametrize("typed", ["much", "1e999999", "１２", "1" * 20, "0.00001"])
def test_an_amount_of_a_filter_is_one_that_can_be(db, anna, typed):
    query = ListQuery(ThingListView, anna, QueryDict(f"total_min={typed}"))
    assert not query.is_valid
    assert list(query.rows) == []
    assert ListQuery(ThingListView, anna, QueryDict("total_min=-1.5&total_max=.5")).is_valid


def test_yes_and_no_have_an_any_that_is_no_part_of_the_address(db, client, anna):
    make_thing(make_customer(suspended=True, suspended_reason="x"), reference="T-1")
    make_thing(reference="T-2")

    def asked(query):
        return ListQuery(ThingListView, anna, QueryDict(query))

    def references(query):
        return {row.reference for row in asked(query).rows}

    assert references("held=true") == {"T-1"}
    assert references("held=false") == {"T-2"}
    for unset in ("", "held=", "held=unknown"):
        assert references(unset) == {"T-1", "T-2"}
        assert asked(unset).chips() == []
    assert [chip.value for chip in asked("held=false").chips()] == ["no"]
    assert not asked("held=perhaps").is_valid
    assert asked("held=&status=open").address() == "?status=open"

    anna.user_permissions.add(Permission.objects.get(codename="view_group"))
    client.force_login(anna)
    shown = client.get("/things/?part=advanced&held=false").content.decode()
    assert '<option value="">Any</option>' in shown
    assert '<option value="true">Yes</option>' in shown
    assert '<option value="false" selected>No</option>' in shown
    assert "Unknown" not in shown


def test_a_value_under_advanced_that_does_not_fit_is_shown_with_its_field(db, client, anna):
    anna.user_permissions.add(Permission.objects.get(codename="view_group"))
    client.force_login(anna)
    text = client.get("/things/?total_min=much").content.decode()
    assert '<details class="filter-advanced" open>' in text
    assert 'type="hidden" name="total_min"' not in text
    assert 'name="total_min"' in text
