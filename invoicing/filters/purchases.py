"""Search fields of the purchases page (H-CB4, H-CB5)."""

import datetime as dt

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from billing_site.web.list_filters import LookedUpFilter, Source
from invoicing.enums import UnmappedReason
from invoicing.models import ImportBatch, Invoice, Purchase

# No time zone is further than this from UTC, so a local day lies within it.
WIDEST_OFFSET = dt.timedelta(hours=14)
ONE_DAY = dt.timedelta(days=1)


class PurchaseFilter(filters.FilterSet):
    reference = filters.CharFilter(
        lookup_expr="startswith", label="Reference begins with", max_length=120
    )
    customer_code = filters.CharFilter(lookup_expr="iexact", label="Customer code", max_length=100)
    product_code = filters.CharFilter(lookup_expr="iexact", label="Product code", max_length=100)
    day = filters.DateFromToRangeFilter(method="filter_day", label="Day of the purchase")
    reason = filters.MultipleChoiceFilter(
        field_name="unmapped_reason", choices=UnmappedReason.choices, label="Unmapped because"
    )
    invoice_number = LookedUpFilter(
        Source(
            "invoice", Invoice.objects.all, ("number__exact", "reference__exact"), any_case=True
        ),
        label="Invoice number or reference",
    )
    import_file = LookedUpFilter(
        Source("import_batch", ImportBatch.objects.all, ("filename__icontains",)),
        label="Imported from file",
        max_length=200,
    )
    invoice = filters.ModelChoiceFilter(  # set by the links of an invoice
        queryset=Invoice.objects.defer("document_data"),
        label="Invoice",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "There is no such invoice."},
    )
    batch = filters.ModelChoiceFilter(  # set by the links of an import
        field_name="import_batch",
        queryset=ImportBatch.objects.all(),
        label="Import",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "There is no such import."},
    )

    class Meta:
        model = Purchase
        fields: list[str] = []

    def filter_day(self, rows: QuerySet, name: str, value: slice) -> QuerySet:
        """Purchases of these days, each in its customer's time zone.

        The bounds on the moment follow from those on the day; they are what the index of the
        list can start from.
        """
        if value.start:
            first = value.start.date()
            rows = rows.filter(purchased_on__gte=first, purchased_at__gte=_midnight(first, -1))
        if value.stop:
            last = value.stop.date()
            rows = rows.filter(purchased_on__lte=last, purchased_at__lt=_midnight(last, 1))
        return rows


def _midnight(day: dt.date, side: int) -> dt.datetime:
    """The earliest (-1) or the latest (1) moment that any time zone has on ``day``."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    try:
        return start - WIDEST_OFFSET if side < 0 else start + ONE_DAY + WIDEST_OFFSET
    except OverflowError:
        return start if side < 0 else dt.datetime.max.replace(tzinfo=dt.UTC)
