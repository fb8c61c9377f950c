"""Columns of the unmapped purchases (H-CB5)."""

import django_tables2 as tables

from billing_site.web.tables import LEAST, LESSER
from invoicing.models import Purchase

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class UnmappedTable(tables.Table):
    reference = tables.Column(orderable=False)
    unmapped_reason = tables.Column(verbose_name="Unmapped because", orderable=False)
    customer_code = tables.Column(verbose_name="Customer code", orderable=False)
    product_code = tables.Column(verbose_name="Product code", orderable=False)
    label = tables.Column(orderable=False, attrs=LESSER)
    quantity = tables.Column(orderable=False, attrs=NUMERIC)
    total_override = tables.Column(verbose_name="Stated total", orderable=False, attrs=NUMERIC)
    purchased_at = tables.Column(verbose_name="When")
    created_at = tables.Column(verbose_name="First seen", orderable=False, attrs=LEAST)
    move = tables.Column(
        verbose_name="",
        empty_values=(),
        orderable=False,
        accessor="pk",
        attrs={"th": {"class": "actions"}},
    )

    class Meta:
        model = Purchase
        fields = (
            "reference",
            "unmapped_reason",
            "customer_code",
            "product_code",
            "label",
            "quantity",
            "total_override",
            "purchased_at",
            "created_at",
            "move",
        )
