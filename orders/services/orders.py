"""Sales orders and their lines: made, changed, taken away (H-L7)."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, ProtectedError

from billing_site.kernel.periods import local_date
from billing_site.web.edits import refuse_stale, save_valid
from inventory.models import CatalogueItem
from orders.enums import StatusTrigger
from orders.errors import LINE_SENTENCES, ORDER_SENTENCES, OrderRefused
from orders.models import OrderLine, SalesOrder
from orders.services.statuses import refresh_statuses

Fields = Mapping[str, Any]
FROM_ITEM = ("upfront_price", "upfront_cost", "recurring_price", "recurring_cost")
ROUTES = ("upfront_route", "recurring_route")
OF_ASSET = (*ROUTES, "cli", "serial", "supplier", "quantity")


@transaction.atomic
def create_order(*, fields: Fields, by: User | None) -> SalesOrder:
    """Store a sales order without lines.

    :param fields: values by field name; customer, contract and ordered_on are needed.
    :raises FieldsRefused: a value does not fit.
    """
    order = SalesOrder(**fields, created_by=by)
    save_valid(order, sentences=ORDER_SENTENCES)
    return order


@transaction.atomic
def update_order(*, order_id: int, fields: Fields, version: int | None = None) -> SalesOrder:
    """Change the head of an order; customer and contract only while no line is converted.

    :param version: ``version_of`` the record when the form was shown; None: no guard.
    :raises EditIsStale: the record was changed meanwhile.
    :raises FieldsRefused: a value does not fit.
    :raises OrderRefused: the assets of the order belong to the customer it has.
    """
    order = SalesOrder.objects.select_for_update().get(pk=order_id)
    if version is not None:
        refuse_stale(order, version=version)
    changed = _assign(order, fields)
    if {"customer", "contract"} & set(changed) and order.lines.converted().exists():
        raise OrderRefused(
            f"Lines of {order} are converted to assets of its customer; undo the conversions "
            "before you change customer or contract."
        )
    if changed:
        save_valid(order, sentences=ORDER_SENTENCES, update_fields=changed)
    return order


@transaction.atomic
def delete_order(*, order_id: int) -> None:
    """Delete an order none of whose lines was ever converted or billed.

    :raises OrderRefused: there is something to keep.
    """
    order = SalesOrder.objects.select_for_update().get(pk=order_id)
    if order.lines.converted().exists():
        raise OrderRefused(f"Lines of {order} are converted to assets; undo that first.")
    try:
        with transaction.atomic():
            order.lines.filter(package__isnull=False).delete()
            order.delete()
    except ProtectedError as error:
        raise OrderRefused(
            f"Bill statuses of {order} have moved already; that history is kept, so the order "
            "stays."
        ) from error


@transaction.atomic
def add_line(*, order_id: int, item: CatalogueItem, fields: Fields, at: dt.datetime) -> OrderLine:
    """Add a line at the end of an order; prices, costs and routes come from the item (H-L7).

    :param fields: values by field name; what is given replaces what the item says.
    :raises FieldsRefused: a value does not fit.
    """
    order = SalesOrder.objects.select_for_update().get(pk=order_id)
    last = order.lines.aggregate(last=Max("position"))["last"] or 0
    line = OrderLine(order=order, item=item, position=last + 1)
    for name in FROM_ITEM:
        setattr(line, name, getattr(item, name) or 0)
    for name in ROUTES:
        setattr(line, name, getattr(item, name))
    _assign(line, fields)
    save_valid(line, sentences=LINE_SENTENCES)
    _refresh([line.pk], trigger=StatusTrigger.DATA, by=None, at=at)
    line.refresh_from_db()
    return line


@transaction.atomic
def update_line(
    *,
    line_id: int,
    fields: Fields,
    by: User | None,
    at: dt.datetime,
    version: int | None = None,
) -> OrderLine:
    """Change what a line says; bill statuses follow by the rules (D-01).

    Statuses and the Bill Start Override have a service of their own, ``change_billing``.

    :param version: as in ``update_order``.
    :raises EditIsStale: the record was changed meanwhile.
    :raises FieldsRefused: a value does not fit, or a charge that is In Billing would change.
    """
    line = OrderLine.objects.select_for_update(of=("self",)).select_related("item").get(pk=line_id)
    if version is not None:
        refuse_stale(line, version=version)
    changed = _assign(line, fields)
    if not changed:
        return line
    save_valid(line, sentences=LINE_SENTENCES, update_fields=changed)
    _carry_on(line, changed)
    _refresh([line.pk], trigger=_why(changed), by=by, at=at)
    line.refresh_from_db()
    return line


@transaction.atomic
def delete_line(*, line_id: int) -> None:
    """Take a line away that was never converted or billed.

    :raises OrderRefused: there is something to keep.
    """
    line = OrderLine.objects.select_for_update(of=("self",)).get(pk=line_id)
    if line.asset_id is not None:
        raise OrderRefused(f"{line} is converted to an asset; undo the conversion first.")
    try:
        with transaction.atomic():
            line.delete()
    except ProtectedError as error:
        raise OrderRefused(
            f"Bill statuses of {line} have moved, or it is a package with parts; it stays."
        ) from error


def _carry_on(line: OrderLine, changed: Iterable[str]) -> None:
    """The asset of a converted line gets what was captured about it."""
    if line.asset is None:
        return
    names = [name for name in changed if name in OF_ASSET]
    for name in names:
        setattr(line.asset, name, getattr(line, name))
    if names:
        line.asset.save(update_fields=names)


def _assign(row: Any, fields: Fields) -> list[str]:
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


def _why(changed: Iterable[str]) -> StatusTrigger:
    names = set(changed)
    if names & set(ROUTES):
        return StatusTrigger.ROUTE
    if names & {"upfront_do_not_bill", "recurring_do_not_bill"}:
        return StatusTrigger.DO_NOT_BILL
    return StatusTrigger.DATA


def _refresh(
    line_ids: list[int], *, trigger: StatusTrigger, by: User | None, at: dt.datetime
) -> None:
    today = local_date(at, settings.TIME_ZONE)
    refresh_statuses(line_ids=line_ids, trigger=trigger, by=by, at=at, today=today)
