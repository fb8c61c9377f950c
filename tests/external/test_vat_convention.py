"""K-1 and K-2 against real invoices: line amounts, VAT per rate, totals."""

import datetime as dt
from decimal import Decimal

import pytest

from billing_site.kernel.money import quantum, round_money
from invoicing.rules.invoice import UsageLine, calculate_invoice
from invoicing.rules.selection import PricingRuleSpec, RuleIndex
from tests.external.shared_data import shared_json

DAY = dt.date(2026, 5, 1)


def rate_of(entry):
    return (entry["vat_category"], Decimal(entry["vat_rate"] or 0).normalize())


def calculated(document):
    """Calculate the document anew: stated net amounts in, VAT and totals out."""
    amounts = [(rate_of(line), Decimal(line["net"])) for line in document["lines"]]
    for extra in document["document_allowances_charges"]:
        sign = 1 if extra["charge"] else -1
        amounts.append((rate_of(extra), sign * Decimal(extra["amount"])))
    usage = [
        UsageLine(
            product_id=number,
            product_code=f"{number:04}",
            label="",
            category_path=rate,
            unit="",
            quantity=Decimal(1),
            purchase_count=1,
            from_on=DAY,
            to_on=DAY,
            stated_total=amount,
        )
        for number, (rate, amount) in enumerate(amounts)
    ]
    rules = [
        PricingRuleSpec(id=number, name=str(rate), operator="vat", category_path=rate,
                        percentage=rate[1])
        for number, rate in enumerate(sorted({rate for rate, _ in amounts}))
    ]  # fmt: skip
    return calculate_invoice(
        usage, cluster_path=(), currency=document["currency"], index=RuleIndex(rules)
    )


@pytest.mark.requirement("K-2", "K-3")
def test_vat_and_totals_agree_with_real_invoices():
    ran, discriminating, differing = 0, 0, []
    for document in shared_json("invoices/expected.json")["invoices"]:
        use = document["use"]
        if not (use["recalculate_totals_ok"] and use["vat_per_category_2dp_ok"]):
            continue
        result = calculated(document)
        totals = document["totals"]
        found = (result.net_total, result.vat_total, result.gross_total)
        wanted = tuple(Decimal(totals[name]) for name in ("net", "vat", "gross"))
        breakdown = {}
        for row in document["vat_breakdown"]:
            rate = Decimal(row["rate"] or 0)
            breakdown[rate] = breakdown.get(rate, 0) + Decimal(row["tax"])
        taxes = {}
        for item in result.items:
            if item.kind == "vat":
                taxes[item.vat_percentage] = taxes.get(item.vat_percentage, 0) + item.amount
        ran += 1
        discriminating += use["discriminates_per_line_vat_rounding"]
        if found != wanted or taxes != breakdown:
            differing.append((document["file"], found, wanted, taxes, breakdown))

    assert differing == []
    assert ran >= 25
    assert discriminating >= 4  # a VAT rounded per line would not agree with these


@pytest.mark.requirement("K-1")
def test_line_amounts_agree_with_real_invoices():
    ran, differing = 0, []
    for document in shared_json("invoices/expected.json")["invoices"]:
        if not document["use"]["recalculate_lines_ok"]:
            continue
        index = RuleIndex(
            [PricingRuleSpec(id=1, name="vat", operator="vat", percentage=Decimal(0))]
        )
        for line in document["lines"]:
            if line["base_quantity"] or line["allowances_charges"] or line["price_discount"]:
                continue
            usage = UsageLine(1, line["id"], line["name"] or "", (), "", Decimal(line["quantity"]),
                              1, DAY, DAY, unit_price_override=Decimal(line["unit_price"]))  # fmt: skip
            currency = document["currency"]
            result = calculate_invoice([usage], cluster_path=(), currency=currency, index=index)
            ran += 1
            wanted = round_money(Decimal(line["net"]), currency)
            if result.net_total != wanted or abs(wanted - Decimal(line["net"])) >= quantum(
                currency
            ):
                differing.append((document["file"], line["id"], result.net_total, wanted))

    assert differing == []
    assert ran >= 50
