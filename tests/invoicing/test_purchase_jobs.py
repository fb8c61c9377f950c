"""The jobs of the purchase import, with a database that really commits."""

import pytest

from billing_site.web.jobs import run
from billing_site.web.models import Job
from invoicing.enums import ImportStatus, InvoiceStatus
from invoicing.models import ImportRow, Purchase
from invoicing.services.purchase_imports import start_check, start_import
from tests import builders
from tests.invoicing.import_files import AT, imported, line, upload


@pytest.fixture
def world(committed_db, own_storage):
    """Committed rows that a job's own thread can see."""
    owner = builders.make_user("Finance")
    customer = builders.make_customer(code="C1")
    builders.make_item(code="P1")
    return owner, builders.make_invoice(customer, status=InvoiceStatus.OPEN)


def run_started(job: Job) -> Job:
    assert run(job_id=job.pk)
    job.refresh_from_db()
    return job


@pytest.mark.requirement("H-CB4", "R6")
def test_the_jobs_check_and_import_with_progress(world):
    owner, invoice = world
    batch = upload(line("R1"), line("R2"), owner=owner)
    job = run_started(start_check(batch_id=batch.pk, owner=owner, at=AT))
    assert (job.status, job.error, job.done, job.total) == ("completed", "", 2, 2)
    assert (job.warning, job.ending) == ("", "success")
    job = run_started(start_import(batch_id=batch.pk, owner=owner, at=AT))
    assert (job.status, job.done, job.total) == ("completed", 2, 2)
    assert job.result["unmapped"] == 0
    assert job.result_url == batch.get_absolute_url()
    assert Purchase.objects.filter(invoice=invoice).count() == 2
    assert not ImportRow.objects.exists()


@pytest.mark.requirement("H-CB4", "R11")
@pytest.mark.parametrize(("bad", "words"), [(1, "1 row has an error"), (2, "2 rows have errors")])
def test_a_check_that_found_errors_ends_with_a_warning(world, bad, words):
    owner, _ = world
    batch = upload(line("R1"), *(line(f"B{n}", quantity="x") for n in range(bad)), owner=owner)
    job = run_started(start_check(batch_id=batch.pk, owner=owner, at=AT))
    assert job.status == "completed"
    assert (job.warning, job.ending) == (words, "warning")


def test_a_failed_or_cancelled_job_leaves_the_file_ready_for_another(world):
    owner, _ = world
    batch = upload(line("R1"), owner=owner)
    run_started(start_check(batch_id=batch.pk, owner=owner, at=AT))
    job = start_import(batch_id=batch.pk, owner=owner, at=AT)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=AT)
    job = run_started(job)
    assert job.status == "cancelled"
    batch.refresh_from_db()
    assert not Purchase.objects.exists()
    again = start_import(batch_id=batch.pk, owner=owner, at=AT)
    assert again != job
    assert run_started(again).status == "completed"
    assert Purchase.objects.count() == 1


def test_a_job_whose_preview_is_outdated_fails_with_the_sentence(world):
    owner, _ = world
    batch = upload(line("R1"), owner=owner)
    run_started(start_check(batch_id=batch.pk, owner=owner, at=AT))
    imported(line("R1", total="3"))
    job = run_started(start_import(batch_id=batch.pk, owner=owner, at=AT))
    assert job.status == "failed"
    assert "check it again" in job.error
    batch.refresh_from_db()
    assert batch.status == ImportStatus.CHECKED


def test_a_job_without_the_right_does_nothing(world):
    owner, _ = world
    batch = upload(line("R1"), owner=owner)
    job = start_check(batch_id=batch.pk, owner=builders.make_user(), at=AT)
    assert run_started(job).status == "failed"
    assert not ImportRow.objects.exists()
