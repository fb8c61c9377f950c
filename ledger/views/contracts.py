"""Contracts with their ledgers, and payments recorded by hand."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import slugify
from django.views import View

from billing_site.kernel.errors import DomainError
from billing_site.kernel.money import format_money_with_currency
from billing_site.kernel.periods import local_date
from billing_site.web.edits import EditIsStale, version_of
from billing_site.web.keyset import Cut, cut_page, total_order
from ledger import selectors
from ledger.exports.ledger_json import render_ledger_json
from ledger.forms import ContractForm, PaymentForm
from ledger.models import Contract, ContractAccount, Customer, LedgerEntry
from ledger.services import customers as services
from ledger.services.payments import record_payment

ENTRIES_OF_A_PAGE = 25
CONTRACTS = Contract.objects.select_related("customer__cluster", "account")


class ContractDetailView(PermissionRequiredMixin, View):
    """One contract and its ledger, newest first, cut by key (B-13, B-22)."""

    permission_required = "ledger.view_contract"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = get_object_or_404(CONTRACTS, pk=pk)
        shows_ledger = request.user.has_perm("ledger.view_ledgerentry")
        rows = LedgerEntry.objects.filter(account=contract.account.pk).select_related("payment")
        cut = Cut(
            request.GET.get("after", ""),
            request.GET.get("before", ""),
            request.GET.get("last") == "1",
        )
        order = total_order(LedgerEntry, ["-sequence"])
        page = cut_page(rows if shows_ledger else rows.none(), order, ENTRIES_OF_A_PAGE, cut)
        context = {
            "contract": contract,
            "customer": contract.customer,
            "account": contract.account,
            "page": page,
            "shows_ledger": shows_ledger,
            "entries_query": urlencode({"contract": contract.reference}),
        }
        return render(request, "ledger/contract_detail.html", context)


class LedgerJsonView(PermissionRequiredMixin, View):
    """The ledger as a JSON list (B-27), written while it is read."""

    permission_required = ("ledger.view_contract", "ledger.view_ledgerentry")

    def get(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        contract = get_object_or_404(Contract, pk=pk)
        lines = render_ledger_json(selectors.ledger_lines(contract=contract))
        response = StreamingHttpResponse(lines, content_type="application/json")
        name = slugify(contract.reference) or contract.pk
        response["Content-Disposition"] = f'attachment; filename="ledger-{name}.json"'
        return response


class ContractCreateView(PermissionRequiredMixin, View):
    permission_required = "ledger.add_contract"

    def get(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=customer_pk)
        return _contract_page(request, customer, ContractForm())

    def post(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        customer = get_object_or_404(Customer, pk=customer_pk)
        form = ContractForm(request.POST)
        if not form.is_valid():
            return _contract_page(request, customer, form, status=422)
        try:
            contract = services.create_contract(customer=customer, fields=form.entries)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _contract_page(request, customer, form, status=422)
        messages.success(request, f"Contract {contract.reference} is stored.")
        return redirect(contract)


class ContractUpdateView(PermissionRequiredMixin, View):
    permission_required = "ledger.change_contract"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = version_of(Contract(pk=pk))
        contract = get_object_or_404(CONTRACTS, pk=pk)
        form = ContractForm(instance=contract, version=version)
        return _contract_page(request, contract.customer, form, contract)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = get_object_or_404(CONTRACTS, pk=pk)
        form = ContractForm(request.POST, instance=get_object_or_404(Contract, pk=pk))
        if not form.is_valid():
            return _contract_page(request, contract.customer, form, contract, status=422)
        try:
            contract = services.update_contract(
                contract_id=pk, fields=form.entries, version=form.cleaned_data["version"] or 0
            )
        except EditIsStale as stale:
            form.add_refusal(stale)
            form.with_version(version_of(contract))
            return _contract_page(request, contract.customer, form, contract, status=409)
        except DomainError as refusal:
            form.add_refusal(refusal)
            return _contract_page(request, contract.customer, form, contract, status=422)
        messages.success(request, f"Contract {contract.reference} is changed.")
        return redirect(contract)


def _contract_page(
    request: HttpRequest,
    customer: Customer,
    form: Any,
    contract: Contract | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "customer": customer, "contract": contract}
    return render(request, "ledger/contract_form.html", context, status=status)


DOUBTED = ("operation", "amount", "booking_date", "transaction_reference")


class PaymentCreateView(PermissionRequiredMixin, View):
    """Record money received; the same form sent twice records it once (H-B2, R6).

    What is unusual is asked about first: a payment cannot be undone.
    """

    permission_required = "ledger.record_payment"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = get_object_or_404(CONTRACTS, pk=pk)
        return self._page(request, contract, PaymentForm.empty())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        contract = get_object_or_404(CONTRACTS, pk=pk)
        form = PaymentForm(request.POST)
        if not form.is_valid():
            return self._page(request, contract, form, status=422)
        try:
            account = ContractAccount.objects.select_related("contract").get(contract=contract)
            payment, at = dict(form.cleaned_data), timezone.now()
            if not payment.pop("is_checked"):
                doubts = selectors.doubts_about_payment(
                    account=account,
                    today=local_date(at, settings.TIME_ZONE),
                    **{name: payment[name] for name in DOUBTED},
                )
                if doubts:
                    return self._page(request, contract, form, doubts=doubts, status=422)
            record_payment(account=account, at=at, **payment)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            return self._page(request, contract, form, status=422)
        amount = format_money_with_currency(form.cleaned_data["amount"], contract.currency)
        messages.success(request, f"The payment of {amount} is in the ledger.")
        return redirect(contract)

    def _page(
        self,
        request: HttpRequest,
        contract: Contract,
        form: Any,
        *,
        doubts: Sequence[str] = (),
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "form": form,
            "contract": contract,
            "customer": contract.customer,
            "doubts": doubts,
        }
        return render(request, "ledger/payment_form.html", context, status=status)
