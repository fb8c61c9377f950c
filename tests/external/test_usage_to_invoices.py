"""Real usage, from the file to calculated invoices: every row counts once, every sum is the file's.

Expected sums come from ``control_totals.json``, which was made without this product.
"""

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from invoicing.enums import UnmappedReason
from invoicing.models import Purchase
from invoicing.services.periods import create_due_invoices
from tests import builders
from tests.external import usage_files as usage
from tests.external.shared_data import shared_file, shared_json

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

UTC = dt.UTC
RETAIL = "uci_online_retail_2010-12_2011-05.csv"
FOCUS = "purchases_focus.csv"
CALLS = "cdr_calls.csv"
START = dt.date(2010, 9, 1)  # from when the calls are billed
NO_CUSTOMER = "NOCUST-"  # how the control totals name the rows without a customer


def control(name: str) -> dict:
    datasets = shared_json("usage/control_totals.json")["datasets"]
    return next(dataset for dataset in datasets if dataset["file"] == name)


def by_group(groups: list[dict], figure: str) -> dict[tuple[str, str, str], Decimal]:
    return {
        (group["customer"], group["currency"], group["month"]): Decimal(group[figure])
        for group in groups
    }


@pytest.mark.requirement("CB-18", "CB-31", "K-1", "K-3", "H-CB4")
@pytest.mark.parametrize("name", ["usage/purchases_focus.csv", "usage/focus_1_0_sample.csv"])
def test_cloud_usage_comes_to_the_control_totals(name, settings):
    settings.TIME_ZONE = "UTC"
    rows = usage.read_rows(shared_file("usage/purchases_focus.csv"))
    usage.make_customers(
        (row["customer_code"] for row in rows),
        currency="USD",
        time_zone="UTC",
        bill_from=dt.date(2024, 9, 1),
    )
    usage.make_items(row["product_code"] for row in rows)
    create_due_invoices(at=dt.datetime(2024, 9, 30, tzinfo=UTC))
    usage.import_purchases(shared_file(name))
    usage.calculate_all()

    wanted = control(FOCUS)["groups"]
    assert usage.exact_sums() == by_group(wanted, "sum_exact")
    usage.assert_rounded_once_per_item()
    assert usage.net_totals() == by_group(wanted, "sum_of_product_rounded_half_up")
    assert usage.purchase_counts() == by_group(wanted, "rows")
    assert usage.unmapped_counts() == {}


@pytest.mark.requirement("CB-18", "CB-31", "K-1", "K-3", "H-CB5")
def test_retail_lines_are_on_invoices_or_unmapped_for_want_of_a_customer(settings, tmp_path):
    """Cancellations, negative quantities and prices of zero included."""
    settings.TIME_ZONE = "Europe/London"  # the file states no offsets
    rows = usage.read_rows(shared_file(f"usage/{RETAIL}"))
    usage.make_customers(
        (row["CustomerID"] for row in rows if row["CustomerID"]),
        currency="GBP",
        time_zone="Europe/London",
        bill_from=dt.date(2010, 12, 1),
    )
    usage.make_items(row["StockCode"] for row in rows)
    create_due_invoices(at=dt.datetime(2011, 5, 31, 12, tzinfo=UTC))
    purchases = (
        {
            "reference": f"{row['InvoiceNo']}-{line}",
            "customer_code": row["CustomerID"],
            "product_code": row["StockCode"],
            "label": row["Description"],
            "quantity": row["Quantity"],
            "unit_price": row["UnitPrice"],
            "currency": "GBP",
            "purchased_at": row["InvoiceDate"],
        }
        for line, row in enumerate(rows, start=2)
    )
    batch = usage.import_purchases(usage.write_purchases(tmp_path / "retail.csv", purchases))
    usage.calculate_all()

    figures = control(RETAIL)
    assert batch.rows_new == Purchase.objects.count() == figures["rows"] == 15_421
    known = [g for g in figures["groups"] if not g["customer"].startswith(NO_CUSTOMER)]
    nameless = [g for g in figures["groups"] if g["customer"].startswith(NO_CUSTOMER)]
    assert usage.exact_sums() == by_group(known, "sum_exact")
    usage.assert_rounded_once_per_item()
    assert usage.net_totals() == by_group(known, "sum_of_product_rounded_half_up")
    assert usage.purchase_counts() == by_group(known, "rows")

    assert usage.unmapped_counts() == {
        UnmappedReason.UNKNOWN_CUSTOMER: sum(group["rows"] for group in nameless)
    }
    unmapped = sum(
        (
            purchase.quantity * purchase.unit_price_override
            for purchase in Purchase.objects.unmapped()
        ),
        Decimal(0),
    )
    assert unmapped == sum(Decimal(group["sum_exact"]) for group in nameless)
    whole = sum(usage.exact_sums().values(), unmapped)
    assert whole == Decimal(figures["total_by_currency_exact"]["GBP"])
    assert Purchase.objects.mapped().filter(quantity__lt=0).count() == sum(
        int(row["Quantity"]) < 0 for row in rows if row["CustomerID"]
    )


TARIFFS = {
    "A: 60/60 with a set-up fee": (
        {"metering_increment": Decimal(60)},
        {"value": Decimal("0.002"), "fee": Decimal("0.05")},
        "charge_A_setup_0_05_plus_0_12_per_started_minute",
        "charge_A",
    ),
    "B: 30/6": (
        {"metering_minimum": Decimal(30), "metering_increment": Decimal(6)},
        {"value": Decimal("0.0021")},
        "charge_B_0_0021_per_billed_second_30_6",
        "charge_B",
    ),
}


@pytest.mark.requirement("CB-18", "CB-31", "H-CB5")
@pytest.mark.parametrize("tariff", TARIFFS)
def test_calls_are_rated_by_the_second_and_by_the_minute(tariff, tmp_path):
    """One subscriber is not a customer, and some telephones had lost their clock (1980).

    Those calls wait on the unmapped list, each with its reason.
    """
    metering, price, group_figure, total_figure = TARIFFS[tariff]
    rows = usage.read_rows(shared_file(f"usage/{CALLS}"))
    subscribers = Counter(row["user"] for row in rows)
    stranger = min(subscribers)
    moments = [dt.datetime.strptime(row["timestamp"], "%a %b %d %H:%M:%S %z %Y") for row in rows]
    usage.make_customers(
        subscribers.keys() - {stranger},
        currency="EUR",
        time_zone="UTC",
        bill_from=START,
    )
    outgoing = builders.make_item(code="CALL-OUTGOING", unit="s", **metering)
    builders.make_rule(
        name="Outgoing calls", product_category=outgoing.category, valid_from=START, **price
    )
    others = builders.make_category()
    for direction in ("INCOMING", "MISSED"):
        builders.make_item(code=f"CALL-{direction}", unit="s", category=others)
    builders.make_rule(
        name="Free calls", product_category=others, valid_from=START, value=Decimal(0)
    )
    create_due_invoices(at=max(moments))
    purchases = (
        {
            "reference": f"CALL-{line}",
            "customer_code": row["user"],
            "product_code": f"CALL-{row['direction'].upper()}",
            "quantity": row["duration"],
            "currency": "EUR",
            "purchased_at": moment.isoformat(),
        }
        for line, (row, moment) in enumerate(zip(rows, moments, strict=True), start=2)
    )
    batch = usage.import_purchases(usage.write_purchases(tmp_path / "calls.csv", purchases))
    usage.calculate_all()

    figures = control(CALLS)
    assert batch.rows_new == Purchase.objects.count() == figures["rows"] == 7_778
    reasons: dict[str, list[dict]] = defaultdict(list)
    for group in figures["groups"]:
        if group["subscriber"] == stranger:
            reasons[UnmappedReason.UNKNOWN_CUSTOMER].append(group)
        elif group["month_utc"] < f"{START:%Y-%m}":
            reasons[UnmappedReason.BEFORE_BILL_FROM].append(group)
        else:
            reasons[""].append(group)
    billed = reasons.pop("")
    found = usage.exact_sums()
    assert found == {
        (group["subscriber"], "EUR", group["month_utc"]): Decimal(group[group_figure])
        for group in billed
    }
    usage.assert_rounded_once_per_item()
    assert usage.purchase_counts() == {
        (group["subscriber"], "EUR", group["month_utc"]): group["calls"] for group in billed
    }
    assert usage.unmapped_counts() == {
        reason: sum(group["calls"] for group in groups) for reason, groups in reasons.items()
    }
    waiting = (Decimal(group[group_figure]) for groups in reasons.values() for group in groups)
    assert sum(waiting, sum(found.values())) == Decimal(figures["totals"][total_figure])
