"""Invoices calculated per second by the pure rules alone, on one core: no database.

``python -m benchmarks.rules`` prints the best of five rounds.
"""

import datetime as dt
import random
import time
from decimal import Decimal

from invoicing.rules.invoice import UsageLine, calculate_invoice
from invoicing.rules.price import Tier
from invoicing.rules.selection import PricingRuleSpec, RuleIndex

INVOICES, LINES, ROUNDS = 2000, 25, 5
MAY_1, MAY_31 = dt.date(2026, 5, 1), dt.date(2026, 5, 31)
TIERS = (
    Tier(Decimal(100), Decimal("0.05")),
    Tier(Decimal(1000), Decimal("0.04")),
    Tier(None, Decimal("0.03")),
)
RULES = [
    PricingRuleSpec(id=1, name="Standard", operator="price"),
    PricingRuleSpec(
        id=2, name="Voice", operator="price_ladder", category_path=(1, 2), tiers=TIERS
    ),
    PricingRuleSpec(
        id=3, name="Data", operator="price", category_path=(1, 3), value=Decimal("0.0123"),
        fee=Decimal("0.05"),
    ),
    PricingRuleSpec(
        id=4, name="Discount", operator="adjust_percentage", category_path=(1, 2),
        percentage=Decimal(-4),
    ),
    PricingRuleSpec(id=5, name="VAT", operator="vat", percentage=Decimal(19)),
]  # fmt: skip


def usage(generator: random.Random) -> list[UsageLine]:
    """Return one invoice's usage: 25 products of 200, in four categories."""
    return [
        UsageLine(
            product_id=product,
            product_code=f"P{product:03}",
            label=f"Product {product}",
            category_path=(1, 2 + product % 4),
            unit="pcs",
            quantity=Decimal(generator.randint(1, 10**8)).scaleb(-4),
            purchase_count=7,
            from_on=MAY_1,
            to_on=MAY_31,
            catalogue_price=Decimal("1.2345"),
            catalogue_cost=Decimal("0.77"),
        )
        for product in generator.sample(range(200), LINES)
    ]


def main() -> None:
    generator = random.Random(1)
    batch = [usage(generator) for _ in range(INVOICES)]
    index = RuleIndex(RULES)
    best = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for lines in batch:
            calculate_invoice(lines, cluster_path=(1, 5), currency="EUR", index=index)
        best = max(best, INVOICES / (time.perf_counter() - started))
    print(f"rules: {best:,.0f} invoices/s per core ({LINES} lines, {len(RULES)} rules)")


if __name__ == "__main__":
    main()
