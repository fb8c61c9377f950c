"""Recalculation on request (CB-14): Open and Error invoices wait for calculation again."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from invoicing.enums import LOCKED_STATUSES, InvoiceStatus
from invoicing.models import Invoice

WHY_LOCKED = {
    InvoiceStatus.APPROVING: (
        "It is in approval, and what is checked must not change; reject it first."
    ),
    InvoiceStatus.APPROVED: "It is approved and never changes again.",
    InvoiceStatus.CLOSED: "It is closed and never changes again.",
}
GONE = "There is no such invoice any more."


@dataclass(frozen=True, slots=True)
class RecalculationOutcome:
    """What became of one invoice (N-4): ``refusal`` is a sentence, empty when it waits now."""

    invoice_id: int
    label: str
    refusal: str = ""


@transaction.atomic
def request_recalculation(
    *, invoice_ids: Sequence[int], at: dt.datetime
) -> list[RecalculationOutcome]:
    """Send Open and Error invoices to Pending; returns one outcome per id, in the order given.

    A Pending invoice waits already, which is an outcome like any other. Invoices in approval,
    approved or closed are refused one by one and do not keep the others from it. Safe to repeat.
    The caller then calls ``tasks.enqueue_pending``; without it the sweep comes within a minute.

    :param at: now; an invoice calculated after it shows the truth already and is left alone.
    """
    rows = Invoice.objects.filter(pk__in=invoice_ids).order_by("pk")
    invoices = {i.pk: i for i in rows.select_for_update(of=("self",), no_key=True)}
    refusals = {
        pk: WHY_LOCKED[invoice.status]
        for pk, invoice in invoices.items()
        if invoice.status in LOCKED_STATUSES
    }
    Invoice.objects.filter(
        pk__in=[
            pk
            for pk, invoice in invoices.items()
            if pk not in refusals and (invoice.calculated_at is None or invoice.calculated_at <= at)
        ]
    ).move_to_pending()
    return [
        RecalculationOutcome(pk, str(invoices[pk]), refusals.get(pk, ""))
        if pk in invoices
        else RecalculationOutcome(pk, f"invoice {pk}", GONE)
        for pk in dict.fromkeys(invoice_ids)
    ]
