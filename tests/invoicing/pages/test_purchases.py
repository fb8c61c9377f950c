"""The purchases page and the page of one purchase (H-CB4, H-CB5)."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from invoicing.models import ImportBatch, Purchase
from tests import builders

LIST = reverse("invoicing:purchase-list")
D = Decimal


def moment(day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2026, 1, day, hour, tzinfo=dt.UTC)


def shown(client, query: str = "") -> list[str]:
    response = client.get(f"{LIST}{query}")
    assert response.status_code == 200
    return [purchase.reference for purchase in response.context["page"].rows]


@pytest.fixture
def purchases(db):
    """Four on an invoice, two unmapped; the newest first is the order of the letters."""
    invoice = builders.make_invoice()
    item = builders.make_item(code="CALL", name="Call minutes")
    for day, reference in ((20, "a1"), (19, "a2"), (18, "b1"), (17, "b2")):
        builders.make_purchase(invoice, item=item, reference=reference, purchased_at=moment(day))
    for day, reference, reason in (
        (16, "c1", "unknown_customer"),
        (15, "c2", "period_finished"),
    ):
        builders.make_purchase(
            reference=reference,
            purchased_at=moment(day),
            unmapped_reason=reason,
            customer_code="Nobody",
        )
    return invoice


@pytest.mark.requirement("H-CB4", "H-CB5")
def test_the_filters_find_their_purchases(finance, purchases):
    code = purchases.customer.code
    assert shown(finance) == ["a1", "a2", "b1", "b2", "c1", "c2"]
    assert shown(finance, "?quick=mapped") == ["a1", "a2", "b1", "b2"]
    assert shown(finance, "?quick=unmapped") == ["c1", "c2"]
    assert shown(finance, "?reason=period_finished") == ["c2"]
    assert shown(finance, "?reason=period_finished&reason=unknown_customer") == ["c1", "c2"]
    assert shown(finance, "?reference=a") == ["a1", "a2"]
    assert shown(finance, f"?customer_code={code.lower()}") == ["a1", "a2", "b1", "b2"]
    assert shown(finance, "?customer_code=nobody") == ["c1", "c2"]
    assert shown(finance, "?product_code=call&reference=b") == ["b1", "b2"]
    assert shown(finance, f"?invoice={purchases.pk}") == ["a1", "a2", "b1", "b2"]
    assert shown(finance, f"?invoice={builders.make_invoice().pk}") == []
    assert shown(finance, "?sort=reference&quick=unmapped") == ["c1", "c2"]


def test_an_invoice_and_an_import_are_found_by_name(finance, purchases):
    other = builders.make_invoice(type="ad_hoc", reference="DRAFT-7")
    builders.make_purchase(other, reference="d1", purchased_at=moment(10))
    batch = ImportBatch.objects.create(
        owner=builders.make_user(), file="imports/a.csv", filename="usage May.csv", digest="d"
    )
    Purchase.objects.filter(reference="d1").update(import_batch=batch)
    assert shown(finance, "?invoice_number=DRAFT") == []
    assert shown(finance, "?invoice_number=draft-7") == ["d1"]
    assert shown(finance, "?import_file=may") == ["d1"]
    assert shown(finance, "?import_file=june") == []
    page = finance.get(f"{LIST}?batch={batch.pk}")
    assert [(chip.label, chip.value) for chip in page.context["chips"]] == [
        ("Import", "usage May.csv")
    ]
    text = finance.get(f"{LIST}?part=suggest&field=import_file&import_file=usage").content
    assert b'value="usage May.csv"' in text


@pytest.mark.requirement("K-4")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?day_after=2026-01-18", ["a1", "a2", "b1"]),
        ("?day_before=2026-01-18", ["b1", "b2", "c1", "c2"]),
        ("?day_after=2026-01-18&day_before=2026-01-18", ["b1"]),
        ("?day_before=9999-12-31&day_after=0001-01-01", ["a1", "a2", "b1", "b2", "c1", "c2"]),
    ],
)
def test_days_are_inclusive(finance, purchases, query, found):
    assert shown(finance, query) == found


@pytest.mark.requirement("K-4")
@pytest.mark.parametrize(
    ("at", "local_day"),
    [
        (dt.datetime(2026, 3, 1, 11, tzinfo=dt.UTC), dt.date(2026, 3, 2)),  # UTC+14
        (dt.datetime(2026, 3, 2, 11, 59, tzinfo=dt.UTC), dt.date(2026, 3, 1)),  # UTC-12
    ],
)
def test_a_day_is_that_of_the_customer_wherever_it_lives(finance, at, local_day):
    builders.make_purchase(
        reference="far", purchased_at=at, purchased_on=local_day, unmapped_reason="no_invoice"
    )
    assert shown(finance, f"?day_after={local_day}&day_before={local_day}") == ["far"]
    for other in (local_day - dt.timedelta(1), local_day + dt.timedelta(1)):
        assert shown(finance, f"?day_after={other}&day_before={other}") == []


@pytest.mark.parametrize(
    "query",
    [
        "?invoice=0",
        "?invoice=x",
        "?invoice=99999999999999999999999",
        "?invoice=%00",
        "?batch=-1",
        "?day_after=31.12.2026",
        "?reason=none",
        "?reference=" + "x" * 121,
    ],
)
def test_a_filter_that_does_not_fit_says_so_and_shows_nothing(finance, purchases, query):
    response = finance.get(f"{LIST}{query}")
    assert response.status_code == 200
    assert response.context["page"].rows == []
    assert "The filter cannot be used" in response.content.decode()


def test_the_counts_agree_with_the_lists(finance, purchases):
    text = finance.get(f"{LIST}?part=summary&reference=c").content.decode()
    for key, count in (("all", 2), ("mapped", 0), ("unmapped", 2)):
        assert f'id="tab-count-{key}" hx-swap-oob="true">{count}<' in text


def test_the_list_makes_the_same_number_of_queries_for_few_and_many(finance, purchases):
    finance.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        finance.get(LIST)
    for _ in range(15):
        builders.make_purchase(builders.make_invoice())
    with CaptureQueriesContext(connection) as many:
        assert len(shown(finance)) == 21
    assert len(many) == len(few)
    assert not any("document_data" in query["sql"] for query in many)


@pytest.mark.parametrize(
    "index",
    ["purchase_by_customer_code", "purchase_by_product_code", "purchase_unmapped_newest"],
)
def test_each_search_has_an_index_that_brings_the_rows_in_order(db, index):
    """Among sequential scans that are forbidden, the planner finds the index and sorts nothing."""
    from invoicing.models import Purchase

    rows = {
        "purchase_by_customer_code": Purchase.objects.filter(customer_code__iexact="c1"),
        "purchase_by_product_code": Purchase.objects.filter(product_code__iexact="p1"),
        "purchase_unmapped_newest": Purchase.objects.unmapped(),
    }[index]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = rows.order_by("-purchased_at", "-id")[:25].explain()
    assert index in plan
    assert "Sort" not in plan


def test_the_export_holds_what_the_filter_shows(finance, purchases):
    response = finance.get(f"{LIST}?quick=unmapped&part=export&format=csv")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Reference,When,Day at the customer")
    assert "Unknown customer" in lines[1]


def test_the_export_writes_numbers_without_the_zeros_of_their_storage(finance):
    builders.make_purchase(
        unmapped_reason="unknown_customer",
        quantity=D("4403"),
        unit_price_override=D("2.62"),
        total_override=D("11535.8"),
        cost_override=D("0.000000000000001"),
        currency="EUR",
    )
    response = finance.get(f"{LIST}?part=export&format=csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert row["Quantity"] == "4403"
    assert row["Own price"] == "2.62"
    assert row["Own total"] == "11535.80"
    assert row["Own cost"] == "0.000000000000001"


@pytest.mark.requirement("H-CB4")
def test_the_page_of_a_purchase_shows_everything_and_where_it_went(finance):
    owner = builders.make_user(username="importer")
    batch = ImportBatch.objects.create(
        owner=owner, file="imports/a.csv", filename="usage.csv", digest="d"
    )
    invoice = builders.make_invoice()
    purchase = builders.make_purchase(
        invoice,
        reference="R-1",
        import_batch=batch,
        quantity=D("61.5"),
        metered_quantity=D(62),
        unit="min",
        total_override=D("12.345"),
        metadata={"cli": "<b>+49</b>", "n": 7},
        label="Call to Rome",
    )
    purchase.quantity = D("61")
    purchase.save()
    text = finance.get(purchase.get_absolute_url()).content.decode()

    for part in ("61 min", "62 min", "12.345", "Call to Rome", "usage.csv", "importer", "Changed"):
        assert part in text
    assert "&lt;b&gt;+49&lt;/b&gt;" in text
    assert "<b>+49</b>" not in text
    assert invoice.get_absolute_url() in text

    lost = builders.make_purchase(unmapped_reason="unknown_product")
    assert "Unknown product" in finance.get(lost.get_absolute_url()).content.decode()


def test_each_role_sees_what_it_may(finance, auditor, stranger, purchases):
    purchase = purchases.purchases.first()
    for url in (LIST, purchase.get_absolute_url()):
        assert finance.get(url).status_code == 200
        assert auditor.get(url).status_code == 200
        assert stranger.get(url).status_code == 403
    assert finance.get(reverse("invoicing:purchase-detail", args=[10**9])).status_code == 404
