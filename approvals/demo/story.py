"""Fourteen months in the life of the demo company, told through the product's own services."""

import csv
import datetime as dt
import io
import random
import uuid
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.db import connection, transaction

from approvals.demo import catalogue, customers, orders, usage, users
from approvals.models import ApprovalProcess, ApprovalStep
from approvals.services.reviews import BATCH, approve_at_once, approve_step, request_approval
from invoicing.enums import InvoiceStatus
from invoicing.models import Invoice
from invoicing.services.approval import close_invoices
from invoicing.services.calculation import calculate_invoices
from invoicing.services.line_charges import pick_up_ready_lines
from invoicing.services.periods import create_due_invoices
from invoicing.services.purchase_imports import (
    check_purchases,
    import_purchases,
    upload_purchases,
)
from ledger.enums import PaymentMethod
from ledger.models import Contract, ContractAccount, Customer, CustomerCluster, Firm
from ledger.services.payments import record_payment

SEED = 20_260_901
MONTHS = 14
COLUMNS = (
    "reference", "customer_code", "product_code", "label", "quantity", "unit", "currency",
    "purchased_at",
)  # fmt: skip


def is_told() -> bool:
    """The database holds customers already: the demo company or somebody's own."""
    return Customer.objects.exists()


@transaction.atomic
def tell(*, at: dt.datetime) -> None:
    """Create the demo company as of ``at``; all of it or nothing."""
    choice = random.Random(SEED)  # noqa: S311 - believable, not secret
    today = at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    months = [_month(today, back) for back in range(MONTHS - 1, -1, -1)]
    people = users.create_users()
    _create_firm()
    clusters = customers.create_clusters()
    catalogue.create_catalogue()
    catalogue.create_rules(clusters, months[0])
    _create_two_step_process(clusters["Public sector"])
    billed = _create_customers(choice, clusters, months[0])
    create_due_invoices(at=at)
    portfolios = {c.pk: usage.choose_portfolio(choice, c.cluster.name) for c in billed}
    for month in months:
        rows = [
            row
            for customer in billed
            if customer.bill_from <= month
            for row in usage.month_of_usage(
                choice, customer=customer, portfolio=portfolios[customer.pk], month=month, until=at
            )
        ]
        if month == months[-2]:
            rows += [usage.unpriced_usage(billed[3], month), *usage.stray_usage(month)]
        _import(rows, f"usage-{month:%Y-%m}.csv", billed, people["finance"], at)
        _refresh_statistics()
        _calculate(at)
        if month < months[-2]:
            _settle(choice, month, people, now=at)
    _last_month(months[-2], people, at)
    orders.take_orders(choice, billed, by=people["finance"], at=at, today=today)
    pick_up_ready_lines(at=at, today=today)
    _calculate(at)
    _leave_some_pending(billed, months[-1], people["finance"], at)


def _refresh_statistics() -> None:
    """Nothing else tells the planner what this long transaction has written."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE invoicing_purchase, invoicing_invoice, invoicing_invoiceitem")


def _create_firm() -> None:
    Firm.objects.update_or_create(
        pk=1,
        defaults={
            "name": "Leuchtfeuer Netze GmbH", "street": "Speicherstraße 14",
            "postal_code": "20457", "city": "Hamburg", "country": "DE", "vat_id": "DE299000017",
            "registration": "Amtsgericht Hamburg, HRB 900017",
            "email": "billing@leuchtfeuer.example", "phone": "+49 40 5550 140",
            "bank_name": "Hafenbank", "iban": "DE02120300000000202051", "bic": "BYLADEM1001",
            "invoice_footer": "Demo company. No invoice of it is real.",
        },
    )  # fmt: skip


def _create_two_step_process(cluster: CustomerCluster) -> None:
    process = ApprovalProcess.objects.create(
        name="Public sector: two people", customer_cluster=cluster, four_eyes=True
    )
    for position, name in enumerate(("Finance", "Invoice approval"), start=1):
        ApprovalStep.objects.create(
            process=process, position=position, group=Group.objects.get(name=name)
        )


def _create_customers(
    choice: random.Random, clusters: dict[str, CustomerCluster], first_month: dt.date
) -> list[Customer]:
    created = []
    for fields in customers.describe_customers(choice, first_month):
        currency, terms_days = fields.pop("currency"), fields.pop("terms_days")
        customer = Customer.objects.create(**fields | {"cluster": clusters[fields["cluster"]]})
        contract = Contract.objects.create(
            customer=customer,
            reference=f"V-{customer.code}",
            currency=currency,
            terms_days=terms_days,
            is_default=True,
        )
        ContractAccount.objects.create(contract=contract)
        created.append(customer)
    return created


def _import(
    rows: Iterable[dict], filename: str, billed: list[Customer], owner: User, at: dt.datetime
) -> None:
    """Import a month the way a clerk would: upload, check, commit."""
    currencies = {
        contract.customer_id: contract.currency
        for contract in Contract.objects.filter(customer__in=billed)
    }
    by_code = {customer.code: currencies[customer.pk] for customer in billed}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                "currency": by_code.get(row["customer_code"], "EUR"),
                **row,
                "purchased_at": row["purchased_at"].isoformat(),
            }
        )
    batch = upload_purchases(
        file=ContentFile(text.getvalue().encode(), filename), filename=filename, owner=owner
    )
    check_purchases(batch_id=batch.pk)
    import_purchases(batch_id=batch.pk, at=at)


def _calculate(at: dt.datetime) -> None:
    ids = list(Invoice.objects.pending().order_by("pk").values_list("pk", flat=True))
    calculate_invoices(invoice_ids=ids, at=at)


def _settle(
    choice: random.Random, month: dt.date, people: dict[str, User], *, now: dt.datetime
) -> None:
    """Approve a month early in the next one; most customers pay in time, some do not."""
    approved_at = dt.datetime.combine(_after(month) + dt.timedelta(days=4), dt.time(9, 30), dt.UTC)
    of_month = Invoice.objects.live().filter(period_from=month).order_by("pk")
    empty = list(of_month.empty().values_list("pk", flat=True))
    close_invoices(invoice_ids=empty, at=approved_at)
    ids = list(of_month.exclude(item_count=0).values_list("pk", flat=True))
    public = set(
        of_month.filter(customer__cluster__name="Public sector").values_list("pk", flat=True)
    )
    for batch in _batches([pk for pk in ids if pk not in public]):
        approve_at_once(invoice_ids=batch, by=people["finance"], at=approved_at)
    _two_people(sorted(public & set(ids)), people, approved_at)
    _pay(choice, month, approved_at + dt.timedelta(days=16), now)


def _two_people(ids: list[int], people: dict[str, User], at: dt.datetime) -> None:
    if not ids:
        return
    request_approval(invoice_ids=ids, by=people["admin"], at=at)
    approve_step(invoice_ids=ids, by=people["finance"], at=at + dt.timedelta(hours=1))
    approve_step(invoice_ids=ids, by=people["approver"], at=at + dt.timedelta(hours=2))


def _pay(choice: random.Random, month: dt.date, at: dt.datetime, now: dt.datetime) -> None:
    if at > now:
        return
    invoices = Invoice.objects.filter(
        period_from=month, status=InvoiceStatus.APPROVED, gross_total__gt=0
    ).select_related("contract__account")
    for invoice in invoices.order_by("pk"):
        if choice.random() < 0.06:
            continue
        record_payment(
            account=invoice.contract.account,
            operation=uuid.UUID(int=choice.getrandbits(128), version=4),
            method=PaymentMethod.BANK_TRANSFER,
            amount=invoice.gross_total,
            at=at + dt.timedelta(minutes=choice.randint(0, 600)),
            transaction_reference=f"{invoice.number}",
        )


def _last_month(month: dt.date, people: dict[str, User], at: dt.datetime) -> None:
    """The month to be approved now: most Open, some Approving, one Closed, one in Error."""
    of_month = Invoice.objects.live().filter(period_from=month).order_by("pk")
    public = of_month.filter(customer__cluster__name="Public sector").exclude(item_count=0)
    request_approval(
        invoice_ids=list(public.values_list("pk", flat=True)[:4]), by=people["admin"], at=at
    )
    smallest = of_month.filter(net_total__gt=0).order_by("net_total", "pk")
    close_invoices(invoice_ids=list(smallest.values_list("pk", flat=True)[:1]), at=at)


def _leave_some_pending(
    billed: list[Customer], month: dt.date, owner: User, at: dt.datetime
) -> None:
    """A file that has just arrived: its invoices wait for the next calculation."""
    rows = [
        {
            "reference": f"{customer.code}-{month:%Y%m}-LATE",
            "customer_code": customer.code,
            "product_code": "OUT-TRAF",
            "label": "Outbound traffic",
            "quantity": "12.5",
            "unit": "GB",
            "purchased_at": dt.datetime.combine(month, dt.time(6), dt.UTC),
        }
        for customer in billed[:4]
    ]
    _import(rows, f"usage-{month:%Y-%m}-late.csv", billed, owner, at)


def _batches(ids: list[int]) -> Iterable[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _month(day: dt.date, back: int) -> dt.date:
    index = day.year * 12 + day.month - 1 - back
    return dt.date(index // 12, index % 12 + 1, 1)


def _after(month: dt.date) -> dt.date:
    return _month(month, -1)
