"""The invoice document: what is on it, in which language, as HTML and as PDF (B-29, B-30)."""

import dataclasses
import datetime as dt
import hashlib
import io
from decimal import Decimal

import pytest
from celery import current_app
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from approvals.services.reviews import approve_at_once
from invoicing import tasks
from invoicing.errors import ResultRefused
from invoicing.exports.invoice_html import render_invoice_html
from invoicing.exports.invoice_pdf import render_pdf
from invoicing.exports.wording import ENGLISH, GERMAN, wording_of
from invoicing.models import Invoice, InvoiceItem, TransformationResult
from invoicing.selectors.documents import invoice_document
from invoicing.services import transformations
from invoicing.services.transformations import (
    LEASE,
    MOST_ATTEMPTS,
    download_name,
    give_up_dead_results,
    queue_result,
    render_result,
)
from ledger.models import Firm
from tests import builders
from tests.approvals.cases import AT, approver, open_invoice

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def documents(settings, tmp_path):
    """Documents of a test go to a folder of its own."""
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "documents"},
    }
    settings.STORAGES = settings.STORAGES | {"default": storage}
    builders.make_firm(
        street="Speicherstadt 12",
        postal_code="20457",
        iban="DE02200505501015871714",
        vat_id="DE811234567",
    )


def customer(**fields):
    fields = {"name": "Alpenquell <Cloud> & Medien", "city": "München", "code": "K-77"} | fields
    return builders.make_customer(**fields)


def approved(invoice) -> TransformationResult:
    outcome = approve_at_once(invoice_ids=[invoice.pk], by=approver(), at=AT)[0]
    assert outcome.is_done, outcome.refusal
    return TransformationResult.objects.get(invoice=invoice)


def text_of(result) -> tuple[str, int]:
    reader = PdfReader(io.BytesIO(result.file.open("rb").read()))
    return " ".join("\n".join(page.extract_text() for page in reader.pages).split()), len(
        reader.pages
    )


def reload(invoice) -> Invoice:
    return Invoice.objects.select_related("customer", "contract").get(pk=invoice.pk)


@pytest.mark.requirement("B-29", "B-30", "CB-94", "CB-99", "CB-6", "CB-26")
def test_the_pdf_of_an_approved_invoice_names_everything():
    result = approved(open_invoice(customer(metadata={"PO number": "4500"})))

    assert render_result(result_id=result.pk, clock=lambda: LATER)

    result.refresh_from_db()
    assert (result.status, result.pages, result.processed_at) == ("completed", 1, LATER)
    content = result.file.open("rb").read()
    assert result.checksum == hashlib.sha256(content).hexdigest()
    assert result.file.name == f"invoices/2026/02/{result.pk}-Invoice-R2026-0001.pdf"
    text, pages = text_of(result)
    assert pages == 1
    for expected in (
        "Nordlicht Telekom GmbH",
        "Alpenquell <Cloud> & Medien",
        "München",
        "K-77",
        "4500",
        "Invoice R2026-0001",
        "31 January 2026",
        "14 February 2026",
        "Internet",
        "Fibre 1000",
        "75.00",
        "VAT 19% on 75.00 14.25",
        "Total EUR 89.25",
        "14 days after the invoice date",
        "DE02 2005 0550 1015 8717 14",
        "Page 1 of 1",
    ):
        assert expected in text, expected


@pytest.mark.requirement("B-30", "CB-12")
def test_a_german_customer_reads_german_and_what_was_frozen_stays():
    someone = customer(language="de")
    invoice = open_invoice(someone, net="1234.50")
    result = approved(invoice)
    someone.name, someone.language = "Umbenannt", "en"
    someone.save()
    render_result(result_id=result.pk, clock=lambda: LATER)
    result.refresh_from_db()
    text, _ = text_of(result)
    for expected in ("Rechnung R2026-0001", "31.01.2026", "1.234,50", "USt. 19 %", "1.469,06"):
        assert expected in text, expected
    assert "Umbenannt" not in text


@pytest.mark.requirement("CB-71", "CB-93")
def test_the_preview_of_an_open_invoice_is_the_same_page_and_says_so():
    html = render_invoice_html(invoice_document(reload(open_invoice(customer()))), stylesheet="/x")
    assert "Preview: not an invoice" in html
    assert "Alpenquell &lt;Cloud&gt; &amp; Medien" in html
    assert "89.25" in html
    assert "<script" not in html
    assert "style=" not in html
    assert '<link rel="stylesheet" href="/x">' in html


def test_without_a_firm_the_preview_is_shown_all_the_same():
    Firm.objects.all().delete()
    assert "not filled in yet" in render_invoice_html(
        invoice_document(reload(open_invoice(customer())))
    )


@pytest.mark.requirement("K-12")
def test_a_credit_note_carries_positive_amounts():
    result = approved(open_invoice(customer(), net="-75.00"))
    document = invoice_document(reload(result.invoice))
    assert document.is_credit_note
    assert document.gross_total == Decimal("89.25")
    line = document.groups[0].lines[0]
    assert (line.quantity, line.unit_price, line.amount) == (1, 75, 75)
    assert document.vat[0].base == 75
    html = render_invoice_html(document)
    assert "Credit note R2026-0001" in html
    assert "−" not in html
    assert download_name(result.invoice) == "Credit-note-R2026-0001.pdf"


@pytest.mark.parametrize(
    ("currency", "net", "expected"), [("JPY", "7500", "8,925"), ("BHD", "75.000", "89.250")]
)
def test_amounts_have_the_decimals_of_their_currency(currency, net, expected):
    invoice = open_invoice(customer(currency=currency), net=net)
    html = render_invoice_html(invoice_document(reload(invoice)))
    assert f">{expected}<" in html


def many_lines(count: int) -> Invoice:
    invoice = builders.make_invoice(builders.make_customer(), status="pending")
    amount = Decimal("1.00")
    InvoiceItem.objects.bulk_create(
        [
            InvoiceItem(
                invoice=invoice,
                position=position,
                kind="price",
                label=f"Line {position} " + ("W" * 150 if position == 5 else "of a product"),
                category=f"Category {position // 40}",
                quantity=Decimal(1),
                unit="unit",
                unit_price=amount,
                exact_amount=amount,
                amount=amount,
            )
            for position in range(1, count + 1)
        ]
    )
    Invoice.objects.filter(pk=invoice.pk).update(
        status="open", calculated_at=AT, net_total=count, gross_total=count, item_count=count
    )
    return Invoice.objects.get(pk=invoice.pk)


@pytest.mark.requirement("B-29")
def test_the_totals_turn_the_page_with_the_way_to_pay_and_two_lines():
    invoice = open_invoice(customer())
    document = invoice_document(reload(invoice))
    [group] = document.groups
    turned = 0
    for count in range(20, 36):
        lines = [
            dataclasses.replace(group.lines[0], position=n, label=f"Charge {n:03}")
            for n in range(1, count + 1)
        ]
        long = dataclasses.replace(
            document, groups=(dataclasses.replace(group, lines=tuple(lines)),)
        )
        pages = PdfReader(io.BytesIO(render_pdf(render_invoice_html(long)))).pages
        texts = [page.extract_text() for page in pages]
        if len(texts) == 1:
            assert not turned, "one line more never makes the document shorter"
            continue
        turned += 1
        first, last = texts
        assert last.count("Charge ") >= 2, count
        assert "Total EUR" in last, count
        assert "14 days after the invoice date" in last, count
        assert first.count("Charge ") >= 18, count
    assert turned >= 10


def test_a_long_document_repeats_its_table_head_and_counts_its_pages():
    result = approved(many_lines(150))
    assert render_result(result_id=result.pk, clock=lambda: LATER)
    result.refresh_from_db()
    text, pages = text_of(result)
    assert pages == result.pages >= 3
    assert text.count("Product or service") == pages
    assert f"Page {pages} of {pages}" in text
    assert all(f"Line {position} " in text for position in (1, 75, 150))
    assert text.count("W") >= 150  # a word longer than the column is broken, not lost


def test_reading_a_document_takes_the_same_queries_for_any_length():
    short, long = reload(many_lines(2)), reload(many_lines(60))

    def queries(invoice):
        with CaptureQueriesContext(connection) as captured:
            invoice_document(invoice)
        return len(captured)

    assert queries(short) == queries(long) <= 3


def test_both_languages_know_the_same_words():
    assert ENGLISH.keys() == GERMAN.keys()
    assert wording_of("fr").language == "en"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("R2026-0001", "Invoice-R2026-0001.pdf"),
        ("05/26 17", "Invoice-05-26-17.pdf"),
        ("../../etc", "Invoice-etc.pdf"),
        ("///", "Invoice-9.pdf"),
    ],
)
def test_download_names_are_safe_everywhere(number, name):
    assert download_name(Invoice(pk=9, number=number, gross_total=Decimal(1))) == name


# The work list (R7)


def test_a_result_is_made_once_however_often_it_is_asked_for(monkeypatch):
    result = approved(open_invoice(customer()))
    made = []
    monkeypatch.setattr(
        transformations, "_make", lambda row: made.append(row.pk) or ("a.pdf", "c" * 64, 1)
    )
    assert render_result(result_id=result.pk, clock=lambda: LATER)
    assert not render_result(result_id=result.pk, clock=lambda: LATER)
    assert not render_result(result_id=10**9, clock=lambda: LATER)
    assert made == [result.pk]


def test_a_worker_that_died_leaves_its_work_to_another(monkeypatch):
    result = approved(open_invoice(customer()))
    rows = TransformationResult.objects.filter(pk=result.pk)
    assert rows.claim(at=AT, lease_until=AT + LEASE, most_attempts=MOST_ATTEMPTS)  # then killed
    monkeypatch.setattr(transformations, "_make", lambda row: ("a.pdf", "c" * 64, 1))
    assert not render_result(result_id=result.pk, clock=lambda: LATER)
    assert render_result(result_id=result.pk, clock=lambda: AT + LEASE)


def test_a_worker_that_lost_its_lease_writes_nothing(monkeypatch):
    result = approved(open_invoice(customer()))
    rows = TransformationResult.objects.filter(pk=result.pk)

    def slow(row):
        rows.update(lease_until=AT + 3 * LEASE)  # another worker took it over
        return ("a.pdf", "c" * 64, 1)

    monkeypatch.setattr(transformations, "_make", slow)
    assert not render_result(result_id=result.pk, clock=lambda: LATER)
    assert rows.get().status == "processing"


def test_a_failure_is_tried_again_and_then_given_up_with_its_reason(monkeypatch):
    result = approved(open_invoice(customer()))
    monkeypatch.setattr(
        transformations, "_make", lambda row: (_ for _ in ()).throw(OSError("disk full"))
    )
    moment = LATER
    for _attempt in range(1, MOST_ATTEMPTS):
        assert not render_result(result_id=result.pk, clock=lambda now=moment: now)
        result.refresh_from_db()
        assert (result.status, "disk full" in result.error) == ("queued", True)
        assert not render_result(result_id=result.pk, clock=lambda now=moment: now)  # too early
        moment = result.lease_until
    render_result(result_id=result.pk, clock=lambda: moment)
    result.refresh_from_db()
    assert (result.status, result.attempts) == ("failed", MOST_ATTEMPTS)
    assert "Given up after 5 attempts" in result.error
    again = queue_result(invoice=reload(result.invoice), by=approver(), at=moment)
    assert (again.pk, again.status, again.attempts) == (result.pk, "queued", 0)


def test_work_over_which_workers_die_is_given_up():
    result = approved(open_invoice(customer()))
    rows = TransformationResult.objects.filter(pk=result.pk)
    rows.update(status="processing", attempts=MOST_ATTEMPTS, lease_until=AT)
    assert give_up_dead_results(at=AT - dt.timedelta(seconds=1)) == 0
    assert give_up_dead_results(at=AT) == 1
    assert "died 5 times" in rows.get().error


def test_a_document_beyond_the_bound_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(transformations, "MOST_LINES", 1)
    result = approved(open_invoice(customer()))
    assert not render_result(result_id=result.pk, clock=lambda: LATER)
    result.refresh_from_db()
    assert (result.status, result.attempts) == ("failed", 1)
    assert "has 2 lines and a PDF holds 1" in result.error


def test_a_half_written_file_is_never_seen(monkeypatch, tmp_path):
    result = approved(open_invoice(customer()))
    monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError("no space")))
    render_result(result_id=result.pk, clock=lambda: LATER)
    folder = tmp_path / "documents" / "invoices" / "2026" / "02"
    assert list(folder.iterdir()) == []
    assert not default_storage.exists(f"invoices/2026/02/{result.pk}-Invoice-R2026-0001.pdf")


def test_the_sweep_queues_what_waits_and_only_that(monkeypatch):
    waiting = approved(open_invoice(customer()))
    done = approved(open_invoice())
    dead = approved(open_invoice())
    rows = TransformationResult.objects
    rows.filter(pk=done.pk).update(status="completed", file="a", checksum="c", processed_at=AT)
    rows.filter(pk=dead.pk).update(status="processing", attempts=MOST_ATTEMPTS, lease_until=AT)
    sent = []
    monkeypatch.setattr(tasks, "send", lambda task, **arguments: sent.append((task, arguments)))
    assert tasks.sweep_unrendered_documents() == 1
    assert sent == [(tasks.render_result, {"result_id": waiting.pk})]
    assert rows.get(pk=dead.pk).status == "failed"
    assert current_app.amqp.router.route({}, tasks.render_result.name)["queue"].name == "documents"


def test_the_newest_documents_are_made_ahead_of_a_backlog(monkeypatch):
    results = [approved(open_invoice()) for _ in range(4)]
    monkeypatch.setattr(tasks, "AWAITED_DOCUMENTS", 1)
    monkeypatch.setattr(tasks, "DOCUMENT_SWEEP_LIMIT", 3)
    sent = []
    monkeypatch.setattr(
        tasks.render_result,
        "apply_async",
        lambda *, kwargs, priority, **options: sent.append((kwargs["result_id"], priority)),
    )
    assert tasks.sweep_unrendered_documents() == 3
    oldest, second, _, newest = (result.pk for result in results)
    assert sent == [(newest, tasks.FIRST), (oldest, tasks.LAST), (second, tasks.LAST)]


def test_only_approved_invoices_have_a_pdf():
    with pytest.raises(ResultRefused, match="made when it is approved"):
        queue_result(invoice=reload(open_invoice(customer())), by=None, at=AT)
