"""Invoices ready to be approved, and the people who approve them."""

import datetime as dt
from decimal import Decimal

from django.contrib.auth.models import Group, Permission, User

from approvals.models import ApprovalProcess, ApprovalStep
from billing_site.kernel.money import round_money
from invoicing.models import Invoice, InvoiceItem
from ledger.models import Customer
from tests import builders

AT = dt.datetime(2026, 2, 3, 9, 0, tzinfo=dt.UTC)  # after the period of make_invoice, January


def open_invoice(
    customer: Customer | None = None, *, net: str = "75.00", vat: str = "19", **fields
) -> Invoice:
    """An Open invoice with one product and its VAT."""
    invoice = builders.make_invoice(customer, status="pending", **fields)
    amount = Decimal(net)
    tax = round_money(amount * Decimal(vat) / 100, invoice.currency)
    InvoiceItem.objects.bulk_create(
        [
            InvoiceItem(
                invoice=invoice,
                position=1,
                kind="price",
                label="Fibre 1000",
                category="Internet",
                quantity=Decimal(1),
                unit="month",
                unit_price=amount,
                exact_amount=amount,
                amount=amount,
                purchase_count=1,
            ),
            InvoiceItem(
                invoice=invoice,
                position=2,
                kind="vat",
                label=f"VAT {vat} %",
                percentage=Decimal(vat),
                base_positions=[1],
                exact_amount=tax,
                amount=tax,
            ),
        ]
    )
    Invoice.objects.filter(pk=invoice.pk).update(
        status="open",
        calculated_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
        net_total=amount,
        vat_total=tax,
        gross_total=amount + tax,
        item_count=2,
    )
    return Invoice.objects.get(pk=invoice.pk)


def make_group(name: str) -> Group:
    """A user group with invoice approval permission (CB-103)."""
    group = Group.objects.create(name=name)
    group.permissions.set(
        Permission.objects.filter(codename__in=("approve_invoice", "request_approval"))
    )
    return group


def make_process(*groups: Group, **fields) -> ApprovalProcess:
    """A process with a step for each group, in order."""
    fields.setdefault("name", f"Process {builders.number()}")
    process = ApprovalProcess.objects.create(**fields)
    for position, group in enumerate(groups, start=1):
        ApprovalStep.objects.create(process=process, position=position, group=group)
    return process


def member_of(*groups: Group, **fields) -> User:
    user = builders.make_user(**fields)
    user.groups.set(groups)
    return user


def approver(**fields) -> User:
    """Somebody of the default process's group."""
    return builders.make_user("Invoice approval", **fields)
