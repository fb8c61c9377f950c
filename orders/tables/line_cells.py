"""The cells of one row of the order lines page, built by hand: the page shows 25 of a million."""

from django.utils.html import conditional_escape as safe
from django.utils.safestring import SafeString, mark_safe

from billing_site.web.templatetags.quittance import NOTHING, address, badge, day, money
from inventory.models import BillingPlatform
from orders import rules
from orders.enums import BillStatus, Track
from orders.models import OrderLine
from orders.rules import Circle
from orders.selectors.lines import circle_of

STATUS_TONES = {
    BillStatus.NOT_BILLED: "grey",
    BillStatus.READY: "amber",
    BillStatus.IN_BILLING: "green",
}
CIRCLE_WORDS = {
    Circle.NONE: "No route",
    Circle.ORANGE: "Not in billing yet",
    Circle.GREEN: "In billing",
}


def circle_html(circle: Circle, tracks: str) -> SafeString:
    """The circle with its word, and both statuses as its tooltip (L-24..L-27, D-12)."""
    word = CIRCLE_WORDS[circle]
    return mark_safe(  # noqa: S308 - tracks is escaped, the rest is ours
        f'<span class="bill-circle is-{circle}" title="{safe(tracks)}">'
        f'<span class="bill-dot" aria-hidden="true"></span>'
        f'<span class="bill-word">{word}</span>'
        f'<span class="visually-hidden">. {safe(tracks)}</span></span>'
    )


def words_of(line: OrderLine) -> str:
    """``Up-front: Ready to Bill. Recurring: does not apply.``"""
    parts = []
    for track in Track:
        applies = line.track_facts(track).is_applicable
        status = BillStatus(line.status_of(track)).label if applies else "does not apply"
        parts.append(f"{track.label}: {status}.")
    return " ".join(parts)


def line_circle(line: OrderLine) -> SafeString:
    """The circle of a line that has its item and, for a package, its parts."""
    return circle_html(circle_of(line), words_of(line))


def status_badge(line: OrderLine, track: Track) -> SafeString:
    """The bill status of a charge; a dash where it does not apply."""
    if not line.track_facts(track).is_applicable:
        return NOTHING
    status = BillStatus(line.status_of(track))
    marked = " · Do Not Bill" if getattr(line, f"{track.value}_do_not_bill") else ""
    return badge(f"{status.label}{marked}", STATUS_TONES[status])


def line_cells(line: OrderLine) -> SafeString:
    """All cells of a line, which carries order, customer, contract, item, routes and asset."""
    order = line.order
    customer = order.customer
    currency = order.contract.currency
    start = rules.effective_bill_start(line.bill_start_computed, line.bill_start_override)
    asset = NOTHING if line.asset is None else _link("inventory:asset-detail", line.asset_id, line.asset.reference)  # type: ignore[arg-type]  # fmt: skip
    cells = (
        ("", line_circle(line)),
        ("", f'<a class="row-link" href="{address("orders:order-detail", order.pk)}">'
             f"{safe(order.number)}</a> <span class=\"text-secondary\">/ {line.position}</span>"),
        ("wide", _link("ledger:customer-detail", customer.pk, customer.name)),
        ("wide", _link("inventory:item-detail", line.item_id, line.name)),
        ("lesser", safe(line.cli) if line.cli else NOTHING),
        ("num", money(line.quantity * line.upfront_price, currency, True)),
        ("", f"{status_badge(line, Track.UPFRONT)} {_route(line.upfront_route)}"),
        ("num", money(line.quantity * line.recurring_price, currency, True)),
        ("", f"{status_badge(line, Track.RECURRING)} {_route(line.recurring_route)}"),
        ("day least", day(start)),
        ("least", asset),
    )  # fmt: skip
    return mark_safe("".join(f'<td class="{css}">{cell}</td>' for css, cell in cells))  # noqa: S308 - every cell is escaped


def _route(platform: BillingPlatform | None) -> str:
    return f'<span class="text-secondary least">{safe(platform.name)}</span>' if platform else ""


def _link(name: str, pk: int, text: str) -> str:
    return f'<a class="text-reset" href="{address(name, pk)}">{safe(text)}</a>'
