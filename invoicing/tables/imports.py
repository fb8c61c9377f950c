"""Columns of the imports page and of the unmapped purchases."""

import django_tables2 as tables

from invoicing.models import ImportBatch, Purchase

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class ImportTable(tables.Table):
    filename = tables.Column(verbose_name="File", orderable=False, linkify=True)
    status = tables.Column(orderable=False)
    rows_new = tables.Column(verbose_name="New", orderable=False, attrs=NUMERIC)
    rows_changed = tables.Column(verbose_name="Changed", orderable=False, attrs=NUMERIC)
    rows_unchanged = tables.Column(verbose_name="Unchanged", orderable=False, attrs=NUMERIC)
    rows_error = tables.Column(verbose_name="Errors", orderable=False, attrs=NUMERIC)
    owner = tables.Column(verbose_name="Uploaded by", orderable=False)
    created_at = tables.Column(verbose_name="Uploaded", orderable=False)
    committed_at = tables.Column(verbose_name="Imported", orderable=False)

    class Meta:
        model = ImportBatch
        fields = (
            "filename",
            "status",
            "rows_new",
            "rows_changed",
            "rows_unchanged",
            "rows_error",
            "owner",
            "created_at",
            "committed_at",
        )


class UnmappedTable(tables.Table):
    reference = tables.Column(orderable=False)
    unmapped_reason = tables.Column(verbose_name="Why", orderable=False)
    label = tables.Column(orderable=False)
    customer_code = tables.Column(verbose_name="Customer code", orderable=False)
    product_code = tables.Column(verbose_name="Product code", orderable=False)
    purchased_at = tables.Column(verbose_name="When", orderable=False)
    quantity = tables.Column(orderable=False, attrs=NUMERIC)
    total_override = tables.Column(verbose_name="Own total", orderable=False, attrs=NUMERIC)
    currency = tables.Column(orderable=False)
    created_at = tables.Column(verbose_name="First seen", orderable=False)

    class Meta:
        model = Purchase
        fields = (
            "reference",
            "unmapped_reason",
            "label",
            "customer_code",
            "product_code",
            "purchased_at",
            "quantity",
            "total_override",
            "currency",
            "created_at",
        )
