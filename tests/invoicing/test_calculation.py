"""Pending invoices become Open with the items of their purchases, or Error with a reason."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invoicing.enums import InvoiceStatus, LadderMode, Operator
from invoicing.models import Invoice, InvoiceItem, PriceTier
from invoicing.services import calculation
from tests import builders

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 2, 1, 3, tzinfo=dt.UTC)
UTC = dt.UTC


def calculate(*invoices: Invoice) -> calculation.CalculationReport:
    report = calculation.calculate_invoices(invoice_ids=[i.pk for i in invoices], at=AT)
    for invoice in invoices:
        # protected=True: a fresh read goes through refresh_from_db
        invoice.refresh_from_db()
    return report


def day(number: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2026, 1, number, hour, tzinfo=UTC)


def stored(invoice: Invoice) -> list[tuple]:
    fields = [f.attname for f in InvoiceItem._meta.concrete_fields if f.name != "id"]
    return list(invoice.items.order_by("position").values_list(*fields))


@pytest.mark.requirement("CB-2", "CB-4", "CB-7", "CB-10", "K-1", "K-2")
def test_purchases_become_items_and_totals():
    item = builders.make_item(name="Call", unit="min", recurring_cost=Decimal("0.10"))
    builders.make_rule(value=Decimal("0.25"), name="Calls")
    builders.make_vat("19", name="VAT 19 %")
    invoice = builders.make_invoice()
    builders.make_purchase(invoice, item=item, quantity=Decimal("2.5"), purchased_at=day(3))
    builders.make_purchase(invoice, item=item, quantity=Decimal(4), purchased_at=day(9))

    report = calculate(invoice)

    assert (report.calculated, report.failed) == (1, {})
    assert invoice.status == InvoiceStatus.OPEN
    assert invoice.calculated_at == AT
    assert (invoice.net_total, invoice.vat_total) == (Decimal("1.63"), Decimal("0.31"))
    assert (invoice.gross_total, invoice.cost_total) == (Decimal("1.94"), Decimal("0.65"))
    price, vat = invoice.items.order_by("position")
    assert (price.kind, price.label, price.unit, price.item) == ("price", "Call", "min", item)
    assert (price.quantity, price.unit_price) == (Decimal("6.5"), Decimal("0.25"))
    assert (price.exact_amount, price.amount) == (Decimal("1.625"), Decimal("1.63"))
    assert (price.purchase_count, price.stated) == (2, False)
    assert price.category == item.category.name
    assert [(s.lower, s.upper) for s in price.spans] == [
        (dt.date(2026, 1, 3), dt.date(2026, 1, 10))
    ]
    assert (vat.kind, vat.percentage, vat.base_positions) == ("vat", Decimal(19), [1])
    assert invoice.item_count == 2


def test_the_metered_quantity_is_charged_not_the_measured_one():
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    invoice = builders.make_invoice()
    builders.make_purchase(invoice, quantity=Decimal(31), metered_quantity=Decimal(60))
    calculate(invoice)
    assert invoice.net_total == Decimal(60)


@pytest.mark.requirement("K-14")
def test_an_invoice_without_purchases_is_open_and_empty():
    invoice = builders.make_invoice()
    calculate(invoice)
    assert invoice.status == InvoiceStatus.OPEN
    assert (invoice.gross_total, invoice.item_count) == (0, 0)
    assert list(Invoice.objects.empty()) == [invoice]


@pytest.mark.requirement("K-3")
def test_stated_totals_stay_and_a_stated_unit_price_beats_the_rule():
    item = builders.make_item(recurring_cost=Decimal(2))
    builders.make_rule(value=Decimal(10))
    builders.make_vat("0")
    invoice = builders.make_invoice()
    make = {"item": item, "quantity": Decimal(3)}
    builders.make_purchase(invoice, **make, total_override=Decimal("1.111111"))
    builders.make_purchase(
        invoice, **make, total_override=Decimal("2"), cost_override=Decimal("0.5")
    )
    builders.make_purchase(invoice, **make, unit_price_override=Decimal("0.5"))
    builders.make_purchase(invoice, **make)

    calculate(invoice)

    items = invoice.items.filter(kind="price")
    found = {
        (i.stated, i.unit_price, i.quantity, i.exact_amount, i.cost, i.purchase_count)
        for i in items
    }
    assert found == {
        (True, None, Decimal(6), Decimal("3.111111"), Decimal("6.5"), 2),
        (False, Decimal("0.5"), Decimal(3), Decimal("1.5"), Decimal(6), 1),
        (False, Decimal(10), Decimal(3), Decimal(30), Decimal(6), 1),
    }
    assert invoice.net_total == Decimal("34.61")


@pytest.mark.requirement("H-CB2")
def test_each_purchase_has_the_rule_of_its_own_day():
    category = builders.make_category()
    item = builders.make_item(category=category)
    common = {"product_category": category}
    builders.make_rule(value=Decimal(1), valid_to=dt.date(2026, 1, 15), **common)
    builders.make_rule(value=Decimal(2), valid_from=dt.date(2026, 1, 16), **common)
    builders.make_vat()
    invoice = builders.make_invoice()
    builders.make_purchase(invoice, item=item, purchased_at=day(15))
    builders.make_purchase(invoice, item=item, purchased_at=day(16))
    calculate(invoice)
    amounts = set(invoice.items.filter(kind="price").values_list("amount", flat=True))
    assert amounts == {Decimal(1), Decimal(2)}


@pytest.mark.requirement("H-CB2", "K-10")
def test_a_ladder_of_a_cluster_above_and_an_adjustment_apply():
    root = builders.make_cluster()
    cluster = builders.make_cluster(parent=root)
    customer = builders.make_customer(cluster=cluster)
    tiers = [(Decimal(10), Decimal(2)), (None, Decimal(1))]
    builders.make_rule(
        Operator.PRICE_LADDER,
        ladder_mode=LadderMode.GRADUATED,
        tiers=tiers[::-1],
        customer_cluster=root,
        label="Data",
    )
    builders.make_rule(Operator.ADJUST_PERCENTAGE, percentage=Decimal(-10), name="Discount")
    builders.make_vat("0")
    invoice = builders.make_invoice(customer)
    item = builders.make_item()
    builders.make_purchase(invoice, item=item, quantity=Decimal(15))
    calculate(invoice)
    assert list(invoice.items.values_list("label", "amount").order_by("position"))[:2] == [
        ("Data", Decimal(25)),
        ("Discount", Decimal("-2.5")),
    ]
    assert invoice.net_total == Decimal("22.5")


@pytest.mark.requirement("D-40")
def test_the_catalogue_price_is_up_front_for_what_is_sold_once():
    builders.make_rule()
    builders.make_vat("0")
    once = builders.make_item(
        item_type="one_off", upfront_price=Decimal(70), recurring_price=Decimal(5)
    )
    usage = builders.make_item(upfront_price=Decimal(70), recurring_price=Decimal(5))
    only = builders.make_item(upfront_price=Decimal(3))
    invoice = builders.make_invoice()
    for item in (once, usage, only):
        builders.make_purchase(invoice, item=item)
    calculate(invoice)
    assert invoice.net_total == Decimal(78)


@pytest.mark.requirement("CB-14")
def test_a_failing_invoice_goes_to_error_with_its_reason_and_the_others_go_on():
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    good, bad = builders.make_invoice(), builders.make_invoice()
    builders.make_purchase(good)
    item = builders.make_item(code="NOPE")
    # a price that holds for January only does not help in February
    builders.make_purchase(bad, item=item, purchased_at=dt.datetime(2019, 12, 31, tzinfo=UTC))

    report = calculate(good, bad)

    assert good.status == InvoiceStatus.OPEN
    assert bad.status == InvoiceStatus.ERROR
    assert "NOPE" in bad.error
    assert "VAT rule" in bad.error
    assert report.failed == {bad.pk: bad.error}
    assert report.calculated == 1
    assert list(Invoice.objects.problem()) == [bad]


@pytest.mark.requirement("CB-14")
def test_an_invoice_that_fails_keeps_no_old_items_and_no_old_total():
    rule = builders.make_rule(value=Decimal(1))
    vat = builders.make_vat()
    invoice = builders.make_invoice()
    builders.make_purchase(invoice)
    calculate(invoice)
    Invoice.objects.move_to_pending()
    type(vat).objects.filter(pk=vat.pk).update(valid_to=dt.date(2020, 1, 1))
    calculate(invoice)
    assert invoice.status == InvoiceStatus.ERROR
    assert (invoice.gross_total, invoice.item_count, invoice.items.count()) == (0, 0, 0)
    type(rule).objects.filter(pk=vat.pk).update(valid_to=None)
    Invoice.objects.move_to_pending()
    calculate(invoice)
    assert (invoice.status, invoice.error) == (InvoiceStatus.OPEN, "")
    assert invoice.items.count() == 2


@pytest.mark.requirement("CB-14")
def test_an_unexpected_failure_is_parked_with_a_safe_sentence(monkeypatch, caplog):
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    good, bad = builders.make_invoice(), builders.make_invoice()
    bad_item = builders.make_item()
    builders.make_purchase(good)
    builders.make_purchase(bad, item=bad_item)
    real = calculation.calculate_invoice

    def sometimes(usage, **how):
        usage = list(usage)
        if any(line.product_id == bad_item.pk for line in usage):
            raise RuntimeError("secret detail")
        return real(usage, **how)

    monkeypatch.setattr(calculation, "calculate_invoice", sometimes)
    calculate(good, bad)
    assert good.status == InvoiceStatus.OPEN
    assert bad.status == InvoiceStatus.ERROR
    assert "contact support" in bad.error
    assert "secret" not in bad.error
    assert "secret detail" in caplog.text


@pytest.mark.requirement("CB-14")
def test_what_the_database_refuses_costs_that_invoice_only(monkeypatch):
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    invoices = [builders.make_invoice() for _ in range(5)]
    for invoice in invoices:
        builders.make_purchase(invoice)
    monkeypatch.setattr(
        calculation._Writer,
        "_line",
        lambda self, invoice_id, item, real=calculation._Writer._line: (
            real(self, invoice_id, item).replace("price", "much too long a kind")
            if invoice_id == invoices[3].pk
            else real(self, invoice_id, item)
        ),
    )
    report = calculate(*invoices)
    statuses = [invoice.status for invoice in invoices]
    assert statuses == ["open", "open", "open", "error", "open"]
    assert report.calculated == 4
    assert list(report.failed) == [invoices[3].pk]


@pytest.mark.parametrize(
    ("quantity", "status"), [("999999999999999", "open"), ("1000000000000000", "error")]
)
def test_an_amount_that_cannot_be_stored_is_refused_by_name(quantity, status):
    builders.make_rule(value=Decimal(1))
    builders.make_vat("0")
    invoice = builders.make_invoice()
    item = builders.make_item()
    half = Decimal(quantity) - 1
    builders.make_purchase(invoice, item=item, quantity=half)
    builders.make_purchase(invoice, item=item, quantity=Decimal(1))
    calculate(invoice)
    assert invoice.status == status
    assert ("15 digits" in invoice.error) == (status == "error")


def test_a_ladder_without_tiers_stops_only_what_it_prices():
    broken, fine = builders.make_item(), builders.make_item()
    ladder = builders.make_rule(
        Operator.PRICE_LADDER,
        ladder_mode=LadderMode.VOLUME,
        tiers=[(Decimal(1), Decimal(1))],
        product_category=broken.category,
    )
    builders.make_rule(value=Decimal(1), product_category=fine.category)
    builders.make_vat()
    bad, good = builders.make_invoice(), builders.make_invoice()
    builders.make_purchase(bad, item=broken)
    builders.make_purchase(good, item=fine)
    calculate(bad, good)
    assert (bad.status, good.status) == ("error", "open")
    assert ladder.name in bad.error
    PriceTier.objects.create(rule=ladder, unit_price=1)
    Invoice.objects.move_to_pending()
    calculate(bad)
    assert bad.status == "open"


@pytest.mark.requirement("CB-11", "CB-12", "CB-13")
@pytest.mark.parametrize("status", [s for s in InvoiceStatus if s not in ("pending", "approved")])
def test_only_pending_invoices_are_calculated(status):
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    invoice = builders.make_invoice()
    builders.make_purchase(invoice)
    changes = {"status": status, "error": "x" if status == "error" else "", "calculated_at": AT}
    if status in ("approving", "closed"):
        Invoice.objects.filter(pk=invoice.pk).update(status="open", calculated_at=AT)
    Invoice.objects.filter(pk=invoice.pk).update(**changes)
    report = calculate(invoice)
    assert report == calculation.CalculationReport()
    assert (invoice.status, invoice.net_total, invoice.items.count()) == (status, 0, 0)


def test_equal_results_are_not_written_again():
    rule = builders.make_rule(value=Decimal(1))
    builders.make_vat()
    same, other = builders.make_invoice(), builders.make_invoice()
    for invoice in (same, other):
        builders.make_purchase(invoice)
    assert calculate(same, other).rewritten == 2
    ids = set(same.items.values_list("pk", flat=True))
    Invoice.objects.move_to_pending()
    builders.make_purchase(other)
    report = calculate(same, other)
    assert (report.calculated, report.rewritten) == (2, 1)
    assert set(same.items.values_list("pk", flat=True)) == ids
    Invoice.objects.move_to_pending()
    type(rule).objects.filter(pk=rule.pk).update(label="Renamed")
    assert calculate(same, other).rewritten == 2


def test_texts_survive_the_way_into_the_database():
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    invoice = builders.make_invoice()
    name = "Tab\there, back\\slash, \\N, 'quotes\", Zürich 東京"
    category = builders.make_category("Cat\\egory\t1")
    item = builders.make_item(name=name, unit="a\\b", category=category)
    builders.make_purchase(invoice, item=item)
    calculate(invoice)
    line = invoice.items.first()
    assert (line.label, line.unit, line.category) == (name, "a\\b", "Cat\\egory\t1")


def queries_of(count: int, purchases: int) -> int:
    invoices = []
    for _ in range(count):
        invoice = builders.make_invoice()
        for _ in range(purchases):
            builders.make_purchase(invoice)
        invoices.append(invoice)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        report = calculate_only(invoices)
    assert report.calculated == count
    return len(queries)


def calculate_only(invoices):
    return calculation.calculate_invoices(invoice_ids=[i.pk for i in invoices], at=AT)


@pytest.mark.requirement("CB-8")
def test_the_number_of_queries_does_not_depend_on_the_size_of_the_batch():
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    small = queries_of(1, 1)
    builders.make_rule(Operator.ADJUST_PERCENTAGE, percentage=Decimal(5))
    assert queries_of(12, 5) == small
    assert small <= 11


def test_many_invoices_go_in_batches(monkeypatch):
    builders.make_rule(value=Decimal(1))
    builders.make_vat()
    monkeypatch.setattr(calculation, "BATCH_SIZE", 2)
    invoices = [builders.make_invoice() for _ in range(5)]
    assert calculate(*invoices).calculated == 5
    assert {invoice.status for invoice in invoices} == {"open"}
