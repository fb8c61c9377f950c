"""Filters of the lists that the workplace itself shows."""

import django_filters as filters

from billing_site.web.enums import ItemOutcome, JobStatus
from billing_site.web.models import Job, JobItem


class JobFilter(filters.FilterSet):
    title = filters.CharFilter(lookup_expr="icontains", label="Job")
    owner = filters.CharFilter(field_name="owner__username", lookup_expr="iexact", label="Owner")
    status = filters.MultipleChoiceFilter(choices=JobStatus, label="Status")
    created_at = filters.DateFromToRangeFilter(label="Asked for")

    class Meta:
        model = Job
        fields = ("title", "owner", "status", "created_at")


class JobItemFilter(filters.FilterSet):
    label = filters.CharFilter(lookup_expr="icontains", label="Row")
    outcome = filters.MultipleChoiceFilter(choices=ItemOutcome, label="Outcome")

    class Meta:
        model = JobItem
        fields = ("label", "outcome")
