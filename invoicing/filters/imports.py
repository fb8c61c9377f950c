"""Search fields of the imports page and of the unmapped purchases."""

import django_filters as filters

from invoicing.enums import ImportStatus
from invoicing.models import ImportBatch, Purchase


class ImportFilter(filters.FilterSet):
    filename = filters.CharFilter(lookup_expr="icontains", label="File", max_length=200)
    owner = filters.CharFilter(
        field_name="owner__username", lookup_expr="iexact", label="Uploaded by", max_length=150
    )
    status = filters.MultipleChoiceFilter(choices=ImportStatus.choices, label="Status")
    created_at = filters.DateFromToRangeFilter(label="Uploaded")

    class Meta:
        model = ImportBatch
        fields: list[str] = []


class UnmappedFilter(filters.FilterSet):
    reference = filters.CharFilter(lookup_expr="istartswith", label="Reference", max_length=120)
    customer_code = filters.CharFilter(lookup_expr="iexact", label="Customer code", max_length=100)
    product_code = filters.CharFilter(lookup_expr="iexact", label="Product code", max_length=100)
    purchased_on = filters.DateFromToRangeFilter(label="When")

    class Meta:
        model = Purchase
        fields: list[str] = []
