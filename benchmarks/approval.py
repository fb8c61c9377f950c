"""Bulk approval beside the loop one would write first: an invoice, a transaction, row by row.

Both do the same work through the same constraints, triggers and audit: number, receivable,
snapshot, review, decision, order for the document.
"""

import argparse
import datetime as dt
import time

from benchmarks.figures import Figure

TITLE = "Approval"
AT = dt.datetime(2026, 3, 5, 9, tzinfo=dt.UTC)


def add_arguments(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--approvals", type=int, default=5_000, help="invoices approved in batches")
    parser.add_argument("--loop", type=int, default=100, help="invoices approved one by one")


def run(options: argparse.Namespace) -> list[Figure]:
    """Invoices a second in batches of 500 and 100, one by one by the service, and by the loop."""
    from approvals.services.reviews import approve_at_once
    from tests.approvals.cases import approver
    from tests.builders import make_firm

    make_firm()
    user = approver()
    ids = _open_invoices(options.approvals + 3 * options.loop + 500)

    def take(count: int) -> list[int]:
        taken, ids[:] = ids[:count], ids[count:]
        return taken

    def rate(count: int, size: int) -> float:
        chosen = take(count)
        began = time.perf_counter()
        for start in range(0, count, size):
            outcomes = approve_at_once(invoice_ids=chosen[start : start + size], by=user, at=AT)
            assert all(outcome.is_done for outcome in outcomes)
        return count / (time.perf_counter() - began)

    rate(50, 1)  # warm
    loop = _loop(take(options.loop), user)
    single = rate(options.loop, 1)
    hundreds = rate(min(options.approvals // 2, 2_000), 100)
    batches = rate(options.approvals - min(options.approvals // 2, 2_000), 500)
    _check(user)
    peer = "loop"
    return [
        Figure("loop, one transaction each", loop, "invoices/s"),
        Figure("service, one each", single, "invoices/s", single / loop, peer),
        Figure("service, batches of 100", hundreds, "invoices/s", hundreds / loop, peer),
        Figure("service, batches of 500", batches, "invoices/s", batches / loop, peer, 30, 80),
    ]


def _open_invoices(count: int) -> list[int]:
    """Open invoices of as many customers, written by the database itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_customercluster (name, path) VALUES ('All', '{}') RETURNING id
            """
        )
        cluster = cursor.fetchone()[0]
        cursor.execute(
            """
            WITH customers AS (
              INSERT INTO ledger_customer (code, name, cluster_id, bill_from, frequency_count,
                frequency_unit, align_with_calendar, suspended, suspended_reason, time_zone,
                language, contact_name, phone, email, vat_id, metadata, created_at, street,
                postal_code, city, country)
              SELECT 'A' || n, 'Customer ' || n, %(cluster)s, '2026-01-01', 1, 'month', true, false,
                '', 'Europe/Berlin', 'en', '', '', '', '', '{}', now(), '', '', '', 'DE'
              FROM generate_series(1, %(count)s) n RETURNING id),
            contracts AS (
              INSERT INTO ledger_contract (customer_id, reference, currency, terms_kind, terms_days,
                terms_months, is_default)
              SELECT id, 'A' || id, 'EUR', 'net_days', 14, 0, true FROM customers
              RETURNING id, customer_id),
            accounts AS (
              INSERT INTO ledger_contractaccount (contract_id, balance, last_sequence)
              SELECT id, 0, 0 FROM contracts)
            INSERT INTO invoicing_invoice (customer_id, contract_id, type, invoice_date,
              period_from, period_to, status, currency, net_total, vat_total, gross_total,
              cost_total, item_count, error, created_at, calculated_at, items_digest)
            SELECT customer_id, id, 'periodical', '2026-01-31', '2026-01-01', '2026-01-31', 'open',
              'EUR', 75, 14.25, 89.25, 0, 2, '', now(), now(), ''
            FROM contracts RETURNING id
            """,
            {"cluster": cluster, "count": count},
        )
        made = [row[0] for row in cursor.fetchall()]
        cursor.execute("ANALYZE")  # what autovacuum does within a minute
        return made


def _loop(ids: list[int], user) -> float:
    """The first thing one would write: get, check, transition, save, one by one."""
    from django.db import transaction
    from django.db.models import F

    from approvals.models import ApprovalProcess, Decision, Review
    from invoicing.models import Invoice, NumberCounter, NumberScheme, TransformationResult
    from invoicing.selectors.parties import parties_of, provider_of
    from ledger.models import ContractAccount, Firm, LedgerEntry

    began = time.perf_counter()
    for pk in ids:
        with transaction.atomic():
            invoice = Invoice.objects.select_for_update().get(pk=pk)
            process = ApprovalProcess.objects.get(customer_cluster=None)
            steps = [step.group_id for step in process.steps.all()]
            assert user.groups.filter(pk=steps[0]).exists()
            invoice.lock()
            invoice.save()
            review = Review.objects.create(
                invoice=invoice, process=process, steps=steps, requested_by=user, requested_at=AT
            )
            Decision.objects.create(
                review=review, step=1, user=user, verdict="approve", decided_at=AT
            )
            review.status, review.ended_at = "approved", AT
            review.save()
            scheme = NumberScheme.objects.get(customer_cluster=None)
            counter = NumberCounter.objects.select_for_update().get(scheme=scheme, key="2026")
            NumberCounter.objects.filter(pk=counter.pk).update(last_number=F("last_number") + 1)
            counter.refresh_from_db()
            number = f"R2026-{counter.last_number:04d}"
            account = ContractAccount.objects.select_for_update().get(contract=invoice.contract)
            entry = LedgerEntry.objects.create(
                account=account,
                sequence=account.last_sequence + 1,
                type="Receivable",
                fact=f"invoice:{pk}",
                description=f"Invoice: {number}",
                currency=invoice.currency,
                amount=invoice.gross_total,
                balance=account.balance + invoice.gross_total,
                timestamp=AT,
                booking_date=invoice.invoice_date,
            )
            parties = parties_of(
                provider=provider_of(Firm.objects.get()),
                customer=invoice.customer,
                contract=invoice.contract,
            )
            invoice.finalise(
                number=number,
                counter=counter,
                sequence=counter.last_number,
                entry=entry,
                document_data=parties.as_json(),
                due_date=invoice.invoice_date + dt.timedelta(days=14),
                at=AT,
            )
            invoice.save()
            TransformationResult.objects.create(invoice=invoice, requested_by=user)
    return len(ids) / (time.perf_counter() - began)


def _check(user) -> None:
    """Whole numbers, whole ledgers; a quick way that loses one would be no way."""
    from django.db.models import Sum

    from invoicing.models import Invoice, NumberCounter
    from ledger.models import ContractAccount, LedgerEntry

    approved = Invoice.objects.filter(status="approved")
    sequences = list(approved.order_by("number_sequence").values_list("number_sequence", flat=True))
    assert sequences == list(range(1, len(sequences) + 1))
    assert NumberCounter.objects.get().last_number == len(sequences)
    posted = LedgerEntry.objects.aggregate(sum=Sum("amount"))["sum"]
    assert posted == ContractAccount.objects.aggregate(sum=Sum("balance"))["sum"]
