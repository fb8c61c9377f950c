"""Columns of the invoices page (CB-46..CB-54)."""

import django_tables2 as tables

from billing_site.web.tables import LEAST, LESSER, LESSER_NUMBER, MINOR
from invoicing.models import Invoice

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class InvoiceTable(tables.Table):
    number = tables.Column(verbose_name="Invoice number", orderable=False)
    reference = tables.Column(orderable=False, attrs=MINOR)
    type = tables.Column(orderable=False, attrs=LESSER)
    customer_name = tables.Column(
        verbose_name="Customer", accessor="customer__name", orderable=False
    )
    customer_code = tables.Column(
        verbose_name="Code", accessor="customer__code", orderable=False, attrs=LESSER
    )
    cluster = tables.Column(accessor="customer__cluster__name", orderable=False, attrs=LEAST)
    period_from = tables.Column(verbose_name="From")
    period_to = tables.Column(verbose_name="To", orderable=False)
    gross_total = tables.Column(verbose_name="Total", attrs=NUMERIC)
    cost_total = tables.Column(verbose_name="Cost total", attrs=LESSER_NUMBER, orderable=False)
    status = tables.Column(orderable=False)
    calculated_at = tables.Column(verbose_name="Last calculated", orderable=False, attrs=LEAST)
    view = tables.Column(
        verbose_name="View",
        empty_values=(),
        orderable=False,
        accessor="pk",
        attrs={"th": {"class": "actions"}},
    )

    class Meta:
        model = Invoice
        fields = (
            "number",
            "reference",
            "type",
            "customer_name",
            "customer_code",
            "cluster",
            "period_from",
            "period_to",
            "gross_total",
            "cost_total",
            "status",
            "calculated_at",
            "view",
        )
