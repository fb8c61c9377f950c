"""Customers, contracts and clusters in words and rows."""

from collections.abc import Sequence
from typing import Any

from django import template

from ledger import selectors
from ledger.enums import TermsKind
from ledger.models import Contract, Customer, CustomerCluster

register = template.Library()
SINGULAR = {"day": "day", "month": "month", "year": "year"}


@register.filter
def frequency(customer: Customer) -> str:
    """``every month``, ``every 3 months``."""
    if customer.frequency_count == 1:
        return f"every {SINGULAR[customer.frequency_unit]}"
    return f"every {customer.frequency_count} {customer.get_frequency_unit_display()}"


@register.filter
def terms(contract: Contract) -> str:
    """``14 days net``, ``on day 15, one month later`` (D-28)."""
    if contract.terms_kind == TermsKind.NET_DAYS:
        days = contract.terms_days
        return "at once" if days == 0 else f"{days} {'day' if days == 1 else 'days'} net"
    months = contract.terms_months
    later = (
        ("the same month", "one month later")[months] if months < 2 else f"{months} months later"
    )
    return f"on day {contract.terms_days}, {later}"


@register.inclusion_tag("ledger/_customer_money.html")
def customer_money(customer: Customer) -> dict[str, Any]:
    """Two cells: the currencies of a customer and the balance in each (K-15)."""
    return {"sums": selectors.balances(contracts=customer.contracts.all())}


@register.inclusion_tag("ledger/_tree_links.html")
def tree_links(
    nodes: Sequence[selectors.ClusterNode], current: CustomerCluster
) -> dict[str, list[dict[str, Any]]]:
    """The tree of clusters as nested links, open on the way to the current one (CB-51)."""
    roots: list[dict[str, Any]] = []
    by_id: dict[int, dict[str, Any]] = {}
    for node in nodes:
        branch = {
            "name": node.cluster.name,
            "url": node.cluster.get_absolute_url(),
            "count": node.customers,
            "is_open": node.is_open,
            "is_root": node.cluster.parent_id is None,
            "is_current": node.cluster.pk == current.pk,
            "children": [],
        }
        by_id[node.cluster.pk] = branch
        above = by_id.get(node.cluster.parent_id)
        (above["children"] if above else roots).append(branch)
    return {"branches": roots}
