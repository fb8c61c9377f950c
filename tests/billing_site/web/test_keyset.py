"""Pages by key: every row once, in order, both ways, with ties and with NULLs."""

import datetime as dt
from itertools import chain

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_site.web.keyset import Cut, cut_page, total_order
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from tests.billing_site.web.things import make_things

SIZE = 4
DAY = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)

ORDERS = [
    ["-period_from"],
    ["period_from"],
    ["calculated_at"],
    ["-calculated_at"],
    ["-calculated_at", "period_from"],
    ["customer__name", "-period_from"],
    ["pk"],
    [],
]


@pytest.fixture
def things(db):
    made = make_things(13, status=InvoiceStatus.PENDING)
    for n, thing in enumerate(made):
        # microseconds, ties and NULLs, mixed
        at = None if n % 3 == 0 else DAY + dt.timedelta(microseconds=n // 4)
        Invoice.objects.filter(pk=thing.pk).update(calculated_at=at)
    return Invoice.objects.all()


def walk(rows, columns, cut, follow):
    pages = []
    for _ in range(10):
        page = cut_page(rows, columns, SIZE, cut)
        pages.append([row.pk for row in page.rows])
        cut = follow(page)
        if cut is None:
            return pages
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("terms", ORDERS)
def test_forward_pages_show_every_row_once_in_order(things, terms):
    columns = total_order(Invoice, terms)
    expected = list(
        things.order_by(*(column.term for column in columns)).values_list("pk", flat=True)
    )

    pages = walk(
        things,
        columns,
        Cut(),
        lambda page: Cut(after=page.next_after) if page.has_next else None,
    )

    assert list(chain(*pages)) == expected
    assert [len(page) for page in pages] == [4, 4, 4, 1]


@pytest.mark.parametrize("terms", ORDERS)
def test_backward_pages_from_the_end_show_every_row_once_in_order(things, terms):
    columns = total_order(Invoice, terms)
    expected = list(
        things.order_by(*(column.term for column in columns)).values_list("pk", flat=True)
    )

    pages = walk(
        things,
        columns,
        Cut(last=True),
        lambda page: Cut(before=page.previous_before) if page.has_previous else None,
    )

    assert list(chain(*reversed(pages))) == expected
    assert [len(page) for page in pages] == [4, 4, 4, 1]


def test_the_ends_have_no_neighbours(things):
    columns = total_order(Invoice, ["-period_from"])

    assert not cut_page(things, columns, SIZE, Cut()).has_previous
    assert not cut_page(things, columns, SIZE, Cut(last=True)).has_next
    assert not cut_page(things, columns, 13, Cut()).has_next
    assert cut_page(things, columns, 12, Cut()).has_next
    assert cut_page(things.none(), columns, SIZE, Cut(last=True)).rows == []


@pytest.mark.parametrize("address", ["x", "é\x00", "WyIiXQ:forged", "a:b:c"])
def test_an_address_that_is_not_ours_shows_the_first_page(things, address):
    columns = total_order(Invoice, ["-period_from"])
    first = [row.pk for row in cut_page(things, columns, SIZE, Cut()).rows]

    assert [row.pk for row in cut_page(things, columns, SIZE, Cut(after=address)).rows] == first
    assert [row.pk for row in cut_page(things, columns, SIZE, Cut(before=address)).rows] == first


def test_an_address_of_another_order_shows_the_first_page(things):
    newest, oldest = total_order(Invoice, ["-period_from"]), total_order(Invoice, ["period_from"])
    address = cut_page(things, newest, SIZE, Cut()).next_after

    page = cut_page(things, oldest, SIZE, Cut(after=address))

    assert [row.pk for row in page.rows] == [
        row.pk for row in cut_page(things, oldest, SIZE, Cut()).rows
    ]


def test_a_page_reads_an_index_from_its_key_not_from_the_start(things):
    columns = total_order(Invoice, ["-period_from"])
    address = cut_page(things, columns, SIZE, Cut()).next_after

    with CaptureQueriesContext(connection) as queries:
        cut_page(things, columns, SIZE, Cut(after=address))
    assert len(queries) == 1
    sql = queries[0]["sql"]
    assert "ROW(" in sql
    assert "OFFSET" not in sql
    assert "COUNT" not in sql
