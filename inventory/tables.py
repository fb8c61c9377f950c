"""Columns of the list of catalogue items."""

import django_tables2 as tables

from inventory.models import CatalogueItem

NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class CatalogueItemTable(tables.Table):
    code = tables.Column()
    name = tables.Column()
    category = tables.Column(order_by=("category__name",))
    kind = tables.Column(orderable=False)
    item_type = tables.Column(orderable=False, verbose_name="Type")
    unit = tables.Column(orderable=False)
    upfront_price = tables.Column(orderable=False, verbose_name="Up-front price", attrs=NUMBER)
    recurring_price = tables.Column(orderable=False, verbose_name="Recurring price", attrs=NUMBER)
    active = tables.Column(orderable=False, verbose_name="State")

    class Meta:
        model = CatalogueItem
        fields = (
            "code",
            "name",
            "category",
            "kind",
            "item_type",
            "unit",
            "upfront_price",
            "recurring_price",
            "active",
        )
