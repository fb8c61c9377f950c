"""Every hostile value in every field of the order pages: stored inert, or refused in words."""

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import OrderLine
from orders.services.conversion import convert_lines
from tests import builders
from tests.external.test_field_values import browser, each_value, is_safe, read
from tests.external.test_field_values import pytestmark as pytestmark

ROLES = ("Finance", "Allow update billing", "Apps - Change Queue")
HEAD = {"ordered_on": "2026-05-04", "customer_reference": "", "site": "", "notes": ""}
LINE = {
    "item_code": "SIM-1",
    "label": "",
    "quantity": "1",
    "billing_months": "1",
    "upfront_price": "",
    "upfront_cost": "",
    "recurring_price": "",
    "recurring_cost": "",
    "upfront_route": "",
    "recurring_route": "",
    "do_not_bill_reason": "",
    "notes": "",
}
TEXTS = {"label", "do_not_bill_reason", "notes"}
LISTS = {
    "orders:order-list": ("search", "customer_code", "ordered_on_min"),
    "orders:line-list": ("order", "customer_code", "cli", "item_code", "platform", "status"),
    "orders:billing-export": ("customer_code", "order", "cli", "platform"),
    "orders:export-file-list": ("platform", "kind", "by"),
    "orders:transfer-list": ("platform", "by"),
}


@pytest.fixture
def order():
    builders.make_platform("Affinity")
    builders.make_item(code="SIM-1")
    return builders.make_order(builders.make_customer(code="C-1"))


@pytest.mark.requirement("R11")
@each_value
def test_the_form_of_an_order(path, order):
    value, client = read(path), browser(*ROLES)
    url = reverse("orders:order-create")
    is_safe(client.get(url, {"customer_code": value}), value, "customer_code")
    data = HEAD | {"contract": str(order.contract_id)}
    for fields in (("customer_reference", "site", "notes"), ("contract", "ordered_on")):
        answer = client.post(f"{url}?customer_code=C-1", data | dict.fromkeys(fields, value))
        is_safe(answer, value, str(fields))
    is_safe(client.get(reverse("orders:order-list")), value, "the list")


@pytest.mark.requirement("R11")
@each_value
def test_the_form_of_a_line(path, order):
    value, client = read(path), browser(*ROLES)
    url = reverse("orders:line-create", args=[order.pk])
    for fields in (TEXTS, set(LINE) - TEXTS):
        is_safe(client.post(url, LINE | dict.fromkeys(fields, value)), value, str(fields))
    is_safe(client.get(order.get_absolute_url()), value, "the order")
    is_safe(client.get(reverse("orders:line-list")), value, "the list")


@pytest.mark.requirement("R11", "D-04")
@each_value
def test_the_cells_of_data_capture(path, order):
    value, client = read(path), browser(*ROLES)
    platform = builders.make_platform()
    line = builders.make_line(order, upfront_route=platform, recurring_route=platform)
    convert_lines(line_ids=[line.pk], by=None, at=timezone.now())
    url = reverse("orders:data-capture", args=[order.pk])
    row = next(iter(client.get(url).context["rows"]))["form"]
    data = {
        row.add_prefix(name): "" if row[name].value() is None else str(row[name].value())
        for name in row.fields
    }
    texts = {name for name in data if name.endswith(("-cli", "-serial", "-supplier", "-reason"))}
    for fields in (texts, set(data) - texts):
        is_safe(client.post(url, data | dict.fromkeys(fields, value)), value, str(fields))
    is_safe(client.get(url), value, "shown again")
    assert OrderLine.objects.filter(pk=line.pk).exists()


@pytest.mark.requirement("R11")
@each_value
def test_the_filters_of_the_lists(path, order):
    value, client = read(path), browser(*ROLES)
    for name, fields in LISTS.items():
        for some in (fields, ("sort", "quick", "after", "page")):
            answer = client.get(reverse(name), dict.fromkeys(some, value))
            if answer.status_code != 404:  # a quick search that is none
                is_safe(answer, value, f"{name} {some}")
