"""Charges of order lines come onto invoices and subscriptions here (D-10, D-11, X-2, H-L11).

Orders never call invoicing. Triggers of the database put every converted line with a charge of
ours on a work list whenever something changes that the charge depends on (``LineCheck``), and
pick-up looks at these lines: what is due and missing is made, what is there and not due (any more)
is taken away, what differs from its line is made anew. A charge on an invoice in approval is left
until that is decided; one on an approved or closed invoice is left for good.

Locks: pick-up holds the lines and waits for nothing then: an invoice or a purchase that somebody
else holds is passed over, and its line stays on the list. Approval locks its invoices first, then
the lines. So the two never wait for each other in a circle.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction

from billing_site.kernel.money import exact
from billing_site.kernel.periods import local_date
from invoicing.enums import FINAL_STATUSES, InvoiceStatus, UnmappedReason
from invoicing.models import Invoice, LineCheck, Purchase, Subscription, SubscriptionItem
from invoicing.models.subscriptions import FROM_ORDERS
from invoicing.services.purchase_mapping import map_purchases
from orders import rules
from orders.enums import BillStatus, StatusTrigger, Track
from orders.models import OrderLine
from orders.services.statuses import mark_in_billing

BATCH_SIZE = 1000
NOON = dt.time(12)
STORED = Decimal("1e-15")  # the last digit of a purchase's amounts
LIMIT = Decimal(10) ** 15


class BilledLine(NamedTuple):
    """A charge of an order line on an invoice."""

    line_id: int
    track: str
    invoice_id: int


@dataclass(frozen=True, slots=True)
class PickUp:
    """What a pick-up did."""

    lines: int = 0  # looked at
    charges: int = 0  # purchases made of up-front charges
    items: int = 0  # recurring charges put on subscriptions
    withdrawn: int = 0  # purchases and items taken away, also to be made anew

    def __add__(self, other: "PickUp") -> "PickUp":
        return PickUp(
            self.lines + other.lines,
            self.charges + other.charges,
            self.items + other.items,
            self.withdrawn + other.withdrawn,
        )


@dataclass(slots=True)
class _Changes:
    """What a batch does, found out before it is done."""

    new: list[OrderLine] = field(default_factory=list)
    withdrawn: int = 0
    held: set[int] = field(default_factory=set)  # lines to look at again next time
    billed: list[int] = field(default_factory=list)  # ready lines whose charge is billed


def pick_up_ready_lines(*, at: dt.datetime, today: dt.date) -> PickUp:
    """Bring invoices and subscriptions in line with the order lines on the work list.

    One transaction and a constant number of queries per ``BATCH_SIZE`` lines, and one more of each
    kind to put the new purchases on their invoices. Repeating it changes nothing; two at once
    share the work, for each skips the lines that the other holds.

    :param today: in the firm's time zone, for the triggers of lines without a route (D-11).
    """
    report, last = PickUp(), 0
    while True:
        waiting = LineCheck.objects.filter(look_on__lte=today, line_id__gt=last).order_by("line_id")
        ids = list(waiting.values_list("line_id", flat=True)[:BATCH_SIZE])
        if not ids:
            return report
        done, purchase_ids = _pick_up_batch(ids, at=at, today=today)
        if purchase_ids:
            map_purchases(purchase_ids=purchase_ids)
        report += done
        last = ids[-1]


def lock_lines_of(*, invoice_ids: Collection[int]) -> list[BilledLine]:
    """Lock the order lines whose charges are on these invoices; a part of approving."""
    charges = Purchase.objects.filter(invoice__in=invoice_ids, order_line__isnull=False)
    rows = list(charges.order_by().values_list("order_line_id", "track", "invoice_id"))
    lines = OrderLine.objects.filter(pk__in={line_id for line_id, *_ in rows}).order_by("pk")
    list(lines.select_for_update(of=("self",)).values_list("pk", flat=True))
    return [BilledLine(*row) for row in rows]


def bill_lines(
    *, lines: Iterable[BilledLine], invoice_ids: Collection[int], by: User, at: dt.datetime
) -> None:
    """The charges on these invoices are In Billing now (D-10); a part of approving.

    Charges without a route have no status to move (D-11).
    """
    tracks: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line.invoice_id in invoice_ids:
            tracks[line.track].append(line.line_id)
    for track, ids in tracks.items():
        mark_in_billing(
            line_ids=ids, track=Track(track), trigger=StatusTrigger.INVOICE, by=by, at=at
        )


@transaction.atomic
def _pick_up_batch(
    ids: Sequence[int], *, at: dt.datetime, today: dt.date
) -> tuple[PickUp, list[int]]:
    """Look at these lines but those that others hold; what was done, and the new purchases."""
    free = OrderLine.objects.filter(pk__in=ids).order_by("pk")
    locked = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True))
    # read after the lock: joined rows of a locking read may be of another moment
    lines = list(
        OrderLine.objects.filter(pk__in=locked)
        .select_related(
            "item",
            "asset",
            "order__customer",
            "order__contract",
            "upfront_route",
            "recurring_route",
        )
        .order_by("pk")
    )
    charges = _charge_changes(lines, today=today)
    purchases = Purchase.objects.bulk_create(_charges_of(charges.new, at=at))
    items = _item_changes(lines, today=today)
    subscriptions = _subscriptions_of(items.new)
    SubscriptionItem.objects.bulk_create(
        [_item(line, subscriptions[line.order.contract_id], at=at) for line in items.new]
    )
    for track, trigger, billed in (
        (Track.UPFRONT, StatusTrigger.INVOICE, charges.billed),
        (Track.RECURRING, StatusTrigger.SUBSCRIPTION, items.billed),
    ):
        if billed:
            mark_in_billing(line_ids=billed, track=track, trigger=trigger, by=None, at=at)
    _cross_off(lines, held=charges.held, today=today)
    report = PickUp(len(lines), len(purchases), len(items.new), charges.withdrawn + items.withdrawn)
    return report, [purchase.pk for purchase in purchases]


def _charge_changes(lines: Sequence[OrderLine], *, today: dt.date) -> _Changes:
    """Compare the up-front charges with their purchases; those to be taken away are gone then."""
    known = {
        purchase.order_line_id: purchase
        for purchase in Purchase.objects.filter(
            order_line__in=[line.pk for line in lines], track=Track.UPFRONT
        ).select_related("invoice")
    }
    changes, stale = _Changes(), {}
    for line in lines:
        purchase, due = known.get(line.pk), _is_due(line, Track.UPFRONT, today=today)
        if purchase is None:
            if due:
                changes.new.append(line)
            continue
        status = purchase.invoice.status if purchase.invoice else ""
        if status in FINAL_STATUSES:
            if due and status == InvoiceStatus.APPROVED:
                changes.billed.append(line.pk)
        elif _stays(line, Track.UPFRONT) or (due and _is_charge_of(purchase, line)):
            continue
        elif status == InvoiceStatus.APPROVING:
            changes.held.add(line.pk)
        else:
            stale[line.pk] = (line, purchase, due)
    gone = _withdraw([purchase.pk for _, purchase, _ in stale.values()])
    for line, purchase, due in stale.values():
        if purchase.pk not in gone:
            changes.held.add(line.pk)
        elif due:
            changes.new.append(line)
    changes.withdrawn = len(gone)
    return changes


def _withdraw(purchase_ids: Sequence[int]) -> set[int]:
    """Take purchases off their unlocked invoices and delete them; those that others hold stay."""
    if not purchase_ids:
        return set()
    free = Purchase.objects.filter(pk__in=purchase_ids).order_by("pk")
    places = dict(free.select_for_update(skip_locked=True).values_list("pk", "invoice_id"))
    invoices = Invoice.objects.unlocked().filter(pk__in=set(places.values()) - {None})
    unlocked = set(
        invoices.order_by("pk")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .values_list("pk", flat=True)
    )
    gone = {pk for pk, invoice in places.items() if invoice is None or invoice in unlocked}
    Purchase.objects.filter(pk__in=gone).delete()
    Invoice.objects.filter(pk__in=unlocked).move_to_pending()
    return gone


def _item_changes(lines: Sequence[OrderLine], *, today: dt.date) -> _Changes:
    """Compare the recurring charges with their items; those to be taken away are gone then."""
    known = {
        item.order_line_id: item
        for item in SubscriptionItem.objects.filter(order_line__in=[line.pk for line in lines])
    }
    changes, stale = _Changes(), []
    for line in lines:
        item, due = known.get(line.pk), _is_due(line, Track.RECURRING, today=today)
        if item is not None:
            if _stays(line, Track.RECURRING) or (due and _is_item_of(item, line)):
                pass
            else:
                stale.append(item.pk)
                item = None
        if due and item is None:
            changes.new.append(line)
        if due and line.recurring_status == BillStatus.READY:
            changes.billed.append(line.pk)
    if stale:
        SubscriptionItem.objects.filter(pk__in=stale).delete()
    changes.withdrawn = len(stale)
    return changes


def _subscriptions_of(lines: Iterable[OrderLine]) -> dict[int, Subscription]:
    """The subscription of each contract of the lines, made where there is none."""
    contracts = {line.order.contract_id: line.order.contract for line in lines}
    Subscription.objects.bulk_create(
        [Subscription(contract=contract) for _, contract in sorted(contracts.items())],
        ignore_conflicts=True,
    )
    found = Subscription.objects.filter(contract__in=contracts, name=FROM_ORDERS)
    return {subscription.contract_id: subscription for subscription in found}


def _cross_off(lines: Iterable[OrderLine], *, held: Collection[int], today: dt.date) -> None:
    """Take the lines off the work list; what waits for a day comes back on that day."""
    later, done = [], []
    for line in lines:
        if line.pk in held:
            continue
        facts = line.facts()
        day, missing = facts.trigger_date, rules.missing_for_line(facts, today=today)
        if day is not None and missing == rules.Missing.FUTURE:
            later.append(LineCheck(line_id=line.pk, look_on=day))
        else:
            done.append(line.pk)
    LineCheck.objects.filter(line__in=done).delete()
    LineCheck.objects.bulk_update(later, ["look_on"])


def _is_due(line: OrderLine, track: Track, *, today: dt.date) -> bool:
    """Whether a charge is to be billed here and is not yet (D-10, D-11, X-2).

    With an in-house route: it is Ready to Bill. Without a route: both triggers have fired, though
    the status stays Not Billed; or somebody set it to Ready to Bill.
    """
    facts, status, route = line.track_facts(track), line.status_of(track), line.route_of(track)
    if line.asset_id is None or not facts.charge or facts.do_not_bill:
        return False
    if route is not None:
        return route.is_in_house and status == BillStatus.READY
    if status == BillStatus.NOT_BILLED:
        return rules.missing_for_line(line.facts(), today=today) is None
    return status == BillStatus.READY


def _stays(line: OrderLine, track: Track) -> bool:
    """Whether what is there of a charge stays: it is In Billing, and here."""
    route = line.route_of(track)
    is_ours = route is None or route.is_in_house
    return is_ours and line.status_of(track) == BillStatus.IN_BILLING


def _start(line: OrderLine, *, at: dt.datetime) -> dt.date:
    """From when a line is billed; the customer's today where nothing says it (set by hand)."""
    start = rules.effective_bill_start(line.bill_start_computed, line.bill_start_override)
    return start or local_date(at, line.order.customer.time_zone)


def _charges_of(lines: Iterable[OrderLine], *, at: dt.datetime) -> list[Purchase]:
    """The up-front charges of lines; a reference that is taken already gets the line's key too."""
    charges = [_charge(line, at=at) for line in lines]
    wanted = [charge.reference for charge in charges]
    taken = set(
        Purchase.objects.filter(reference__in=wanted).values_list("reference", flat=True)
        if wanted
        else ()
    )
    for charge in charges:
        if charge.reference in taken:
            charge.reference += f"-{charge.order_line_id}"
    return charges


def _charge(line: OrderLine, *, at: dt.datetime) -> Purchase:
    """The up-front charge of a line as a purchase that has yet to find its invoice."""
    customer, contract = line.order.customer, line.order.contract
    start = _start(line, at=at)
    return Purchase(
        reference=f"{line.order.number}-{line.position}-{Track.UPFRONT.value}",
        order_line=line,
        track=Track.UPFRONT,
        customer=customer,
        customer_code=customer.code,
        contract=contract,
        currency=contract.currency,
        item=line.item,
        product_code=line.item.code,
        label=line.name,
        unit=line.item.unit,
        quantity=line.quantity,
        metered_quantity=line.quantity,
        unit_price_override=line.upfront_price,
        cost_override=_cost(line),
        purchased_at=dt.datetime.combine(start, NOON, ZoneInfo(customer.time_zone)),
        purchased_on=start,
        unmapped_reason=UnmappedReason.NO_INVOICE,
    )


def _cost(line: OrderLine) -> Decimal | None:
    """Quantity x cost; None, the item's own cost, where it is too large to be stored."""
    with exact():
        cost = (line.quantity * line.upfront_cost).quantize(STORED)
    return cost if cost < LIMIT else None


def _is_charge_of(purchase: Purchase, line: OrderLine) -> bool:
    start = rules.effective_bill_start(line.bill_start_computed, line.bill_start_override)
    return (
        purchase.item_id == line.item_id
        and purchase.label == line.name
        and purchase.quantity == line.quantity
        and purchase.unit_price_override == line.upfront_price
        and purchase.cost_override == _cost(line)
        and start in (None, purchase.purchased_on)
    )


def _item(line: OrderLine, subscription: Subscription, *, at: dt.datetime) -> SubscriptionItem:
    assert line.asset is not None, "a line that is due is converted"
    return SubscriptionItem(
        subscription=subscription,
        order_line=line,
        asset=line.asset,
        item=line.item,
        label=line.name,
        quantity=line.quantity,
        unit_price=line.recurring_price,
        unit_cost=line.recurring_cost,
        billing_months=line.billing_months,
        starts_on=_start(line, at=at),
        created_at=at,
    )


def _is_item_of(item: SubscriptionItem, line: OrderLine) -> bool:
    start = rules.effective_bill_start(line.bill_start_computed, line.bill_start_override)
    return (
        item.asset_id == line.asset_id
        and item.item_id == line.item_id
        and item.label == line.name
        and item.quantity == line.quantity
        and item.unit_price == line.recurring_price
        and item.unit_cost == line.recurring_cost
        and item.billing_months == line.billing_months
        and start in (None, item.starts_on)
    )
