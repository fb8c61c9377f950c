"""Documents made from invoices by workers (CB-94, D-44, R7).

The row of a result is the work list: it is written with the approval, claimed by a lease, and
says Completed last. A worker that dies lets its lease run out and another one makes the document
again; the file has the same name and content, so nothing is doubled. Nothing is rendered while a
row is locked.
"""

import datetime as dt
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import transaction

from billing_site.kernel.errors import DomainError
from invoicing.enums import InvoiceStatus
from invoicing.errors import ResultRefused
from invoicing.exports.invoice_html import render_invoice_html
from invoicing.models import Invoice, TransformationResult
from invoicing.selectors.documents import invoice_document

INVOICE_PDF = "invoice-pdf"
LEASE = dt.timedelta(minutes=20)
MOST_ATTEMPTS = 5
PAUSES = tuple(dt.timedelta(seconds=seconds) for seconds in (10, 60, 300, 900))
MOST_LINES = 10_000
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

logger = logging.getLogger(__name__)


@transaction.atomic
def queue_result(*, invoice: Invoice, by: User | None, at: dt.datetime) -> TransformationResult:
    """Order the PDF of an approved invoice, or order it again when making it failed.

    Asked twice, it is the same order; a document that is there already stays.

    :raises ResultRefused: the invoice is not approved.
    """
    if invoice.status != InvoiceStatus.APPROVED:
        raise ResultRefused(
            f"{invoice} is {invoice.get_status_display()}; its PDF is made when it is approved."
        )
    result, made = TransformationResult.objects.get_or_create(
        invoice=invoice, transformation=INVOICE_PDF, defaults={"requested_by": by}
    )
    if not made and TransformationResult.objects.filter(pk=result.pk).requeue_failed():
        result.refresh_from_db()
    return result


def render_result(*, result_id: int, clock: Callable[[], dt.datetime]) -> bool:
    """Make the document of a result that waits; False when there is nothing to do.

    Safe to repeat and to run twice at once: one worker claims it. A failure is kept as a reason
    and tried again later, at most ``MOST_ATTEMPTS`` times; a refusal fails at once.

    :param clock: asked when the work begins and when it ends.
    """
    now = clock()
    lease = now + LEASE
    results = TransformationResult.objects.filter(pk=result_id)
    if not results.claim(at=now, lease_until=lease, most_attempts=MOST_ATTEMPTS):
        return False
    result = results.select_related("invoice__customer", "invoice__contract").get()
    held = results.held(lease_until=lease)
    try:
        name, checksum, pages = _make(result)
    except DomainError as refusal:
        held.fail(error=str(refusal), at=clock())
        return False
    except Exception as error:  # a worker's boundary: the row keeps the reason, the log the cause
        logger.exception("result %s failed, attempt %s", result.pk, result.attempts)
        reason = f"{type(error).__name__}: {error}"[:500]
        if result.attempts >= MOST_ATTEMPTS:
            held.fail(error=f"Given up after {MOST_ATTEMPTS} attempts. {reason}", at=clock())
        else:
            pause = PAUSES[min(result.attempts, len(PAUSES)) - 1]
            held.wait(until=clock() + pause, error=f"Will be tried again. {reason}")
        return False
    return bool(held.complete(name=name, checksum=checksum, pages=pages, at=clock()))


def give_up_dead_results(*, at: dt.datetime) -> int:
    """Results over which ``MOST_ATTEMPTS`` workers died become Failed; how many."""
    return TransformationResult.objects.give_up(
        at=at,
        attempts=MOST_ATTEMPTS,
        error=f"The worker died {MOST_ATTEMPTS} times while making this document. Look at the "
        "memory of the machine, then order it again.",
    )


def download_name(invoice: Invoice) -> str:
    """A file name that every system takes: ``Invoice-R2026-0001.pdf``."""
    number = UNSAFE.sub("-", invoice.number or f"preview-{invoice.pk}").strip("-.")
    kind = "Credit-note" if invoice.gross_total < 0 else "Invoice"
    return f"{kind}-{number or invoice.pk}.pdf"


def _make(result: TransformationResult) -> tuple[str, str, int]:
    """Render and store; the name, checksum and page count of the file."""
    from invoicing.exports.invoice_pdf import render_pdf  # needs WeasyPrint: workers only

    invoice = result.invoice
    if invoice.item_count > MOST_LINES:
        raise ResultRefused(
            f"The invoice has {invoice.item_count:,} lines and a PDF holds {MOST_LINES:,}. Give "
            "its pricing rules a wider scope, so that they make fewer lines."
        )
    html = render_invoice_html(invoice_document(invoice))
    content = render_pdf(html, created_at=invoice.approved_at)
    name = f"invoices/{invoice.approved_at:%Y/%m}/{result.pk}-{download_name(invoice)}"
    _store(name, content)
    return name, hashlib.sha256(content).hexdigest(), content.pages


def _store(name: str, content: bytes) -> None:
    """Write under a temporary name, then rename: a reader sees the whole file or none."""
    path = Path(default_storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".making-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o640)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
