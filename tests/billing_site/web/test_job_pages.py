"""Jobs on the screen: progress, outcomes, buttons, and whose they are."""

import csv
import datetime as dt
import io
import uuid

import pytest
from django.utils import timezone

from billing_site.web import jobs
from billing_site.web.enums import JobStatus
from billing_site.web.models import Job, JobItem
from billing_site.web.templatetags.workplace_home import jobs_card
from tests.billing_site.web import handlers  # noqa: F401  (registers the kinds of the tests)
from tests.billing_site.web.conftest import make_job

ADDRESSES = ["", "cancel/", "retry/", "download/"]


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr(jobs.current_app, "send_task", lambda *args, **options: None)


def at_work(owner, **fields) -> Job:
    now = timezone.now()
    return make_job(
        owner,
        status=JobStatus.RUNNING,
        started_at=now - dt.timedelta(seconds=30),
        lease_token=uuid.uuid4(),
        lease_until=now + dt.timedelta(minutes=1),
        **fields,
    )


@pytest.mark.parametrize("part", ADDRESSES)
def test_the_job_of_another_is_not_found(as_anna, bert, part):
    job = make_job(bert, status=JobStatus.FAILED, result={"file": "x"})
    address = f"/jobs/{job.pk}/{part}"
    send = as_anna.post if part in ("cancel/", "retry/") else as_anna.get

    assert send(address).status_code == 404
    assert as_anna.get("/jobs/999999999/").status_code == 404
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert Job.objects.count() == 1


def test_the_list_shows_own_jobs_and_everybodys_to_staff_with_the_right(client, anna, bert, chief):
    make_job(anna, title="Work of Anna")
    make_job(bert, title="Work of Bert")

    client.force_login(anna)
    text = client.get("/jobs/").content.decode()
    assert "Work of Anna" in text
    assert "Work of Bert" not in text
    assert "bert" not in client.get("/jobs/?part=suggest&field=owner&owner=b").content.decode()

    client.force_login(chief)
    text = client.get("/jobs/").content.decode()
    assert "Work of Anna" in text
    assert "Work of Bert" in text
    assert "bert" in client.get("/jobs/?part=suggest&field=owner&owner=b").content.decode()


def test_a_working_job_asks_again_by_itself_and_an_ended_one_does_not(as_anna, anna):
    job = at_work(anna, total=200, done=100)
    text = as_anna.get(f"/jobs/{job.pk}/").content.decode()
    assert 'hx-trigger="every 1s"' in text
    assert 'value="50"' in text
    assert "about 30 s left" in text

    part = as_anna.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="job-state"')

    ended = make_job(anna, status=JobStatus.COMPLETED)
    assert "every 1s" not in as_anna.get(f"/jobs/{ended.pk}/").content.decode()


def test_a_job_that_no_worker_heard_of_says_when_it_will_start(as_anna, anna):
    job = make_job(anna)
    assert "starts by itself" in as_anna.get(f"/jobs/{job.pk}/").content.decode()


@pytest.mark.requirement("N-4")
def test_the_outcome_of_each_row_is_shown_filtered_and_exported(as_anna, anna):
    job = make_job(anna, status=JobStatus.COMPLETED_WITH_ERRORS)
    for n, (outcome, reason) in enumerate(
        [("done", ""), ("skipped", "Not past yet."), ("failed", "=1+1")], 1
    ):
        JobItem.objects.create(
            job=job, object_id=n, label=f"Row {n}", outcome=outcome, reason=reason
        )

    text = as_anna.get(f"/jobs/{job.pk}/").content.decode()
    assert "Not past yet." in text
    only = as_anna.get(f"/jobs/{job.pk}/?outcome=skipped").content.decode()
    assert "Row 2" in only
    assert "Row 1" not in only
    exported = as_anna.get(f"/jobs/{job.pk}/?part=export").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(exported)))
    assert rows[2] == ["Row 2", "Skipped", "Not past yet."]
    assert not rows[3][2].startswith("=")


def test_many_outcomes_cost_no_more_queries_and_the_rest_is_in_the_export(
    as_anna, anna, django_assert_max_num_queries
):
    job = make_job(anna, status=JobStatus.COMPLETED)
    JobItem.objects.bulk_create(
        [JobItem(job=job, object_id=n, label=f"Row {n}", outcome="done") for n in range(1, 303)]
    )
    with django_assert_max_num_queries(9):
        text = as_anna.get(f"/jobs/{job.pk}/").content.decode()
    assert "The first 200 are shown" in text
    assert len(as_anna.get(f"/jobs/{job.pk}/?part=export").content.splitlines()) == 303


def test_cancel_and_start_again_from_the_page(as_anna, anna):
    job = make_job(anna)
    assert "Cancel" in as_anna.get(f"/jobs/{job.pk}/").content.decode()
    as_anna.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED

    text = as_anna.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert "already ended" in text
    response = as_anna.post(f"/jobs/{job.pk}/retry/")
    again = Job.objects.get(retry_of=job)
    assert response["Location"] == f"/jobs/{again.pk}/"
    assert "Start again" not in as_anna.get(f"/jobs/{job.pk}/").content.decode()


@pytest.mark.parametrize("part", ["cancel/", "retry/"])
def test_a_link_alone_changes_nothing(as_anna, anna, part):
    job = make_job(anna, status=JobStatus.FAILED)
    assert as_anna.get(f"/jobs/{job.pk}/{part}").status_code == 405


def test_progress_follows_the_user_and_tells_when_it_ended(as_anna, anna, bert):
    job = at_work(anna, title="Import of March", total=10, done=5)
    at_work(bert, title="Work of Bert")

    text = as_anna.get("/jobs/progress/").content.decode()
    assert "Import of March" in text
    assert "50 %" in text
    assert "Work of Bert" not in text
    assert f"watched={job.pk}" in text
    assert "every 2s" in text

    Job.objects.filter(pk=job.pk).finish(
        token=job.lease_token, status=JobStatus.COMPLETED, at=timezone.now()
    )
    text = as_anna.get(f"/jobs/progress/?watched={job.pk}").content.decode()
    assert 'hx-swap-oob="beforeend:#toasts"' in text
    assert "Import of March" in text
    assert "every 20s" in text
    text = as_anna.get("/jobs/progress/").content.decode()
    assert "Import of March" not in text


def ended(owner, **fields) -> Job:
    now = timezone.now()
    return make_job(
        owner,
        created_at=now - dt.timedelta(seconds=3),
        finished_at=now,
        **{"status": "completed"} | fields,
    )


def told(client, query: str = "", **headers) -> str:
    return " ".join(client.get(f"/jobs/progress/{query}", headers=headers).content.decode().split())


def test_the_end_of_a_job_comes_with_the_way_to_its_result(as_anna, anna):
    file = ended(
        anna, title="Export", result={"file_name": "Invoices.csv"}, result_url="/jobs/1/download/"
    )
    page = ended(anna, title="Import", result_url="/imports/1/", skipped=1200)
    nothing = ended(anna, title="Other", result={"file_name": "never.csv"})
    broken = ended(anna, title="Broken", status=JobStatus.FAILED, error="The <disk> is full.")

    text = told(as_anna, f"?watched={file.pk},{page.pk},{nothing.pk},{broken.pk}")
    assert 'href="/jobs/1/download/" data-dismiss-toast' in text
    assert "Download Invoices.csv</a>" in text
    assert 'href="/imports/1/"' in text
    assert "Show the result" in text
    assert "0 done, 1,200 skipped" in text
    assert "never.csv" not in text
    assert "The &lt;disk&gt; is full." in text
    assert text.count(" data-stay") == 3, "what has nothing to fetch leaves by itself"


def test_a_job_done_with_a_warning_is_told_in_amber_with_its_words(as_anna, anna):
    job = ended(anna, title="Check of March", result={"warning": "14 rows have errors"})
    text = told(as_anna, f"?watched={job.pk}")
    assert "Check of March</a>: 14 rows have errors" in text
    assert "toast-warning" in text
    assert "toast-success" not in text
    page = as_anna.get(f"/jobs/{job.pk}/").content.decode()
    assert "14 rows have errors" in page


def test_a_job_that_ended_before_a_page_could_watch_it_is_told_once(as_anna, anna, bert):
    quick = ended(anna, title="Quick work")
    ended(bert, title="Work of Bert")
    make_job(anna, title="Work of March", status=JobStatus.COMPLETED)  # long ago

    text = told(as_anna)
    assert "Quick work" in text
    assert "Work of Bert" not in text
    assert "Work of March" not in text
    assert "Quick work" not in told(as_anna)
    assert "Quick work" in told(as_anna, f"?watched={quick.pk}"), "a page that watched is told"


def test_the_page_of_a_job_is_not_told_what_it_shows(as_anna, anna):
    job = ended(anna, title="Quick work")
    address = f"http://testserver/jobs/{job.pk}/?outcome=failed"
    headers = {"HX-Request": "true", "HX-Current-URL": address}
    assert "Quick work" not in told(as_anna, f"?watched={job.pk}", **headers)
    assert "Quick work" not in told(as_anna)


def test_nobody_learns_of_the_end_of_anothers_job(as_anna, bert):
    job = make_job(bert, status=JobStatus.COMPLETED, title="Work of Bert")
    text = as_anna.get(f"/jobs/progress/?watched={job.pk},x,٣,{'9' * 30}").content.decode()
    assert "Work of Bert" not in text


def test_a_download_exists_only_for_an_ended_job_with_a_file(as_anna, anna):
    for job in (
        make_job(anna, status=JobStatus.COMPLETED),
        make_job(anna, status=JobStatus.FAILED, result={"file": "exports/x.csv"}),
        make_job(anna, status=JobStatus.COMPLETED, result={"file": "exports/never-written.csv"}),
    ):
        assert as_anna.get(f"/jobs/{job.pk}/download/").status_code == 404


def test_the_home_page_counts_own_work(as_anna, anna, bert):
    make_job(anna)
    make_job(anna, status=JobStatus.FAILED)
    retried = make_job(anna, status=JobStatus.FAILED)
    jobs.retry_job(job=retried, by=anna, at=timezone.now())
    make_job(bert, status=JobStatus.FAILED)

    class Request:
        user = anna

    lines = {line["label"]: line["count"] for line in jobs_card({"request": Request})["lines"]}
    assert lines == {"At work": 2, "Needs attention": 1}
    assert "Your jobs" in as_anna.get("/").content.decode()
