"""Purchases, pricing rules and invoices. Django finds models here."""

from invoicing.models.invoices import Invoice, InvoiceItem, NumberCounter, NumberScheme
from invoicing.models.purchases import ForetoldInvoice, ImportBatch, ImportRow, Purchase
from invoicing.models.rules import PriceTier, PricingRule, PricingSweep
from invoicing.models.subscriptions import LineCheck, Subscription, SubscriptionItem
from invoicing.models.transformations import TransformationResult

__all__ = (
    "ForetoldInvoice",
    "ImportBatch",
    "ImportRow",
    "Invoice",
    "InvoiceItem",
    "LineCheck",
    "NumberCounter",
    "NumberScheme",
    "PriceTier",
    "PricingRule",
    "PricingSweep",
    "Purchase",
    "Subscription",
    "SubscriptionItem",
    "TransformationResult",
)
