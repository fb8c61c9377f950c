"""An order line becomes an asset in the customer's hands, and back (L-21, D-09)."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from billing_site.kernel.periods import local_date
from inventory.models import Asset
from orders import rules
from orders.enums import BillStatus, StatusTrigger, Track
from orders.models import OrderLine
from orders.services.statuses import refresh_statuses


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line; ``refusal`` is a sentence, empty when it was done."""

    line_id: int
    label: str
    refusal: str = ""


@transaction.atomic
def convert_lines(*, line_ids: Collection[int], by: User | None, at: dt.datetime) -> list[Outcome]:
    """Make an asset of each line, with its routes as defaults (H-L7); packages with their parts.

    Lines that are converted already are refused one by one. A constant number of queries.
    """
    lines = OrderLine.objects.filter(pk__in=line_ids).locked()
    named = {line.pk for line in lines}
    parts = (
        OrderLine.objects.not_converted()
        .filter(package__in=[line.pk for line in lines if line.asset_id is None])
        .exclude(pk__in=named)
        .locked()
    )
    free = [line for line in [*lines, *parts] if line.asset_id is None]
    assets = Asset.objects.bulk_create([_asset(line) for line in free])
    for line, asset in zip(free, assets, strict=True):
        line.asset = asset
        line.converted_at = at
    OrderLine.objects.bulk_update(free, ["asset", "converted_at"])
    _refresh(free, trigger=StatusTrigger.CONVERSION, by=by, at=at)
    done = {line.pk for line in free}
    return [
        Outcome(
            line.pk, str(line), "" if line.pk in done else "It is converted to an asset already."
        )
        for line in [*lines, *parts]
    ]


@transaction.atomic
def unconvert_lines(
    *, line_ids: Collection[int], by: User | None, at: dt.datetime
) -> list[Outcome]:
    """Undo conversions: the asset goes away and the tracks fall back to Not Billed (D-09).

    Refused line by line where a track is In Billing or the asset is used.
    """
    lines = OrderLine.objects.filter(pk__in=line_ids).locked()
    outcomes = {line.pk: _why_not_unconverted(line) for line in lines}
    free = [line for line in lines if not outcomes[line.pk]]
    assets = {line.pk: line.asset.pk for line in free}
    for line in free:
        line.asset = None
        line.converted_at = None
    OrderLine.objects.bulk_update(free, ["asset", "converted_at"])
    kept = _delete_assets(assets)
    for line in free:
        if line.pk in kept:
            line.asset_id, line.converted_at = assets[line.pk], at
            outcomes[line.pk] = "Its asset is used already; end that use first."
    OrderLine.objects.bulk_update(
        [line for line in free if line.pk in kept], ["asset", "converted_at"]
    )
    undone = [line for line in free if line.pk not in kept]
    _refresh(undone, trigger=StatusTrigger.UNCONVERSION, by=by, at=at)
    return [Outcome(line.pk, str(line), outcomes[line.pk]) for line in lines]


def _delete_assets(assets: dict[int, int]) -> set[int]:
    """Delete assets by line; returns the lines whose asset something protects."""
    try:
        with transaction.atomic():
            Asset.objects.filter(pk__in=assets.values()).delete()
    except ProtectedError as error:
        used = {getattr(row, "asset_id", None) for row in error.protected_objects}
        kept = {line for line, asset in assets.items() if asset in used}
        free = [asset for line, asset in assets.items() if line not in kept]
        Asset.objects.filter(pk__in=free).delete()
        return kept
    return set()


def _why_not_unconverted(line: OrderLine) -> str:
    if line.asset_id is None:
        return "It is not converted."
    billed = [t.label.lower() for t in Track if line.status_of(t) == BillStatus.IN_BILLING]
    if billed:
        return (
            f"Its {' and '.join(billed)} charge is In Billing; set the bill status back first, "
            "with a reason."
        )
    return ""


def _asset(line: OrderLine) -> Asset:
    return Asset(
        customer_id=line.order.customer_id,
        contract_id=line.order.contract_id,
        item=line.item,
        label=line.name,
        quantity=line.quantity,
        site=line.order.site,
        cli=line.cli,
        serial=line.serial,
        supplier=line.supplier,
        upfront_route_id=line.upfront_route_id,
        recurring_route_id=line.recurring_route_id,
        starts_on=rules.computed_bill_start(line.facts()),
    )


def _refresh(
    lines: list[OrderLine], *, trigger: StatusTrigger, by: User | None, at: dt.datetime
) -> None:
    refresh_statuses(
        line_ids=[line.pk for line in lines],
        trigger=trigger,
        by=by,
        at=at,
        today=local_date(at, settings.TIME_ZONE),
    )
