"""The invoices page (CB-21..CB-63)."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from billing_site.web.list_parts import Export, QuickSearch, Suggestion, Totals
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing.filters.invoices import InvoiceFilter
from invoicing.models import Invoice, PricingRule
from invoicing.tables.invoice_cells import invoice_cells
from invoicing.tables.invoice_steps import decisions_open_to
from invoicing.tables.invoices import InvoiceTable
from invoicing.views.bulk import APPROVE, CLOSE, RECALCULATE
from ledger.models import Customer

EXPORT_COLUMNS = (
    Column("number", "Invoice number"),
    Column("reference", "Reference"),
    Column("get_type_display", "Type"),
    Column("customer__name", "Customer"),
    Column("customer__code", "Customer code"),
    Column("customer__cluster__name", "Customer cluster"),
    Column("period_from", "From", Kind.DATE),
    Column("period_to", "To", Kind.DATE),
    Column("currency", "Currency"),
    Column("net_total", "Net total", Kind.MONEY),
    Column("vat_total", "VAT", Kind.MONEY),
    Column("gross_total", "Total", Kind.MONEY),
    Column("cost_total", "Cost total", Kind.MONEY),
    Column("get_status_display", "Status"),
    Column("calculated_at", "Last calculated", Kind.DATETIME),
    Column("due_date", "Due date", Kind.DATE),
)


def _export_values(invoice: Invoice) -> list[Any]:
    return [
        getattr(invoice, column.key)()
        if column.key.startswith("get_")
        else _follow(invoice, column.key)
        for column in EXPORT_COLUMNS
    ]


def _follow(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


# What the cells of a row read; the snapshot of an approved invoice stays where it is.
SHOWN = (
    "number",
    "reference",
    "type",
    "currency",
    "period_from",
    "period_to",
    "gross_total",
    "cost_total",
    "status",
    "calculated_at",
    "customer__code",
    "customer__name",
    "customer__cluster__name",
)


class InvoiceListView(ListView):
    """All invoices, the most recent first, with their quick searches and totals."""

    key = "invoicing.invoice"
    permission_required = "invoicing.view_invoice"
    title, one, many = "Invoices", "invoice", "invoices"
    table_class = InvoiceTable
    filterset_class = InvoiceFilter
    bar_fields = ("search", "period")
    quick_searches = (
        QuickSearch("live", "Live", lambda rows: rows.live()),
        QuickSearch("ready", "Ready to approve", lambda rows: rows.ready_to_approve()),
        QuickSearch("complete", "Complete", lambda rows: rows.complete()),
        QuickSearch("problem", "Problem invoices", lambda rows: rows.problem()),
    )
    ordering = ("-period_from",)
    totals = Totals("currency", {"gross_total": "gross_total", "cost_total": "cost_total"})
    suggestions = {
        "customer_code": Suggestion(lambda user: Customer.objects.all(), "code", label="name"),
        "number": Suggestion(lambda user: Invoice.objects.filter(number__isnull=False), "number"),
        "reference": Suggestion(
            lambda user: Invoice.objects.filter(reference__isnull=False), "reference"
        ),
        "rule_name": Suggestion(lambda user: PricingRule.objects.all(), "name"),
    }
    export = Export(columns=EXPORT_COLUMNS, values=_export_values, currency="currency")
    bulk_actions = (APPROVE, CLOSE, RECALCULATE)
    template_name = "invoicing/invoice_list.html"
    empty_title = "No invoices yet"
    empty_text = "They appear a few minutes after the first customer is saved."

    @classmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        return Invoice.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return rows.select_related("customer__cluster").only(*SHOWN).with_period_past()

    @classmethod
    def completed(cls, rows: Sequence[Invoice], user: AbstractBaseUser) -> Sequence[Invoice]:
        decisions = decisions_open_to(rows, user)
        for row in rows:
            row.decisions = decisions.get(row.pk, ())
        return rows

    @classmethod
    def cells(cls, row: Invoice, user: AbstractBaseUser) -> str:
        return invoice_cells(row, user)
