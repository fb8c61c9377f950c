"""Columns of the pricing rules page (H-CB2)."""

import django_tables2 as tables

from billing_site.web.tables import LESSER
from invoicing.models import PricingRule

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class RuleTable(tables.Table):
    name = tables.Column()
    operator = tables.Column(attrs=LESSER)
    product_category = tables.Column(verbose_name="Products below", orderable=False)
    customer_cluster = tables.Column(verbose_name="Customers below", orderable=False)
    effect = tables.Column(verbose_name="What it does", empty_values=(), orderable=False)
    currency = tables.Column(orderable=False, attrs=LESSER)
    order = tables.Column(attrs=NUMERIC)
    valid_from = tables.Column(verbose_name="Valid from")
    valid_to = tables.Column(verbose_name="Valid to")

    class Meta:
        model = PricingRule
        fields = (
            "name",
            "operator",
            "product_category",
            "customer_cluster",
            "effect",
            "currency",
            "order",
            "valid_from",
            "valid_to",
        )
