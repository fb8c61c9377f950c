"""The product's addresses and one list of our own, with everything a list can have."""

import django_filters as filters
import django_tables2 as tables
from django.urls import include, path
from django.views import View

from billing_site.web.list_filters import AmountRangeFilter, YesNoFilter
from billing_site.web.list_parts import BulkAction, Export, QuickSearch, Suggestion, Totals
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from ledger.models import Customer

handler400 = "billing_site.web.views.bad_request"
handler500 = "billing_site.web.views.server_error"


class ThingTable(tables.Table):
    reference = tables.Column()
    customer = tables.Column(accessor="customer__name", orderable=False)
    period_from = tables.Column()
    total = tables.Column(accessor="gross_total")
    status = tables.Column(orderable=False)


class ThingFilter(filters.FilterSet):
    text = filters.CharFilter(field_name="reference", lookup_expr="icontains", label="Reference")
    code = filters.CharFilter(field_name="customer__code", lookup_expr="iexact", label="Code")
    status = filters.MultipleChoiceFilter(choices=InvoiceStatus.choices, label="Status")
    total = AmountRangeFilter(field_name="gross_total", label="Total")
    held = YesNoFilter(field_name="customer__suspended", label="Held")
    period = filters.DateFromToRangeFilter(field_name="period_from", label="Period")

    class Meta:
        model = Invoice
        fields = ("text", "code", "status", "total", "period")


def visible_customers(user):
    return Customer.objects.exclude(name="Hidden")


class ThingListView(ListView):
    key = "test.thing"
    permission_required = "auth.view_group"
    title, one, many = "Things", "thing", "things"
    table_class = ThingTable
    filterset_class = ThingFilter
    bar_fields = ("text",)
    ordering = ("-period_from",)
    quick_searches = (
        QuickSearch("open", "Open", lambda rows: rows.filter(status=InvoiceStatus.OPEN)),
    )
    totals = Totals("currency", {"total": "gross_total"})
    suggestions = {"code": Suggestion(visible_customers, "code", label="name")}
    export = Export(
        currency="currency",
        columns=(
            Column("reference", "Reference"),
            Column("customer__name", "Customer"),
            Column("get_status_display", "Status"),
            Column("currency", "Currency"),
            Column("gross_total", "Total", Kind.MONEY),
        ),
    )
    bulk_actions = (
        BulkAction(
            name="touch",
            label="Touch",
            permission="auth.change_group",
            job_kind="test.rows",
            eligible=lambda rows, at: rows.filter(status=InvoiceStatus.OPEN),
            skip_reason="Only open things can be touched.",
        ),
        BulkAction(
            name="burn",
            label="Burn",
            permission="auth.delete_group",
            job_kind="test.rows",
            eligible=lambda rows, at: rows,
            skip_reason="Nothing is skipped.",
            irreversible=True,
        ),
    )

    @classmethod
    def scoped(cls, user):
        return Invoice.objects.filter(customer__in=visible_customers(user))

    @classmethod
    def displayed(cls, rows):
        return rows.select_related("customer")


class BrokenView(View):
    def get(self, request):
        raise ZeroDivisionError("a secret of the code")


urlpatterns = [
    path("things/", ThingListView.as_view(), name="things"),
    path("broken/", BrokenView.as_view(), name="broken"),
    path("", include("billing_site.urls")),
]
