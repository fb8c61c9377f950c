"""The cells of the rows of Billing Export and of a transfer, built by hand: a page shows 25 rows."""

from typing import Any

from django.utils.html import conditional_escape as safe
from django.utils.safestring import SafeString, mark_safe

from billing_site.kernel.money import format_quantity, format_unit_price
from billing_site.web.templatetags.quittance import NOTHING, address, badge, day
from inventory.models import BillingPlatform
from orders.enums import BillStatus, Track
from orders.models import BillStatusEvent, OrderLine
from orders.rules import effective_bill_start
from orders.tables.line_cells import STATUS_TONES


def billing_export_cells(line: OrderLine, user: Any) -> SafeString:
    """All cells of a line, which carries order, customer, contract, item, routes and asset.

    ``line.chosen_route`` is the key of the route that is chosen; it is missing while none is.
    """
    chosen = getattr(line, "chosen_route", None)
    moving = [] if chosen is None else [t for t in Track if _would_move(line, t, chosen)]
    start = effective_bill_start(line.bill_start_computed, line.bill_start_override)
    cells = (
        *_head_cells(line, user),
        ("", _moving(moving)),
        ("wide", _item(line)),
        ("cli", safe(line.cli)),
        ("num", format_quantity(line.quantity)),
        *(("", _charge(line, t, chosen is not None and t not in moving)) for t in Track),
        ("least", _routes(line.upfront_route, line.recurring_route)),
        ("least", day(start)),
        ("text-secondary least", safe(line.order.site)),
        ("least", _asset(line, user)),
    )
    return _row(cells)


def transferred_cells(event: BillStatusEvent, user: Any) -> SafeString:
    """All cells of a charge that a transfer moved, with its status of today."""
    line = event.line
    cells = (
        *_head_cells(line, user),
        ("wide", _item(line)),
        ("cli", safe(line.cli)),
        ("", Track(event.track).label),
        ("num", format_quantity(line.quantity)),
        ("num", _price(line, event.track)),
        ("", _status(line, event.track)),
    )
    return _row(cells)


def _row(cells: Any) -> SafeString:
    return mark_safe("".join(f'<td class="{css}">{cell}</td>' for css, cell in cells))  # noqa: S308 - every cell is escaped


def _head_cells(line: OrderLine, user: Any) -> tuple[tuple[str, str], ...]:
    """Order, line and customer; links to what the user may open."""
    order, customer = line.order, line.order.customer
    number, name = safe(order.number), safe(customer.name)
    position = str(line.position)
    if user.has_perm("orders.view_salesorder"):
        url = address("orders:order-detail", order.pk)
        number = f'<a class="row-link" href="{url}">{number}</a>'
    if user.has_perm("orders.view_orderline"):
        url = f"{address('orders:data-capture', order.pk)}#line-{line.pk}"
        position = f'<a href="{url}" aria-label="Data Capture of {safe(line)}">{position}</a>'
    if user.has_perm("ledger.view_customer"):
        name = f'<a href="{address("ledger:customer-detail", customer.pk)}">{name}</a>'
    code = f'<span class="text-secondary">{safe(customer.code)}</span>'
    return (("", number), ("num", position), ("wide", f"{name} {code}"))


def _item(line: OrderLine) -> str:
    return f'{safe(line.name)} <span class="text-secondary">{safe(line.item.code)}</span>'


def _charge(line: OrderLine, track: Track, stays: bool) -> str:
    """Unit price and bill status; quiet when a transfer would leave it."""
    if not getattr(line, f"{track.value}_price") and line.route_of(track) is None:
        return NOTHING
    quiet = " is-quiet" if stays else ""
    return f'<span class="charge{quiet}">{_price(line, track)} {_status(line, track)}</span>'


def _price(line: OrderLine, track: str) -> str:
    currency = line.order.contract.currency
    shown = format_unit_price(getattr(line, f"{track}_price"), currency)
    return f'<span class="money">{shown} <span class="currency">{currency}</span></span>'


def _status(line: OrderLine, track: str) -> str:
    status = BillStatus(line.status_of(track))
    return badge(status.label, STATUS_TONES[status])


def _routes(upfront: BillingPlatform | None, recurring: BillingPlatform | None) -> str:
    """Both routes in words; one name when they are the same."""
    if upfront == recurring:
        return NOTHING if upfront is None else safe(upfront)
    words = (("up-front", upfront), ("recurring", recurring))
    return " · ".join(
        f'<span class="text-secondary">{label}</span> {safe(route)}'
        for label, route in words
        if route is not None
    )


def _asset(line: OrderLine, user: Any) -> str:
    if line.asset is None:
        return NOTHING
    reference = safe(line.asset.reference)
    if not user.has_perm("inventory.view_asset"):
        return reference
    return f'<a href="{address("inventory:asset-detail", line.asset.pk)}">{reference}</a>'


def _moving(moving: list[Track]) -> str:
    """Which charges a transfer to the chosen route would move (X-11)."""
    if not moving:
        return NOTHING
    return badge("Both charges" if len(moving) == 2 else moving[0].label, "violet")


def _would_move(line: OrderLine, track: Track, platform_id: int) -> bool:
    return (
        getattr(line, f"{track.value}_route_id") == platform_id
        and line.status_of(track) == BillStatus.READY
    )
