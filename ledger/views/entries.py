"""Ledger entries of all contracts: to search, to add up, to export."""

from typing import Any

from django.db.models import QuerySet

from billing_site.web.list_parts import Export, QuickSearch, Suggestion, Totals
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from ledger.enums import CREDIT_TYPES, DEBIT_TYPES
from ledger.filters import LedgerEntryFilter
from ledger.models import Contract, Customer, LedgerEntry
from ledger.tables import LedgerEntryTable

COLUMNS = (
    Column("timestamp", "Timestamp", Kind.DATETIME),
    Column("type", "Type"),
    Column("customer", "Customer"),
    Column("contract", "Contract"),
    Column("description", "Description"),
    Column("currency", "Currency"),
    Column("amount", "Amount", Kind.MONEY),
    Column("balance", "Balance", Kind.MONEY),
    Column("vat_percentage", "VAT percentage", Kind.DECIMAL),
    Column("amount_type", "Amount type"),
    Column("country", "Country"),
    Column("booking_date", "Booked", Kind.DATE),
    Column("due_date", "Due", Kind.DATE),
    Column("document_number", "Document number"),
    Column("draft_id", "Invoice draft", Kind.INTEGER),
    Column("transaction", "Transaction"),
    Column("payment_status", "Payment status"),
)


def _exported(entry: LedgerEntry) -> tuple[Any, ...]:
    contract, payment = entry.account.contract, entry.payment
    return (
        entry.timestamp,
        entry.get_type_display(),
        contract.customer.code,
        contract.reference,
        entry.description,
        entry.currency,
        entry.amount,
        entry.balance,
        entry.vat_percentage,
        entry.amount_type,
        entry.country,
        entry.booking_date,
        entry.due_date,
        entry.document_number,
        entry.draft_id,
        (payment.transaction_reference or str(payment.pk)) if payment else "",
        payment.get_status_display() if payment else "",
    )


class LedgerEntryListView(ListView):
    key = "ledger.entry"
    permission_required = "ledger.view_ledgerentry"
    title, one, many = "Ledger entries", "entry", "entries"
    table_class = LedgerEntryTable
    filterset_class = LedgerEntryFilter
    bar_fields = ("customer", "contract")
    quick_searches = (
        QuickSearch("debits", "Debits", lambda rows: rows.filter(type__in=DEBIT_TYPES)),
        QuickSearch("credits", "Credits", lambda rows: rows.filter(type__in=CREDIT_TYPES)),
    )
    ordering = ("-pk",)
    totals = Totals("currency", {"amount": "amount"})
    suggestions = {
        "customer": Suggestion(lambda user: Customer.objects.all(), "code", "name"),
        "contract": Suggestion(lambda user: Contract.objects.all(), "reference", "customer__name"),
    }
    row_template = "ledger/_entry_row.html"
    template_name = "ledger/entry_list.html"
    export = Export(columns=COLUMNS, values=_exported, currency="currency")
    empty_title = "No entries yet"
    empty_text = (
        "An approved invoice is posted here as a receivable, a payment as a credit. Entries are "
        "never changed; a correction is an entry of its own."
    )

    @classmethod
    def scoped(cls, user) -> QuerySet:
        return LedgerEntry.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("account__contract__customer", "payment")

    @classmethod
    def row_url(cls, row: LedgerEntry) -> str:
        return row.account.contract.get_absolute_url()
