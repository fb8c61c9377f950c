"""Periodical invoices: every customer has one per contract and period (CB-1, CB-15..CB-19, X-12).

The invoice date is the day after the period: the first day on which it may be approved (X-9), so
the day on which it should be sent (CB-26).
"""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from billing_site.kernel.errors import DomainError
from billing_site.kernel.periods import ONE_DAY, Period, local_date, period_containing

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
MAX_PERIODS = 600  # per contract and call, so that a Bill From in the year 1 delays nobody else

# Contracts that have no periodical invoice for today. The newest one tells: periods have no gaps.
# A default contract is billed from Bill From, another from its start; none after its end.
DUE_CONTRACTS = """
SELECT c.id AS customer_id, k.id AS contract_id, k.currency, c.bill_from,
       CASE WHEN k.is_default THEN NULL ELSE k.starts_on END AS starts_on, k.ends_on,
       c.frequency_count, c.frequency_unit, c.align_with_calendar, newest.period_to, z.today
FROM unnest(%(zones)s::text[], %(todays)s::date[]) AS z(name, today)
JOIN ledger_customer c ON c.time_zone = z.name AND NOT c.suspended
JOIN ledger_contract k ON k.customer_id = c.id
LEFT JOIN LATERAL (
  SELECT i.period_to FROM invoicing_invoice i
  WHERE i.contract_id = k.id AND i.type = 'periodical'
  ORDER BY i.period_from DESC LIMIT 1
) newest ON true
WHERE (newest.period_to IS NULL OR newest.period_to < z.today)
  AND (k.ends_on IS NULL OR newest.period_to IS NULL OR newest.period_to < k.ends_on)
  AND (k.is_default OR k.starts_on IS NULL OR k.starts_on <= z.today)
  AND c.bill_from < z.today + (c.frequency_count || ' ' || c.frequency_unit)::interval
  AND (%(customer_ids)s::bigint[] IS NULL OR c.id = ANY(%(customer_ids)s))
ORDER BY c.id, k.id
"""
LOCK_CUSTOMERS = """
SELECT id FROM ledger_customer WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
INSERT_INVOICES = """
INSERT INTO invoicing_invoice (customer_id, contract_id, type, currency, period_from, period_to,
  invoice_date, status, net_total, vat_total, gross_total, cost_total, item_count, items_digest,
  error, created_at)
SELECT customer_id, contract_id, 'periodical', currency, period_from, period_to, period_to + 1,
       'pending', 0, 0, 0, 0, 0, '', '', %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::date[])
  AS due(customer_id, contract_id, currency, period_from, period_to)
ON CONFLICT (contract_id, period_from) WHERE type = 'periodical' DO NOTHING
RETURNING id
"""


class DueContract(NamedTuple):
    """A contract without an invoice for today, as ``DUE_CONTRACTS`` finds it."""

    customer_id: int
    contract_id: int
    currency: str
    bill_from: dt.date
    starts_on: dt.date | None
    ends_on: dt.date | None
    frequency_count: int
    frequency_unit: str
    align_with_calendar: bool
    billed_to: dt.date | None
    today: dt.date


def create_due_invoices(*, at: dt.datetime, customer_ids: Sequence[int] | None = None) -> int:
    """Make the missing invoices of all customers (or the given ones); returns how many.

    A customer whose billing is not suspended has, for its default contract, an invoice for every
    period from the one of Bill From to the one that holds today in its time zone; for a further
    contract from its start on. A contract that ended gets no period after its end. Where the
    frequency was changed, the first new period begins the day after the last old one.

    Safe to repeat and to run at the same time: ``invoice_once_per_period``. The new invoices are
    Pending. One transaction per ``BATCH_SIZE`` customers, each a constant number of queries.

    :param at: now, an aware datetime.
    """
    zones = _todays(at)
    ids = sorted({due.customer_id for due in _due_contracts(zones, customer_ids)})
    made = 0
    for start in range(0, len(ids), BATCH_SIZE):
        made += _create_for_customers(ids[start : start + BATCH_SIZE], zones, at)
    return made


@transaction.atomic
def _create_for_customers(ids: list[int], zones: dict[str, dt.date], at: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(LOCK_CUSTOMERS, [ids])
        rows = [
            (due.customer_id, due.contract_id, due.currency, period.from_, period.to)
            for due in _due_contracts(zones, ids)
            for period in _missing_periods(due)
        ]
        if not rows:
            return 0
        cursor.execute(INSERT_INVOICES, [at, *(list(column) for column in zip(*rows, strict=True))])
        return len(cursor.fetchall())


def _todays(at: dt.datetime) -> dict[str, dt.date]:
    """Return today by time zone, for the zones that customers live in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT time_zone FROM ledger_customer WHERE NOT suspended")
        names = [name for (name,) in cursor.fetchall()]
    days = {}
    for name in names:
        try:
            days[name] = local_date(at, name)
        except DomainError:
            logger.exception("Customers in the time zone %r get no invoices.", name)
    return days


def _due_contracts(
    zones: dict[str, dt.date], customer_ids: Iterable[int] | None
) -> list[DueContract]:
    with connection.cursor() as cursor:
        cursor.execute(
            DUE_CONTRACTS,
            {
                "zones": list(zones),
                "todays": list(zones.values()),
                "customer_ids": None if customer_ids is None else list(customer_ids),
            },
        )
        return [DueContract._make(row) for row in cursor.fetchall()]


def _missing_periods(due: DueContract) -> list[Period]:
    try:
        return list(_periods(due))
    except DomainError:
        logger.exception("Contract %s gets no invoices.", due.contract_id)
        return []


def _periods(due: DueContract) -> Iterator[Period]:
    frequency = (due.frequency_count, due.frequency_unit, due.align_with_calendar)
    until = due.today if due.ends_on is None else min(due.today, due.ends_on)
    if due.billed_to is not None:
        first = due.billed_to + ONE_DAY
        period = period_containing(first, due.bill_from, *frequency)
        period = Period(max(period.from_, first), period.to)
    else:
        first = max(due.bill_from, due.starts_on or due.bill_from)
        period = period_containing(first, due.bill_from, *frequency)
    for _ in range(MAX_PERIODS):
        if period.from_ > until:
            return
        yield period
        period = period_containing(period.to + ONE_DAY, due.bill_from, *frequency)
