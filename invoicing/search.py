"""What the search at the top finds on this floor: invoices, purchases, pricing rules."""

from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse

from billing_site.web.search import SearchHit, search_provider
from invoicing.models import Invoice, PricingRule, Purchase


@search_provider("Invoices", permission="invoicing.view_invoice")
def invoices(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    """By the beginning of the number or the reference, as they are written.

    Two queries: either has an index, both together would walk through all invoices.
    """
    rows = Invoice.objects.select_related("customer").defer("document_data")
    found = {row.pk: row for row in [*rows.numbered(text)[:limit], *rows.referenced(text)[:limit]]}
    return [
        SearchHit(
            str(invoice),
            reverse("invoicing:invoice-detail", args=[invoice.pk]),
            f"{invoice.customer.name}, {invoice.get_status_display()}",
            "file-invoice",
        )
        for invoice in list(found.values())[:limit]
    ]


@search_provider("Purchases", permission="invoicing.view_purchase")
def purchases(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    """By the beginning of the reference, as it is written."""
    found = Purchase.objects.matching(text).defer("metadata")
    return [
        SearchHit(
            purchase.reference,
            reverse("invoicing:purchase-detail", args=[purchase.pk]),
            purchase.label or f"{purchase.product_code} for {purchase.customer_code}",
            "shopping-cart",
        )
        for purchase in found[:limit]
    ]


@search_provider("Pricing rules", permission="invoicing.view_pricingrule")
def pricing_rules(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    """By any part of the name."""
    found = PricingRule.objects.matching(text)
    return [
        SearchHit(
            rule.name,
            reverse("invoicing:rule-detail", args=[rule.pk]),
            rule.get_operator_display(),
            "tag",
        )
        for rule in found[:limit]
    ]
