"""Filters of the lists of customers and of ledger entries."""

import django_filters as filters
from django.db.models import QuerySet

from billing_site.kernel.money import ACTIVE_CURRENCIES
from billing_site.web.list_filters import YesNoFilter
from billing_site.web.tree_fields import TreeChoiceFilter
from ledger.enums import EntryType
from ledger.models import Customer, CustomerCluster, LedgerEntry


class CustomerFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", label="Code or name")
    cluster = TreeChoiceFilter(
        queryset=CustomerCluster.objects.all(),
        method="by_cluster",
        label="Cluster",
        empty_label="Every cluster",
    )
    currency = filters.ChoiceFilter(
        choices=[(code, code) for code in ACTIVE_CURRENCIES],
        method="by_currency",
        label="Currency of a contract",
    )
    suspended = YesNoFilter(label="Billing is suspended")
    bill_from = filters.DateFromToRangeFilter(label="Bill From")
    created_at = filters.DateFromToRangeFilter(label="Stored")

    class Meta:
        model = Customer
        fields = ("search", "cluster", "currency", "suspended", "bill_from", "created_at")

    def by_text(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.matching(value)

    def by_cluster(self, rows: QuerySet, name: str, value: CustomerCluster) -> QuerySet:
        """With everything below the cluster (CB-36)."""
        return rows.in_cluster(value.pk)

    def by_currency(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(contracts__currency=value).distinct()


class LedgerEntryFilter(filters.FilterSet):
    customer = filters.CharFilter(field_name="account__contract__customer__code", label="Customer")
    contract = filters.CharFilter(field_name="account__contract__reference", label="Contract")
    type = filters.MultipleChoiceFilter(choices=EntryType, label="Type")
    currency = filters.ChoiceFilter(
        choices=[(code, code) for code in ACTIVE_CURRENCIES], label="Currency"
    )
    document_number = filters.CharFilter(label="Document number")
    booking_date = filters.DateFromToRangeFilter(label="Booked")
    due_date = filters.DateFromToRangeFilter(label="Due")

    class Meta:
        model = LedgerEntry
        fields = (
            "customer",
            "contract",
            "type",
            "currency",
            "document_number",
            "booking_date",
            "due_date",
        )
