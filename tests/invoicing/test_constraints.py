"""What the database refuses about purchases, rules, schemes and documents."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicing.models import (
    ImportBatch,
    ImportRow,
    NumberCounter,
    NumberScheme,
    PriceTier,
    PricingRule,
    PricingSweep,
    Purchase,
    TransformationResult,
)
from tests import builders
from tests.constraints import Case, cases, check, refused

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 5, 20)
NEXT_DAY = dt.date(2026, 5, 21)
NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
LEAST = Decimal("0.0001")


def new_scheme(**fields) -> NumberScheme:
    fields.setdefault("customer_cluster", builders.make_cluster())
    return NumberScheme.objects.create(name=f"Scheme {builders.number()}", **fields)


def two_counters(*keys: str) -> None:
    scheme = new_scheme()
    for key in keys:
        NumberCounter.objects.create(scheme=scheme, key=key)


def new_batch(**fields) -> ImportBatch:
    return ImportBatch.objects.create(file="imports/a.csv", filename="a.csv", digest="", **fields)


def new_row(verdict: str, **fields) -> ImportRow:
    whole = {"quantity": 1, "purchased_at": NOON, "reference": "U-1", "currency": "EUR"}
    return ImportRow.objects.create(
        batch=new_batch(), number=2, verdict=verdict, **(whole | fields)
    )


def new_result(invoice=None, **fields) -> TransformationResult:
    return TransformationResult.objects.create(invoice=invoice or builders.make_invoice(), **fields)


def two_results(*names: str) -> None:
    invoice = builders.make_invoice()
    for name in names:
        new_result(invoice, transformation=name)


def new_tiers(*bounds, **fields) -> None:
    rule = builders.make_rule("price_ladder", ladder_mode="graduated")
    for bound in bounds:
        PriceTier.objects.create(
            rule=rule, up_to=bound, unit_price=fields.get("unit_price", 0), flat_fee=0
        )


def two_rules(operator: str, second_from: dt.date, **fields) -> None:
    """Two rules of equal scope and order; the first is valid to ``DAY`` inclusive."""
    builders.make_rule(operator, valid_to=DAY, **fields)
    builders.make_rule(operator, valid_from=second_from, **fields)


def mapped(**fields) -> Purchase:
    return builders.make_purchase(builders.make_invoice(), **fields)


def two_purchases(*references: str) -> None:
    for reference in references:
        builders.make_purchase(reference=reference, unmapped_reason="unknown_customer")


CASES = cases(
    Case(
        "scheme_one_default",
        holds=lambda: new_scheme(),
        refused=lambda: new_scheme(customer_cluster=None),
    ),
    Case(
        "scheme_first_number_is_positive",
        holds=lambda: new_scheme(first_number=1),
        refused=lambda: new_scheme(first_number=0),
    ),
    Case(
        "sweep_is_one",
        holds=lambda: PricingSweep.objects.update_or_create(id=1),
        refused=lambda: PricingSweep.objects.create(id=2),
    ),
    Case(
        "counter_once_per_period",
        holds=lambda: two_counters("2026", "2027"),
        refused=lambda: two_counters("2026", "2026"),
    ),
    Case(
        "rule_no_double_price",
        holds=lambda: two_rules("price", NEXT_DAY),
        refused=lambda: two_rules("price", DAY),
    ),
    Case(
        "rule_no_double_vat",
        holds=lambda: two_rules("vat", NEXT_DAY, percentage=19),
        refused=lambda: two_rules("vat", DAY, percentage=19),
    ),
    Case(
        "rule_percentage_iff_needed",
        holds=lambda: builders.make_rule("adjust_percentage", percentage=-4),
        refused=lambda: builders.make_rule("adjust_percentage", percentage=None),
    ),
    Case(
        "rule_mode_iff_ladder",
        holds=lambda: builders.make_rule("price_ladder", ladder_mode="volume"),
        refused=lambda: builders.make_rule("price_ladder", ladder_mode=""),
    ),
    Case(
        "rule_valid_to_after_from",
        holds=lambda: builders.make_rule(valid_from=DAY, valid_to=DAY),
        refused=lambda: PricingRule.objects.create(
            name="r", operator="adjust_percentage", percentage=1, valid_from=NEXT_DAY, valid_to=DAY
        ),
    ),
    Case(
        "rule_currency_of_amounts",
        holds=lambda: builders.make_rule("price", currency="EUR"),
        refused=lambda: builders.make_rule("vat", percentage=19, currency="EUR"),
    ),
    Case(
        "rule_vat_in_range",
        holds=lambda: builders.make_vat("100"),
        refused=lambda: builders.make_vat("100.0001"),
    ),
    Case(
        "tier_bound_once",
        holds=lambda: new_tiers(Decimal(100), Decimal("100.000000000000001"), None),
        refused=lambda: new_tiers(Decimal(100), Decimal(100), None),
    ),
    Case(
        "tier_one_open_end",
        holds=lambda: new_tiers(Decimal(100), None),
        refused=lambda: new_tiers(None, None),
    ),
    Case(
        "tier_amounts_in_range",
        holds=lambda: new_tiers(Decimal("0.000000000000001")),
        refused=lambda: new_tiers(Decimal(0)),
    ),
    Case(
        "purchase_reference_once",
        holds=lambda: two_purchases("U1", "U2"),
        refused=lambda: two_purchases("U1", "U1"),
    ),
    Case(
        "purchase_mapped_or_reason",
        holds=lambda: builders.make_purchase(unmapped_reason="unknown_customer"),
        refused=lambda: builders.make_purchase(unmapped_reason=""),
    ),
    Case(
        "purchase_mapped_is_complete",
        holds=lambda: mapped(),
        refused=lambda: Purchase.objects.filter(pk=mapped().pk).update(item=None),
    ),
    Case(
        "purchase_ends_after_start",
        holds=lambda: mapped(purchased_at=NOON, ended_at=NOON),
        refused=lambda: mapped(purchased_at=NOON, ended_at=NOON - SECOND),
    ),
    Case(
        "sweep_is_one",
        holds=lambda: PricingSweep.objects.create(pk=1),
        refused=lambda: PricingSweep.objects.create(pk=2),
    ),
    Case(
        "import_refused_has_error",
        holds=lambda: new_batch(status="refused", error="Row 3 has no quantity."),
        refused=lambda: new_batch(status="refused", error=""),
    ),
    Case(
        "import_row_error_or_complete",
        holds=lambda: new_row("error", errors=["Quantity is missing."], quantity=None),
        refused=lambda: new_row("new", quantity=None),
    ),
    Case(
        "import_row_known_has_purchase",
        holds=lambda: new_row("changed", purchase_id=1),
        refused=lambda: new_row("changed", purchase_id=None),
    ),
    Case(
        "result_once_per_transformation",
        holds=lambda: two_results("invoice-pdf", "invoice-csv"),
        refused=lambda: two_results("invoice-pdf", "invoice-pdf"),
    ),
    Case(
        "result_completed_has_file",
        holds=lambda: new_result(status="completed", file="a", checksum="b", processed_at=NOON),
        refused=lambda: new_result(status="completed", file="a", checksum="", processed_at=NOON),
    ),
    Case(
        "result_failed_has_error",
        holds=lambda: new_result(status="failed", error="The disk is full."),
        refused=lambda: new_result(status="failed", error=""),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)


@pytest.mark.requirement("D-41")
@pytest.mark.parametrize("operator", ["price", "price_ladder"])
def test_price_rules_of_one_scope_and_order_never_overlap(operator):
    """Another scope, another order or another kind of step may overlap."""
    category, cluster = builders.make_category(), builders.make_cluster()
    mode = {"ladder_mode": "volume"} if operator == "price_ladder" else {}
    builders.make_rule("price", product_category=category, customer_cluster=cluster)
    builders.make_rule(operator, product_category=category, **mode)
    builders.make_rule(operator, customer_cluster=cluster, **mode)
    builders.make_rule(
        operator, product_category=category, customer_cluster=cluster, order=101, **mode
    )
    builders.make_rule(
        "adjust_percentage", product_category=category, customer_cluster=cluster, percentage=-4
    )
    with refused("rule_no_double_price"):
        builders.make_rule(operator, product_category=category, customer_cluster=cluster, **mode)


@pytest.mark.requirement("D-41")
def test_a_price_for_one_currency_stands_beside_others():
    """A specific currency wins over all currencies, so there is no double price; two of it do."""
    for currency in ("", "EUR", "USD"):
        builders.make_rule("price", currency=currency)
    with refused("rule_no_double_price"):
        builders.make_rule("price", currency="EUR")


@pytest.mark.requirement("D-41")
def test_a_price_without_scope_or_end_overlaps_too():
    builders.make_rule("price", valid_to=None)
    with refused("rule_no_double_price"):
        builders.make_rule("price", valid_from=dt.date(2999, 1, 1))


def test_a_purchase_on_an_invoice_has_no_reason():
    with refused("purchase_mapped_or_reason"):
        mapped(unmapped_reason="period_finished")


@pytest.mark.parametrize("field", ["customer", "contract", "item"])
def test_a_purchase_on_an_invoice_knows_its_customer_contract_and_item(field):
    purchase = mapped()
    with refused("purchase_mapped_is_complete"):
        Purchase.objects.filter(pk=purchase.pk).update(**{field: None})


@pytest.mark.parametrize(
    "missing", [{"quantity": None}, {"purchased_at": None}, {"reference": ""}, {"currency": ""}]
)
def test_a_row_of_a_file_is_whole_or_has_an_error(missing):
    with refused("import_row_error_or_complete"):
        new_row("new", **missing)
    with refused("import_row_error_or_complete"):
        new_row("error", errors=[])
