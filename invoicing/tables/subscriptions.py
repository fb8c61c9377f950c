"""Columns of the page of recurring charges (D-10)."""

import django_tables2 as tables

from billing_site.web.tables import LESSER
from invoicing.models import SubscriptionItem

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class SubscriptionItemTable(tables.Table):
    label = tables.Column(verbose_name="Charge", orderable=False)
    customer = tables.Column(orderable=False, empty_values=())
    contract = tables.Column(orderable=False, empty_values=(), attrs=LESSER)
    quantity = tables.Column(orderable=False, attrs=NUMERIC)
    unit_price = tables.Column(orderable=False, attrs=NUMERIC)
    billing_months = tables.Column(verbose_name="Billed", orderable=False)
    starts_on = tables.Column(verbose_name="From", orderable=False)
    ends_on = tables.Column(verbose_name="To", orderable=False)
    order = tables.Column(orderable=False, empty_values=())

    class Meta:
        model = SubscriptionItem
        fields = (
            "label",
            "customer",
            "contract",
            "quantity",
            "unit_price",
            "billing_months",
            "starts_on",
            "ends_on",
            "order",
        )
