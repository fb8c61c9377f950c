"""Columns of Billing Export, of its files and of its transfers."""

import django_tables2 as tables

from billing_site.web.tables import LEAST
from orders.models import BillStatusEvent, ExportFile, OrderLine, TransferBatch

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class BillingExportTable(tables.Table):
    order = tables.Column(orderable=False)
    position = tables.Column(verbose_name="Line", orderable=False, attrs=NUMERIC)
    customer = tables.Column(accessor="order__customer", orderable=False)
    moves = tables.Column(accessor="pk", verbose_name="Would move", orderable=False)
    item = tables.Column(orderable=False)
    cli = tables.Column(verbose_name="CLI", orderable=False)
    quantity = tables.Column(orderable=False, attrs=NUMERIC)
    upfront = tables.Column(accessor="upfront_price", verbose_name="Up-front", orderable=False)
    recurring = tables.Column(accessor="recurring_price", orderable=False)
    routes = tables.Column(accessor="upfront_route", orderable=False, attrs=LEAST)
    bill_start = tables.Column(
        accessor="bill_start_computed", verbose_name="Bill start", orderable=False, attrs=LEAST
    )
    site = tables.Column(accessor="order__site", orderable=False, attrs=LEAST)
    asset = tables.Column(orderable=False, attrs=LEAST)

    class Meta:
        model = OrderLine
        fields: tuple[str, ...] = ()


class ExportFileTable(tables.Table):
    name = tables.Column(accessor="pk", verbose_name="File", orderable=False)
    platform = tables.Column(orderable=False)
    kind = tables.Column(orderable=False)
    by = tables.Column(verbose_name="Made by", orderable=False)
    at = tables.Column(verbose_name="Asked for", orderable=False)
    rows = tables.Column(orderable=False, attrs=NUMERIC)
    state = tables.Column(accessor="job__status", orderable=False)
    checksum = tables.Column(verbose_name="SHA-256", orderable=False)

    class Meta:
        model = ExportFile
        fields: tuple[str, ...] = ()


class TransferBatchTable(tables.Table):
    number = tables.Column(accessor="pk", verbose_name="Transfer", orderable=False)
    platform = tables.Column(orderable=False)
    by = tables.Column(verbose_name="Transferred by", orderable=False)
    at = tables.Column(verbose_name="When", orderable=False)
    lines = tables.Column(empty_values=(), orderable=False, attrs=NUMERIC)
    charges = tables.Column(empty_values=(), orderable=False, attrs=NUMERIC)

    class Meta:
        model = TransferBatch
        fields: tuple[str, ...] = ()


class TransferredTrackTable(tables.Table):
    order = tables.Column(accessor="line__order", orderable=False)
    position = tables.Column(
        accessor="line__position", verbose_name="Line", orderable=False, attrs=NUMERIC
    )
    customer = tables.Column(accessor="line__order__customer", orderable=False)
    item = tables.Column(accessor="line__item", orderable=False)
    cli = tables.Column(accessor="line__cli", verbose_name="CLI", orderable=False)
    track = tables.Column(verbose_name="Charge", orderable=False)
    quantity = tables.Column(accessor="line__quantity", orderable=False, attrs=NUMERIC)
    price = tables.Column(
        accessor="line__recurring_price", verbose_name="Unit price", orderable=False, attrs=NUMERIC
    )
    status = tables.Column(accessor="to_status", verbose_name="Status now", orderable=False)

    class Meta:
        model = BillStatusEvent
        fields: tuple[str, ...] = ()
