"""Columns of the unmapped purchases (H-CB5)."""

import django_tables2 as tables

from invoicing.models import Purchase

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class UnmappedTable(tables.Table):
    reference = tables.Column(orderable=False)
    unmapped_reason = tables.Column(verbose_name="Unmapped because", orderable=False)
    customer_code = tables.Column(verbose_name="Customer code", orderable=False)
    product_code = tables.Column(verbose_name="Product code", orderable=False)
    label = tables.Column(orderable=False)
    quantity = tables.Column(orderable=False, attrs=NUMERIC)
    total_override = tables.Column(verbose_name="Stated total", orderable=False, attrs=NUMERIC)
    purchased_at = tables.Column(verbose_name="When")
    created_at = tables.Column(verbose_name="First seen", orderable=False)
    move = tables.Column(verbose_name="", empty_values=(), orderable=False, accessor="pk")

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
