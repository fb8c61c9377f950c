"""Published cases of other billing systems for the charge models we have (K-10)."""

from collections import Counter
from decimal import Decimal

import pytest

from invoicing.rules.price import (
    Tier,
    flat_price,
    graduated_price,
    validated_tiers,
    volume_price,
)
from tests.external.shared_data import shared_json


def stated_tiers(rows):
    return validated_tiers(
        [
            Tier(
                None if row["up_to"] is None else Decimal(row["up_to"]),
                Decimal(row["unit_price"]),
                Decimal(row["flat"]),
            )
            for row in rows
        ]
    )


def tiers_of_single_units(rows):
    """Blocks of one unit are plain tiers whose bounds are added up; the last one is left open."""
    bound, tiers = Decimal(0), []
    for row in rows:
        bound += Decimal(row["max_blocks"])
        tiers.append(Tier(bound, Decimal(row["block_price"])))
    return validated_tiers([*tiers[:-1], tiers[-1]._replace(up_to=None)])


def amount_of(model, given):
    """Return our amount, None for a model or a variant that is not ours."""
    if model == "standard":
        return flat_price(Decimal(given["units"]), Decimal(given["unit_price"]))
    if model.endswith("_blocks"):
        whole_units = all(row.get("block_size") == "1" for row in given["tiers"])
        if "units" not in given or not whole_units:
            return None
        price = {"graduated_blocks": graduated_price, "volume_blocks": volume_price}[model]
        return price(Decimal(given["units"]), tiers_of_single_units(given["tiers"]))
    if model == "graduated":
        return graduated_price(Decimal(given["units"]), stated_tiers(given["tiers"]))
    if model == "volume":
        chosen_by = given.get("full_units_for_tier_lookup")
        return volume_price(
            Decimal(given["units"]),
            stated_tiers(given["tiers"]),
            fee_at_zero=True,  # the convention of the source; ours is a choice of the rule
            tier_quantity=chosen_by and Decimal(chosen_by),
        )
    return None


@pytest.mark.requirement("K-10", "D-40")
def test_our_charge_models_agree_with_published_cases():
    cases = shared_json("charges/charge_model_cases.json")["cases"]
    ran = Counter()
    differing = []
    for case in cases:
        amount = amount_of(case["model"], case["input"])
        if amount is None:
            continue
        ran[case["model"]] += 1
        if amount != Decimal(case["expected"]["amount"]):
            differing.append((case["id"], amount, case["expected"]["amount"]))

    assert differing == []
    assert {"standard", "graduated", "volume"} <= set(ran)
    of_ours = sum(case["model"] in ("standard", "graduated", "volume") for case in cases)
    assert sum(ran.values()) >= of_ours >= 15
