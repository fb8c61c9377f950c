"""Search fields of the imports page."""

import django_filters as filters

from invoicing.enums import ImportStatus
from invoicing.models import ImportBatch


class ImportFilter(filters.FilterSet):
    filename = filters.CharFilter(lookup_expr="icontains", label="File", max_length=200)
    status = filters.MultipleChoiceFilter(choices=ImportStatus.choices, label="Status")
    owner = filters.CharFilter(
        field_name="owner__username", lookup_expr="iexact", label="Uploaded by", max_length=150
    )
    created_at = filters.DateFromToRangeFilter(label="Uploaded")

    class Meta:
        model = ImportBatch
        fields: list[str] = []
