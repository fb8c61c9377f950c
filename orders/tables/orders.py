"""Columns of the lists of sales orders and of their lines (L-24)."""

import django_tables2 as tables

from billing_site.web.tables import LEAST, LESSER
from orders.models import OrderLine, SalesOrder

NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class SalesOrderTable(tables.Table):
    number = tables.Column(order_by=("pk",))
    circle = tables.Column(verbose_name="Billing", empty_values=(), orderable=False, accessor="pk")
    customer = tables.Column(orderable=False)
    customer_reference = tables.Column(orderable=False)
    site = tables.Column(orderable=False)
    ordered_on = tables.Column(orderable=False)
    lines = tables.Column(verbose_name="Lines", orderable=False, attrs=NUMBER, accessor="pk")
    converted = tables.Column(verbose_name="Assets", orderable=False, attrs=NUMBER, accessor="pk")

    class Meta:
        model = SalesOrder
        fields = (
            "number",
            "circle",
            "customer",
            "customer_reference",
            "site",
            "ordered_on",
            "lines",
            "converted",
        )


class OrderLineTable(tables.Table):
    circle = tables.Column(verbose_name="Billing", empty_values=(), orderable=False, accessor="pk")
    order = tables.Column(order_by=("pk",))
    customer = tables.Column(orderable=False, accessor="order__customer")
    name = tables.Column(verbose_name="Item", orderable=False, accessor="pk")
    cli = tables.Column(verbose_name="CLI", orderable=False, attrs=LESSER)
    upfront = tables.Column(
        verbose_name="Up-front", orderable=False, attrs=NUMBER, accessor="upfront_price"
    )
    upfront_status = tables.Column(verbose_name="Bill status", orderable=False)
    recurring = tables.Column(
        verbose_name="Recurring", orderable=False, attrs=NUMBER, accessor="recurring_price"
    )
    recurring_status = tables.Column(verbose_name="Bill status", orderable=False)
    start = tables.Column(verbose_name="Bill start", orderable=False, accessor="pk", attrs=LEAST)
    asset = tables.Column(orderable=False, attrs=LEAST)

    class Meta:
        model = OrderLine
        fields = (
            "circle",
            "order",
            "customer",
            "name",
            "cli",
            "upfront",
            "upfront_status",
            "recurring",
            "recurring_status",
            "start",
            "asset",
        )
