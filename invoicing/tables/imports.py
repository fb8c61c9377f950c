"""Columns of the imports page."""

import django_tables2 as tables

from invoicing.models import ImportBatch

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}}


class ImportTable(tables.Table):
    filename = tables.Column(verbose_name="File", orderable=False)
    status = tables.Column(orderable=False)
    mapping_name = tables.Column(verbose_name="Columns", orderable=False)
    rows_new = tables.Column(verbose_name="New", orderable=False, attrs=NUMERIC)
    rows_changed = tables.Column(verbose_name="Changed", orderable=False, attrs=NUMERIC)
    rows_unchanged = tables.Column(verbose_name="Unchanged", orderable=False, attrs=NUMERIC)
    rows_error = tables.Column(verbose_name="Errors", orderable=False, attrs=NUMERIC)
    owner = tables.Column(verbose_name="Uploaded by", orderable=False)
    created_at = tables.Column(verbose_name="Uploaded", orderable=False)

    class Meta:
        model = ImportBatch
        fields = (
            "filename",
            "status",
            "mapping_name",
            "rows_new",
            "rows_changed",
            "rows_unchanged",
            "rows_error",
            "owner",
            "created_at",
        )
