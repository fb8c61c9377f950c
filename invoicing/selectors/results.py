"""Pricing rule results of an invoice as a tree down to the purchases (CB-73, CB-74)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from invoicing.enums import InvoiceItemKind
from invoicing.models import Invoice, InvoiceItem, Purchase


@dataclass(slots=True)
class Node:
    """One result with the results its percentage was taken of."""

    item: InvoiceItem
    bases: list[InvoiceItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ResultTree:
    """The results in the order in which the rules made them."""

    prices: dict[str, list[InvoiceItem]]  # by product category
    adjustments: list[Node]
    vat: list[Node]


def result_tree(invoice: Invoice) -> ResultTree:
    """Two queries, whatever the number of items."""
    items = list(invoice.items.select_related("rule", "item").order_by("position"))
    by_position = {item.position: item for item in items}
    prices: dict[str, list[InvoiceItem]] = {}
    for item in items:
        if item.kind == InvoiceItemKind.PRICE:
            prices.setdefault(item.category, []).append(item)
    return ResultTree(
        prices=prices,
        adjustments=_nodes(items, InvoiceItemKind.ADJUSTMENT, by_position),
        vat=_nodes(items, InvoiceItemKind.VAT, by_position),
    )


def _nodes(
    items: Iterable[InvoiceItem], kind: InvoiceItemKind, by_position: dict[int, InvoiceItem]
) -> list[Node]:
    return [
        Node(item, [by_position[position] for position in item.base_positions])
        for item in items
        if item.kind == kind
    ]


def purchases_behind(item: InvoiceItem) -> QuerySet[Purchase]:
    """The purchases that were added up into a price item; none for adjustments and VAT.

    They are found again by what the calculation grouped them by: product, days, and whether they
    brought their own total or unit price.
    """
    if item.kind != InvoiceItemKind.PRICE:
        return Purchase.objects.none()
    days = Q(pk__in=[])
    for span in item.spans:
        days |= Q(purchased_on__gte=span.lower, purchased_on__lt=span.upper)
    found = Purchase.objects.filter(days, invoice_id=item.invoice_id, item_id=item.item_id)
    if item.stated:
        found = found.filter(total_override__isnull=False)
    elif item.rule_id is None:
        found = found.filter(total_override__isnull=True, unit_price_override=item.unit_price)
    else:
        found = found.filter(total_override__isnull=True, unit_price_override__isnull=True)
    return found.order_by("purchased_at", "id")
