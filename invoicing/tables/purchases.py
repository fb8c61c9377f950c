"""Columns of the purchases page (H-CB4)."""

import django_tables2 as tables

from billing_site.web.tables import LESSER_NUMBER
from invoicing.models import Purchase

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class PurchaseTable(tables.Table):
    reference = tables.Column()
    purchased_at = tables.Column(verbose_name="When")
    customer = tables.Column(orderable=False)
    product = tables.Column(orderable=False, empty_values=(), accessor="item")
    metered_quantity = tables.Column(
        verbose_name="Quantity counted", orderable=False, attrs=NUMERIC
    )
    unit_price_override = tables.Column(
        verbose_name="Own price", orderable=False, attrs=LESSER_NUMBER
    )
    total_override = tables.Column(verbose_name="Own total", orderable=False, attrs=NUMERIC)
    invoice = tables.Column(verbose_name="Invoice", orderable=False)

    class Meta:
        model = Purchase
        fields = (
            "reference",
            "purchased_at",
            "customer",
            "product",
            "metered_quantity",
            "unit_price_override",
            "total_override",
            "invoice",
        )
