"""The cells of Billing Export: charges with their bill status, routes, what a transfer would move."""

import datetime as dt

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_site.kernel.money import format_unit_price
from billing_site.web.templatetags.quittance import NOTHING, badge
from inventory.models import BillingPlatform
from orders.enums import BillStatus, Track
from orders.models import BillStatusEvent, OrderLine
from orders.rules import effective_bill_start
from orders.tables.line_cells import STATUS_TONES

register = template.Library()


@register.simple_tag
def charge(line: OrderLine, track: str, platform: BillingPlatform | None = None) -> SafeString:
    """The unit price of a charge and its bill status; quiet when a transfer would leave it."""
    price = getattr(line, f"{track}_price")
    if not price and line.route_of(track) is None:
        return NOTHING
    stays = platform is not None and not _would_move(line, track, platform)
    currency = line.order.contract.currency
    return format_html(
        '<span class="charge{}"><span class="money">{} <span class="currency">{}</span></span> {}'
        "</span>",
        " is-quiet" if stays else "",
        format_unit_price(price, currency),
        currency,
        _status(line, track),
    )


@register.filter
def bill_start(line: OrderLine) -> dt.date | None:
    """The day on which billing of the line begins; an override wins (H-L2)."""
    return effective_bill_start(line.bill_start_computed, line.bill_start_override)


@register.simple_tag
def routes(line: OrderLine) -> SafeString:
    """Both routes of a line in words; one name when they are the same."""
    upfront, recurring = line.upfront_route, line.recurring_route
    if upfront == recurring:
        return NOTHING if upfront is None else format_html("{}", upfront)
    words = [
        format_html('<span class="text-secondary">{}</span> {}', label, route)
        for label, route in (("up-front", upfront), ("recurring", recurring))
        if route is not None
    ]
    return format_html("{} · {}", *words) if len(words) == 2 else words[0]


@register.simple_tag
def would_move(line: OrderLine, platform: BillingPlatform | None) -> SafeString:
    """Which charges of a line a transfer to the platform would move (X-11)."""
    if platform is None:
        return NOTHING
    moving = [track for track in Track if _would_move(line, track, platform)]
    if not moving:
        return NOTHING
    return badge("Both charges" if len(moving) == 2 else moving[0].label, "violet")


@register.simple_tag
def transferred_price(event: BillStatusEvent) -> SafeString:
    """The unit price of the charge that an event moved."""
    currency = event.line.order.contract.currency
    price = getattr(event.line, f"{event.track}_price")
    return format_html(
        '<span class="money">{} <span class="currency">{}</span></span>',
        format_unit_price(price, currency),
        currency,
    )


@register.simple_tag
def status_now(event: BillStatusEvent) -> SafeString:
    """Where the charge is today; it may have been taken back by hand."""
    return _status(event.line, event.track)


def _status(line: OrderLine, track: str) -> SafeString:
    bill_status = BillStatus(line.status_of(track))
    return badge(bill_status.label, STATUS_TONES[bill_status])


def _would_move(line: OrderLine, track: str, platform: BillingPlatform) -> bool:
    return (
        getattr(line, f"{track}_route_id") == platform.pk
        and line.status_of(track) == BillStatus.READY
    )
