"""Columns of the lists of catalogue items and of assets."""

import django_tables2 as tables

from billing_site.web.tables import LESSER, MINOR
from inventory.models import Asset, CatalogueItem

NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class CatalogueItemTable(tables.Table):
    code = tables.Column()
    name = tables.Column()
    category = tables.Column(order_by=("category__name",))
    kind = tables.Column(orderable=False, attrs=LESSER)
    item_type = tables.Column(orderable=False, verbose_name="Type", attrs=MINOR)
    unit = tables.Column(orderable=False, attrs=LESSER)
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


class AssetTable(tables.Table):
    reference = tables.Column(orderable=False, verbose_name="Asset")
    label = tables.Column(orderable=False)
    customer = tables.Column(orderable=False)
    contract = tables.Column(orderable=False, attrs=LESSER)
    item = tables.Column(orderable=False)
    cli = tables.Column(orderable=False, verbose_name="CLI")
    serial = tables.Column(orderable=False, verbose_name="SIM or serial")
    quantity = tables.Column(orderable=False, attrs=NUMBER)
    starts_on = tables.Column(orderable=False, verbose_name="Starts")
    ends_on = tables.Column(orderable=False, verbose_name="Ends")

    class Meta:
        model = Asset
        fields = (
            "reference",
            "label",
            "customer",
            "contract",
            "item",
            "cli",
            "serial",
            "quantity",
            "starts_on",
            "ends_on",
        )
