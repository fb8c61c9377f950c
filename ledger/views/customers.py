"""Customers: the list, the page, the form, suspending and resuming."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.kernel.money import minor_units
from billing_site.kernel.periods import local_date
from billing_site.web.edits import EditIsStale, FieldsRefused, version_of
from billing_site.web.list_parts import Export, QuickSearch, with_places
from billing_site.web.lists import ListView
from billing_site.web.spreadsheets.columns import Column, Kind
from ledger import selectors
from ledger.filters import CustomerFilter
from ledger.forms import CustomerForm, FirstContractForm, SuspendForm
from ledger.models import Contract, Customer, LedgerEntry
from ledger.services import customers as services
from ledger.tables import CustomerTable

JOURNAL_ENTRIES = 25
COLUMNS = (
    Column("code", "Code"),
    Column("name", "Name"),
    Column("cluster", "Cluster"),
    Column("bill_from", "Bill From", Kind.DATE),
    Column("frequency_count", "Invoice every", Kind.INTEGER),
    Column("frequency_unit", "Unit"),
    Column("suspended", "Suspended", Kind.BOOLEAN),
    Column("suspended_reason", "Reason"),
    Column("currencies", "Currencies"),
    Column("balances", "Balances"),
    Column("street", "Street"),
    Column("postal_code", "Postal code"),
    Column("city", "City"),
    Column("country", "Country"),
    Column("vat_id", "VAT ID"),
    Column("contact_name", "Contact"),
    Column("email", "E-mail"),
    Column("phone", "Phone"),
    Column("language", "Language"),
    Column("time_zone", "Time zone"),
)


def with_balances(rows: QuerySet) -> QuerySet:
    """Customers with cluster, contracts and accounts: three queries, however many rows."""
    contracts = Contract.objects.select_related("account").order_by("currency", "reference")
    return rows.select_related("cluster").prefetch_related(Prefetch("contracts", contracts))


def _exact(amount: Decimal, currency: str) -> str:
    """Plain digits, ungrouped: other programs read them."""
    return f"{with_places(amount, minor_units(currency)):f}"


def _exported(customer: Customer) -> tuple[Any, ...]:
    sums = selectors.balances(contracts=customer.contracts.all())
    return (
        customer.code,
        customer.name,
        customer.cluster.name,
        customer.bill_from,
        customer.frequency_count,
        customer.get_frequency_unit_display(),
        customer.suspended,
        customer.suspended_reason,
        ", ".join(currency for currency, _ in sums),
        ", ".join(f"{_exact(amount, currency)} {currency}" for currency, amount in sums),
        customer.street,
        customer.postal_code,
        customer.city,
        customer.country,
        customer.vat_id,
        customer.contact_name,
        customer.email,
        customer.phone,
        customer.get_language_display(),
        customer.time_zone,
    )


class CustomerListView(ListView):
    key = "ledger.customer"
    permission_required = "ledger.view_customer"
    title, one, many = "Customers", "customer", "customers"
    table_class = CustomerTable
    filterset_class = CustomerFilter
    bar_fields = ("search",)
    quick_searches = (
        QuickSearch("orphaned", "Orphaned", lambda rows: rows.orphaned()),
        QuickSearch("suspended", "Suspended", lambda rows: rows.suspended()),
        QuickSearch("new", "New", lambda rows: rows.new()),
    )
    ordering = ("name",)
    row_template = "ledger/_customer_row.html"
    template_name = "ledger/customer_list.html"
    export = Export(columns=COLUMNS, values=_exported)
    empty_title = "No customers yet"
    empty_text = (
        "A customer has a code that purchases name, a cluster that decides on prices, and a "
        "contract in one currency. The first invoices appear within a minute after saving."
    )

    @classmethod
    def scoped(cls, user) -> QuerySet:
        return Customer.objects.all()

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        return with_balances(rows)


class CustomerDetailView(PermissionRequiredMixin, View):
    """One customer: contracts, the journal of the debtor account, data, history (B-14)."""

    permission_required = "ledger.view_customer"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(with_balances(Customer.objects.filter(pk=pk)))
        contracts = list(customer.contracts.all())
        accounts = {contract.account.pk: contract for contract in contracts}
        newest = LedgerEntry.objects.filter(account__in=accounts).select_related("payment")
        entries = list(newest.order_by("-pk")[: JOURNAL_ENTRIES + 1])
        for entry in entries:
            entry.account = accounts[entry.account_id].account
            entry.account.contract = accounts[entry.account_id]
        context = {
            "customer": customer,
            "contracts": contracts,
            "balances": selectors.balances(contracts=contracts),
            "entries": entries[:JOURNAL_ENTRIES],
            "more_entries": len(entries) > JOURNAL_ENTRIES,
            "is_orphaned": not contracts,
        }
        return render(request, "ledger/customer_detail.html", context)


class CustomerCreateView(PermissionRequiredMixin, View):
    permission_required = "ledger.add_customer"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = local_date(timezone.now(), timezone.get_current_timezone_name())
        form = CustomerForm(initial={"bill_from": today.replace(day=1)})
        return self._page(request, form, FirstContractForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, contract = CustomerForm(request.POST), FirstContractForm(request.POST)
        if not all([form.is_valid(), contract.is_valid()]):
            return self._page(request, form, contract, status=422)
        try:
            customer = services.create_customer(
                fields=form.entries, contract_fields=contract.entries
            )
        except FieldsRefused as refusal:
            prefix = f"{contract.prefix}-"
            of_contract = {
                name.removeprefix(prefix): text
                for name, text in refusal.fields.items()
                if name.startswith(prefix)
            }
            if of_contract:
                contract.add_refusal(FieldsRefused(of_contract, Contract))
            else:
                form.add_refusal(refusal)
            return self._page(request, form, contract, status=422)
        messages.success(
            request, f"{customer.name} is stored. The first invoices appear within a minute."
        )
        return redirect(customer)

    def _page(
        self, request: HttpRequest, form: Any, contract: Any, *, status: int = 200
    ) -> HttpResponse:
        context = {"form": form, "contract_form": contract}
        return render(request, "ledger/customer_form.html", context, status=status)


class CustomerUpdateView(PermissionRequiredMixin, View):
    permission_required = "ledger.change_customer"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = version_of(Customer(pk=pk))
        customer = get_object_or_404(Customer, pk=pk)
        return self._page(request, customer, CustomerForm(instance=customer, version=version))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk)
        form = CustomerForm(request.POST, instance=get_object_or_404(Customer, pk=pk))
        if not form.is_valid():
            return self._page(request, customer, form, status=422)
        try:
            customer = services.update_customer(
                customer_id=pk, fields=form.entries, version=form.cleaned_data["version"] or 0
            )
        except EditIsStale as stale:
            form.add_refusal(stale)
            form.with_version(version_of(customer))
            return self._page(request, customer, form, status=409)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return self._page(request, customer, form, status=422)
        messages.success(request, f"{customer.name} is changed.")
        return redirect(customer)

    def _page(
        self, request: HttpRequest, customer: Customer, form: Any, *, status: int = 200
    ) -> HttpResponse:
        context = {"form": form, "customer": customer}
        return render(request, "ledger/customer_form.html", context, status=status)


class CustomerSuspendView(PermissionRequiredMixin, View):
    permission_required = "ledger.change_customer"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, get_object_or_404(Customer, pk=pk), SuspendForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk)
        form = SuspendForm(request.POST)
        if not form.is_valid():
            return self._page(request, customer, form, status=422)
        try:
            services.suspend_customer(customer_id=pk, reason=form.cleaned_data["reason"])
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"Billing of {customer.name} is suspended.")
        return redirect(customer)

    def _page(
        self, request: HttpRequest, customer: Customer, form: Any, *, status: int = 200
    ) -> HttpResponse:
        context = {"form": form, "customer": customer}
        return render(request, "ledger/customer_suspend.html", context, status=status)


class CustomerResumeView(PermissionRequiredMixin, View):
    permission_required = "ledger.change_customer"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=pk)
        try:
            services.resume_customer(customer_id=pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request,
                f"{customer.name} is billed again. Missing invoices appear within a minute.",
            )
        return redirect(customer)
