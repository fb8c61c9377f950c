"""Pages of approval, closing and documents as a person meets them."""

import re

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from approvals.services.reviews import request_approval
from approvals.services.single import approve
from invoicing.models import Invoice, TransformationResult
from tests import builders
from tests.approvals.cases import AT, approver, make_group, make_process, member_of, open_invoice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _set_up(settings, tmp_path, monkeypatch):
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path},
    }
    settings.STORAGES = settings.STORAGES | {"default": storage}
    settings.CELERY_TASK_ALWAYS_EAGER = False
    monkeypatch.setattr("invoicing.tasks.send", lambda task, **arguments: None)
    builders.make_firm()
    with time_machine.travel(AT, tick=False):
        yield


def page(client, user, name, invoice, **post):
    client.force_login(user)
    url = reverse(name, args=[invoice.pk])
    return client.post(url, post) if post else client.get(url)


def mark_in(response) -> str:
    return re.search(r'name="mark" value="([^"]*)"', response.content.decode())[1]


@pytest.mark.requirement("CB-57", "CB-64", "K-17", "X-4")
def test_approving_asks_once_says_it_is_for_good_and_shows_what_is_approved(client):
    user, invoice = approver(), open_invoice()
    asked = page(client, user, "approvals:invoice-approve", invoice)
    text = asked.content.decode()
    for expected in ("cannot be undone", invoice.customer.name, "89.25", "Approve"):
        assert expected in text, expected
    assert Invoice.objects.get().status == "open"

    for _ in range(2):  # sent twice
        done = client.post(asked.wsgi_request.path, {"mark": mark_in(asked), "note": "fine"})
        assert done.url == invoice.get_absolute_url()
    assert Invoice.objects.get().number == "R2026-0001"
    assert Invoice.objects.get().reviews.get().decisions.get().note == "fine"


def test_a_page_that_is_out_of_date_says_what_changed(client):
    user, invoice = approver(), open_invoice()
    asked = page(client, user, "approvals:invoice-approve", invoice)
    Invoice.objects.update(net_total=100, vat_total=19, gross_total=119)
    answer = client.post(asked.wsgi_request.path, {"mark": mark_in(asked)})
    assert answer.status_code == 409
    assert "was 89.25 EUR and is 119.00 EUR now" in answer.content.decode()
    assert Invoice.objects.get().status == "open"


def test_a_note_that_cannot_be_kept_is_shown_with_its_reason(client):
    user, invoice = approver(), open_invoice()
    asked = page(client, user, "approvals:invoice-approve", invoice)
    for note in ("x" * 501, "hidden \u202e"):
        answer = client.post(asked.wsgi_request.path, {"mark": mark_in(asked), "note": note})
        assert answer.status_code == 422
    assert Invoice.objects.get().status == "open"


@pytest.mark.requirement("CB-108", "CB-110")
def test_rejecting_from_the_page(client):
    user, invoice = approver(), open_invoice()
    request_approval(invoice_ids=[invoice.pk], by=user, at=AT)
    asked = page(client, user, "approvals:invoice-reject", invoice)
    answer = client.post(asked.wsgi_request.path, {"mark": mark_in(asked), "note": "too high"})
    assert answer.status_code == 302
    assert Invoice.objects.get().status == "pending"
    assert "too high" in page(client, user, "approvals:invoice-reject", invoice).content.decode()


@pytest.mark.requirement("X-4", "CB-103", "CB-106")
@pytest.mark.parametrize("address", ["invoice-list", "invoice-detail"])
def test_the_buttons_of_a_step_are_offered_to_those_who_may_decide(client, address):
    first = make_group("First reviewers")
    customer = builders.make_customer()
    make_process(first, customer_cluster=customer.cluster, four_eyes=True)
    ann, ben, invoice = member_of(first), member_of(first), open_invoice(customer)
    request_approval(invoice_ids=[invoice.pk], by=ann, at=AT)
    url = reverse(f"invoicing:{address}", args=[] if address == "invoice-list" else [invoice.pk])
    offered = {}
    for name, user in (("ann", ann), ("ben", ben), ("other", approver())):
        user.user_permissions.add(*Permission.objects.filter(codename="view_invoice"))
        client.force_login(user)
        text = client.get(url).content.decode()
        steps = ("Approve this step", "Reject")
        offered[name] = [step for step in steps if f'aria-label="{step} ' in text]
    assert offered == {"ann": ["Reject"], "ben": ["Approve this step", "Reject"], "other": []}


def test_who_has_no_turn_sees_why_and_no_button(client):
    first = make_group("First reviewers")
    customer = builders.make_customer()
    make_process(first, customer_cluster=customer.cluster)
    ann, invoice = member_of(first), open_invoice(customer)
    request_approval(invoice_ids=[invoice.pk], by=ann, at=AT)
    text = page(client, approver(), "approvals:invoice-approve", invoice).content.decode()
    assert "First reviewers, and you are not in it" in text
    assert 'name="mark"' not in text


@pytest.mark.requirement("CB-13", "CB-64", "CB-66")
def test_closing_asks_once_and_says_it_is_for_good(client):
    clerk, invoice = builders.make_user("Finance"), open_invoice()
    asked = page(client, clerk, "invoicing:invoice-close", invoice)
    assert "cannot be undone" in asked.content.decode()
    Invoice.objects.update(calculated_at=AT)
    answer = client.post(asked.wsgi_request.path, {"mark": mark_in(asked)})
    assert answer.status_code == 409
    asked = page(client, clerk, "invoicing:invoice-close", invoice)
    assert client.post(asked.wsgi_request.path, {"mark": mark_in(asked)}).status_code == 302
    assert Invoice.objects.get().status == "closed"
    again = client.post(asked.wsgi_request.path, {"mark": mark_in(asked)})
    assert "closed for good" in again.content.decode()


def test_recalculating_needs_no_question(client):
    clerk, invoice = builders.make_user("Finance"), open_invoice()
    assert page(client, clerk, "invoicing:invoice-recalculate", invoice).status_code == 405
    page(client, clerk, "invoicing:invoice-recalculate", invoice, sent="1")
    assert Invoice.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("name", "role", "answers"),
    [
        ("approvals:invoice-reject", "Finance", 403),
        ("invoicing:invoice-close", "Auditor", 403),
        ("invoicing:invoice-recalculate", "Auditor", 403),
        ("invoicing:invoice-preview", "Auditor", 200),
        ("invoicing:invoice-pdf", "Auditor", 404),
    ],
)
def test_rights(client, name, role, answers):
    invoice = open_invoice()
    assert page(client, builders.make_user(role), name, invoice).status_code == answers
    nobody = builders.make_user()
    assert page(client, nobody, name, invoice).status_code == 403
    client.logout()
    assert client.get(reverse(name, args=[invoice.pk])).status_code == 302


@pytest.mark.requirement("CB-71", "CB-93")
def test_the_preview_runs_no_script_and_may_be_framed_by_us_only(client):
    answer = page(
        client, builders.make_user("Auditor"), "invoicing:invoice-preview", open_invoice()
    )
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "css/document" in answer.content.decode()


@pytest.mark.requirement("CB-75", "CB-77")
def test_the_pdf_is_shown_in_the_page_and_downloaded_under_a_safe_name(client):
    user, invoice = approver(), open_invoice()
    asked = page(client, user, "approvals:invoice-approve", invoice)
    approve(invoice_id=invoice.pk, mark=mark_in(asked), by=user, at=AT)
    name = default_storage.save("a.pdf", ContentFile(b"%PDF-1.7 x"))
    results = TransformationResult.objects.all()
    results.update(status="completed", file=name, checksum="c", processed_at=AT, pages=1)
    shown = page(client, user, "invoicing:invoice-pdf", invoice)
    assert shown["Content-Type"] == "application/pdf"
    assert shown["Content-Disposition"] == 'inline; filename="Invoice-R2026-0001.pdf"'
    assert b"".join(shown.streaming_content) == b"%PDF-1.7 x"
    saved = client.get(reverse("invoicing:invoice-pdf", args=[invoice.pk]), {"download": "1"})
    assert saved["Content-Disposition"].startswith("attachment")
    assert b"".join(saved.streaming_content) == b"%PDF-1.7 x"
    default_storage.delete(name)
    assert page(client, user, "invoicing:invoice-pdf", invoice).status_code == 404
