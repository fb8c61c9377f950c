"""The pages of sales orders: what they show, who may do what, and what bad input gets."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from orders.enums import BillStatus
from orders.models import BillStatusEvent, OrderLine, SalesOrder
from orders.services.conversion import convert_lines
from orders.validators import normalise_cli
from tests import builders

pytestmark = pytest.mark.django_db

CLERK = (
    "view_salesorder",
    "add_salesorder",
    "change_salesorder",
    "delete_salesorder",
    "view_orderline",
    "add_orderline",
    "change_orderline",
    "delete_orderline",
    "convert_orderline",
)


@pytest.fixture
def client_with(client_for):
    """A browser of somebody with these permissions of the orders floor."""

    def log_in(*codenames: str):
        user = builders.make_user()
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        browser = client_for()
        browser.force_login(user)
        browser.user = user
        return browser

    return log_in


@pytest.fixture
def clerk(client_with):
    return client_with(*CLERK)


@pytest.fixture
def biller(client_with):
    return client_with(*CLERK, "update_billing")


@pytest.fixture
def affinity():
    return builders.make_platform("Affinity")


@pytest.fixture
def line(affinity):
    order = builders.make_order(builders.make_customer(country="GB"))
    return builders.make_line(order, upfront_route=affinity, recurring_route=affinity)


def capture_url(line: OrderLine) -> str:
    return reverse("orders:data-capture", args=[line.order_id])


def shown(browser, line: OrderLine) -> dict[str, str]:
    """The fields of the line's row as the page shows them, to be posted again."""
    page = browser.get(capture_url(line))
    form = next(row["form"] for row in page.context["rows"] if row["line"].pk == line.pk)
    return {
        form.add_prefix(name): "" if form[name].value() is None else str(form[name].value())
        for name in form.fields
    }


def post(browser, line: OrderLine, **changes: str):
    data = shown(browser, line)
    for name, value in changes.items():
        data[f"line-{line.pk}-{name}"] = value
    return browser.post(capture_url(line), data)


@pytest.mark.requirement("L-28", "D-04", "H-L4")
def test_data_capture_stores_what_was_typed_and_the_status_follows(clerk, line):
    convert_lines(line_ids=[line.pk], by=None, at=timezone.now())
    today = timezone.localdate().isoformat()
    answer = post(clerk, line, cli="01632 960123", connection_date=today, serial="8944")
    assert answer.status_code == 302
    line.refresh_from_db()
    assert (line.cli, line.serial) == ("+441632960123", "8944")
    assert line.upfront_status == BillStatus.READY
    page = clerk.get(capture_url(line)).content.decode()
    assert "Ready to Bill" in page
    assert "Affinity" in page
    assert timezone.localdate().strftime("%d %b %Y") in page


@pytest.mark.requirement("L-29", "D-03")
def test_without_the_role_billing_is_read_only(clerk, line):
    page = clerk.get(capture_url(line)).content.decode()
    assert f"line-{line.pk}-upfront_status" not in page
    assert "Allow update billing" in page
    data = shown(clerk, line) | {f"line-{line.pk}-upfront_status": "in_billing"}
    data[f"line-{line.pk}-reason"] = "I want it"
    assert clerk.post(capture_url(line), data).status_code == 403
    assert not BillStatusEvent.objects.exists()


@pytest.mark.requirement("L-29", "D-03")
def test_with_the_role_a_change_asks_for_a_reason(biller, line):
    answer = post(biller, line, upfront_status="in_billing")
    assert answer.status_code == 409
    assert "Say why" in answer.content.decode()
    assert not BillStatusEvent.objects.exists()
    start = "2026-05-01"
    answer = post(
        biller, line, upfront_status="in_billing", bill_start_override=start, reason="Agreed"
    )
    assert answer.status_code == 302
    event = BillStatusEvent.objects.get()
    assert (event.actor, event.reason, event.to_status) == (biller.user, "Agreed", "in_billing")
    line.refresh_from_db()
    assert line.bill_start_override == dt.date(2026, 5, 1)
    assert "Agreed" in answer.wsgi_request.POST[f"line-{line.pk}-reason"]


@pytest.mark.requirement("R11", "D-04")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cli", "12", "no telephone number"),
        ("cli", "abc<script>", "neither a telephone number nor an identifier"),
        ("cli", "1" * 31, "at most 30"),
        ("connection_date", "31.12.2026", "YYYY-MM-DD"),
        ("connection_date", "1066-01-01", "1990"),
        ("serial", "a\x07b", "control"),
    ],
)
def test_a_bad_cell_says_so_and_nothing_is_saved(clerk, line, name, value, words):
    other = builders.make_line(line.order)
    data = shown(clerk, line) | shown(clerk, other)
    data[f"line-{other.pk}-serial"] = "typed"
    data[f"line-{line.pk}-{name}"] = value
    answer = clerk.post(capture_url(line), data)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text or "null" in text.lower()
    assert 'value="typed"' in text
    other.refresh_from_db()
    assert other.serial == ""


def test_somebody_elses_change_is_not_overwritten(clerk, line):
    data = shown(clerk, line)
    OrderLine.objects.filter(pk=line.pk).update(serial="theirs")
    data[f"line-{line.pk}-serial"] = "mine"
    answer = clerk.post(capture_url(line), data)
    assert answer.status_code == 409
    assert "changed this record" in answer.content.decode()
    line.refresh_from_db()
    assert line.serial == "theirs"


@pytest.mark.parametrize(
    ("typed", "country", "stored"),
    [
        ("01632 960123", "GB", "+441632960123"),
        ("+44 1632 960123", "DE", "+441632960123"),
        ("040 123456", "DE", "+4940123456"),
        ("CCT-100/7", "DE", "CCT-100/7"),
        ("", "DE", ""),
    ],
)
@pytest.mark.requirement("D-04")
def test_a_cli_is_stored_as_a_telephone_number_where_it_is_one(typed, country, stored):
    assert normalise_cli(typed, country=country) == stored


@pytest.mark.requirement("L-24", "L-25", "L-26", "L-27", "D-12")
def test_the_grid_shows_the_circle_with_words(clerk, biller, line):
    builders.make_line(line.order)
    page = clerk.get(line.order.get_absolute_url()).content.decode()
    assert page.count("is-orange") == 1
    assert page.count("is-none") == 1
    assert "Up-front: Not Billed. Recurring: Not Billed." in page
    post(biller, line, upfront_status="in_billing", recurring_status="in_billing", reason="Moved")
    page = clerk.get(reverse("orders:line-list")).content.decode()
    assert "is-green" in page
    assert "Up-front: In Billing. Recurring: In Billing." in page


def test_the_history_of_an_order_tells_of_its_lines(clerk, line):
    post(clerk, line, serial="8944")
    page = clerk.get(line.order.get_absolute_url()).content.decode()
    assert "Order line 1: Created" in page
    assert "Order line 1: Changed" in page
    assert "8944" in page


def test_an_order_is_made_line_by_line(clerk):
    customer = builders.make_customer()
    item = builders.make_item(code="MOB", upfront_price=Decimal(5), recurring_price=Decimal(9))
    url = reverse("orders:order-create")
    assert (
        "There is no customer nobody"
        in clerk.get(url, {"customer_code": "nobody"}).content.decode()
    )
    page = clerk.get(url, {"customer_code": customer.code})
    assert customer.name in page.content.decode()
    contract = customer.contracts.get()
    answer = clerk.post(
        f"{url}?customer_code={customer.code}",
        {"contract": contract.pk, "ordered_on": "2026-05-04", "site": "Kiel"},
    )
    order = SalesOrder.objects.get()
    assert answer.headers["Location"] == reverse("orders:line-create", args=[order.pk])
    fields = {"item_code": "mob", "quantity": "2", "billing_months": "1"}
    answer = clerk.post(answer.headers["Location"], fields)
    assert answer.status_code == 302, answer.context["form"].errors
    line = order.lines.get()
    assert (line.item, line.upfront_price, line.recurring_price) == (item, 5, 9)
    answer = clerk.post(
        reverse("orders:line-edit", args=[line.pk]),
        fields
        | {
            "upfront_price": "7",
            "upfront_cost": "0",
            "recurring_price": "9",
            "recurring_cost": "0",
        },
    )
    assert answer.status_code in (302, 409)
    assert clerk.post(reverse("orders:order-convert", args=[order.pk])).status_code == 302
    line.refresh_from_db()
    assert line.asset is not None
    assert clerk.post(reverse("orders:line-unconvert", args=[line.pk])).status_code == 302
    assert clerk.post(reverse("orders:order-delete", args=[order.pk])).status_code == 302
    assert not SalesOrder.objects.exists()


def test_a_do_not_bill_without_reason_is_refused(clerk, line):
    page = clerk.get(reverse("orders:line-edit", args=[line.pk]))
    form = page.context["form"]
    data = {
        name: form[name].value() or "" for name in form.fields if name != "recurring_do_not_bill"
    }
    answer = clerk.post(
        reverse("orders:line-edit", args=[line.pk]), data | {"upfront_do_not_bill": "on"}
    )
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


@pytest.mark.parametrize("number", ["1e5", "１２", "1_000", "1,5"])
def test_a_number_is_typed_with_digits_and_a_point(clerk, line, number):
    page = clerk.get(reverse("orders:line-edit", args=[line.pk]))
    form = page.context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    wrong = {"quantity": number, "recurring_price": number}
    answer = clerk.post(reverse("orders:line-edit", args=[line.pk]), data | wrong)
    assert answer.status_code == 422
    said = "This is no number. Give digits with a point, e.g. 0.045."
    assert dict(answer.context["form"].errors) == {name: [said] for name in wrong}


PAGES = {
    "order-list": "view_salesorder",
    "order-detail": "view_salesorder",
    "order-create": "add_salesorder",
    "order-edit": "change_salesorder",
    "order-delete": "delete_salesorder",
    "line-list": "view_orderline",
    "data-capture": "view_orderline",
    "line-create": "add_orderline",
    "line-edit": "change_orderline",
    "line-delete": "delete_orderline",
    "line-unconvert": "convert_orderline",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_its_permission_only(client_with, line, name):
    convert_lines(line_ids=[line.pk], by=None, at=timezone.now())
    of_line = name in ("line-edit", "line-delete", "line-unconvert")
    without = name.endswith("-list") or name == "order-create"
    args = [] if without else [line.pk if of_line else line.order_id]
    url = reverse(f"orders:{name}", args=args)
    assert client_with(PAGES[name]).get(url).status_code == 200
    assert client_with(*set(CLERK) - {PAGES[name]}).get(url).status_code == 403


@pytest.mark.parametrize(
    "quick",
    [
        "",
        "ready",
        "aged",
        "waiting_conversion",
        "waiting_cli",
        "waiting_date",
        "waiting_future",
        "do_not_bill",
    ],
)
def test_every_quick_search_of_the_lines_opens(clerk, line, quick):
    page = clerk.get(reverse("orders:line-list"), {"quick": quick, "part": ""})
    assert page.status_code == 200


def test_the_list_of_lines_costs_the_same_for_one_and_for_many(clerk, affinity):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert clerk.get(reverse("orders:line-list")).status_code == 200
        return len(captured)

    order = builders.make_order()
    builders.make_line(order, upfront_route=affinity)
    queries()
    one = queries()
    for _ in range(10):
        builders.make_line(builders.make_order(), upfront_route=affinity)
    assert queries() == one
