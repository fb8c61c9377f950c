"""Columns of the lists of customers and of ledger entries."""

import django_tables2 as tables

from billing_site.web.tables import LEAST, LESSER, LESSER_NUMBER, MINOR
from ledger.models import Customer, LedgerEntry

NUMBER = {"th": {"class": "num"}, "td": {"class": "num"}}


class CustomerTable(tables.Table):
    code = tables.Column()
    name = tables.Column()
    cluster = tables.Column(order_by=("cluster__name",))
    bill_from = tables.Column(verbose_name="Bill From")
    frequency = tables.Column(empty_values=(), orderable=False, attrs=MINOR)
    currency = tables.Column(empty_values=(), orderable=False)
    balance = tables.Column(empty_values=(), orderable=False, attrs=NUMBER)
    state = tables.Column(empty_values=(), orderable=False, verbose_name="Billing")

    class Meta:
        model = Customer
        fields = (
            "code",
            "name",
            "cluster",
            "bill_from",
            "frequency",
            "currency",
            "balance",
            "state",
        )


class LedgerEntryTable(tables.Table):
    timestamp = tables.Column(verbose_name="Time", orderable=False)
    customer = tables.Column(empty_values=(), orderable=False)
    contract = tables.Column(empty_values=(), orderable=False)
    type = tables.Column(orderable=False)
    description = tables.Column(orderable=False)
    booking_date = tables.Column(verbose_name="Booked", orderable=False, attrs=LESSER)
    due_date = tables.Column(verbose_name="Due", orderable=False)
    amount = tables.Column(orderable=False, attrs=NUMBER)
    balance = tables.Column(orderable=False, attrs=NUMBER)
    currency = tables.Column(orderable=False)
    vat_percentage = tables.Column(verbose_name="VAT", orderable=False, attrs=LESSER_NUMBER)
    amount_type = tables.Column(verbose_name="Amount type", orderable=False, attrs=LEAST)

    class Meta:
        model = LedgerEntry
        fields = (
            "timestamp",
            "customer",
            "contract",
            "type",
            "description",
            "booking_date",
            "due_date",
            "amount",
            "balance",
            "currency",
            "vat_percentage",
            "amount_type",
        )
