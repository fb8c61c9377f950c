"""Transfer to Billing from the page to the batch: rights, outcome per line, once (L-41, X-11, N-4)."""

import csv
import io
import threading

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from billing_site.web import jobs
from billing_site.web.enums import ItemOutcome
from billing_site.web.models import Job, Selection
from inventory.models import BillingPlatform
from orders import jobs as order_jobs
from orders.models import BillStatusEvent, OrderLine, TransferBatch
from orders.services.conversion import convert_lines
from orders.services.transfers import begin_transfer, transfer_lines
from tests import builders
from tests.orders.export_lines import (
    IN,
    NOON,
    NUMBER,
    PAGE,
    READY,
    TODAY,
    choose,
    confirm,
    make_ready,
    may_export,
    run_latest_job,
    statuses,
)


def transfer(desk, platform, **data) -> Job:
    """Tick, look at the confirmation, confirm, let the worker work."""
    answer = choose(desk, f"&platform={platform.pk}", **data)
    assert desk.get(answer["Location"]).status_code == 200
    assert (
        confirm(desk, answer["Location"])["Location"] == Job.objects.latest("pk").get_absolute_url()
    )
    return run_latest_job()


def outcomes(job: Job) -> list[tuple[str, str, str]]:
    return list(job.items.order_by("pk").values_list("label", "outcome", "reason"))


@pytest.mark.django_db
@pytest.mark.requirement("L-41", "X-10", "X-11", "N-4")
def test_a_transfer_moves_ready_tracks_of_the_route_and_names_each_line(
    desk, exporter, affinity, other
):
    both, split = make_ready(affinity, affinity), make_ready(affinity, other)
    untouched = make_ready(affinity, affinity)
    answer = choose(desk, f"&platform={affinity.pk}", ids=[both.pk, split.pk])
    page = desk.get(answer["Location"])
    assert (page.context["eligible_count"], page.context["skipped_count"]) == (2, 0)
    assert "has the route Affinity becomes In Billing" in page.content.decode()
    assert "Transfer to Billing 2 lines" in page.content.decode()
    confirm(desk, answer["Location"])
    job = run_latest_job()
    assert (job.status, job.done, job.skipped) == ("completed", 2, 0)
    assert outcomes(job) == [
        (f"{both}: Up-front and Recurring", ItemOutcome.DONE, ""),
        (f"{split}: Up-front", ItemOutcome.DONE, ""),
    ]
    assert [statuses(line) for line in (both, split, untouched)] == [
        (IN, IN),
        (IN, READY),
        (READY, READY),
    ]
    batch = TransferBatch.objects.get()
    assert (batch.platform, batch.by, batch.job) == (affinity, exporter, job)
    assert job.result_url == batch.get_absolute_url()
    assert batch.events.count() == 3


@pytest.mark.django_db
@pytest.mark.requirement("X-14", "L-42")
def test_the_whole_filter_is_that_of_the_route(desk, affinity, other):
    mine = [make_ready(affinity) for _ in range(3)]
    foreign = make_ready(other, other)
    job = transfer(desk, affinity, whole="1", ids=[mine[0].pk], shown=str(mine[0].pk))
    assert job.done == 3
    assert statuses(foreign) == (READY, READY)


@pytest.mark.django_db
@pytest.mark.requirement("N-4", "X-11")
def test_what_changed_between_confirmation_and_work_is_skipped_with_its_reason(
    desk, affinity, exporter
):
    line, late = make_ready(affinity), make_ready(affinity)
    answer = choose(desk, f"&platform={affinity.pk}", ids=[line.pk, late.pk])
    batch = begin_transfer(platform_id=affinity.pk, by=exporter, at=NOON)
    transfer_lines(batch=batch, line_ids=[late.pk], at=NOON)
    page = desk.get(answer["Location"])
    assert (page.context["eligible_count"], page.context["skipped_count"]) == (1, 1)
    confirm(desk, answer["Location"])
    job = run_latest_job()
    assert outcomes(job) == [
        (f"{line}: Up-front", "done", ""),
        (
            str(late),
            "skipped",
            "Nothing of it is Ready to Bill on Affinity: Up-front is In Billing.",
        ),
    ]


@pytest.mark.django_db
@pytest.mark.requirement("L-41")
def test_transferring_twice_moves_nothing_the_second_time(desk, affinity):
    line = make_ready(affinity, affinity)
    query = f"&platform={affinity.pk}"
    first, second = (choose(desk, query, ids=[line.pk])["Location"] for _ in range(2))
    confirm(desk, first)
    run_latest_job()
    selection = Selection.objects.latest("pk")
    assert "nothing to do" in desk.get(second).content.decode()
    desk.post(second.replace("?", "?part=confirm&"), {"count": selection.count})
    job = run_latest_job()
    assert (job.done, job.skipped) == (0, 1)
    assert BillStatusEvent.objects.filter(batch__isnull=False).count() == 2


@pytest.mark.django_db
@pytest.mark.requirement("L-35", "L-37")
@pytest.mark.parametrize("query", ["", "&platform=", "&platform=0", "&platform=abc"])
def test_no_selection_is_made_before_a_route_is_chosen(desk, affinity, query):
    line = make_ready(affinity)
    answer = choose(desk, query, ids=[line.pk])
    assert answer.status_code == 302
    assert "Choose a billing route" in desk.get(answer["Location"]).content.decode()
    assert not Selection.objects.exists()


@pytest.mark.django_db
@pytest.mark.requirement("L-35", "L-41")
@pytest.mark.parametrize("query", ["", "platform=", "platform=0", "platform=%00", "platform=house"])
def test_a_job_without_a_route_refuses(exporter, no_broker, affinity, query):
    """A selection that was made by hand, past the page."""
    line = make_ready(affinity)
    house = BillingPlatform.objects.get(is_in_house=True)
    selection = Selection.objects.create(
        owner=exporter,
        list_key=order_jobs.BILLING_EXPORT,
        whole_filter=False,
        query=query.replace("house", str(house.pk)),
        ids=[line.pk],
        count=1,
        created_at=NOON,
    )
    selection.job = jobs.start_job(
        kind=order_jobs.TRANSFER_JOB, title="By hand", owner=exporter, at=timezone.now()
    )
    selection.save()
    job = run_latest_job()
    assert (job.status, "No billing route was chosen" in job.error) == ("failed", True)
    assert statuses(line)[0] == READY
    assert not TransferBatch.objects.exists()


@pytest.mark.django_db
@pytest.mark.requirement("L-33", "L-41", "D-08")
def test_a_transfer_by_hand_without_the_permission_changes_nothing(desk, client_for, affinity):
    line = make_ready(affinity, affinity)
    query = f"&platform={affinity.pk}"
    mine = choose(desk, query, ids=[line.pk])["Location"]
    stranger = client_for("Finance", "Invoice approval", "Auditor")
    answers = [
        stranger.get(PAGE),
        stranger.post(f"{PAGE}?part=selection{query}", {"ids": [line.pk]}),
        choose(stranger, query, ids=[line.pk]),
        stranger.get(mine),
        confirm(stranger, mine),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert not Job.objects.exists()
    assert Selection.objects.count() == 1
    assert statuses(line) == (READY, READY)


@pytest.mark.django_db
@pytest.mark.requirement("L-33", "D-08")
def test_a_selection_of_somebody_else_is_not_found(desk, affinity, no_broker):
    line = make_ready(affinity)
    mine = choose(desk, f"&platform={affinity.pk}", ids=[line.pk])["Location"]
    colleague = builders.make_user()
    may_export(colleague)
    client = Client()
    client.force_login(colleague)
    assert client.get(mine).status_code == 404
    assert confirm(client, mine).status_code == 404
    assert not Job.objects.exists()


@pytest.mark.django_db
@pytest.mark.requirement("L-33", "L-41")
def test_a_right_taken_away_meanwhile_stops_the_transfer(desk, exporter, affinity):
    line = make_ready(affinity)
    confirm(desk, choose(desk, f"&platform={affinity.pk}", ids=[line.pk])["Location"])
    exporter.user_permissions.clear()
    assert run_latest_job().status == "failed"
    assert statuses(line)[0] == READY


@pytest.mark.django_db
@pytest.mark.requirement("L-41", "R1")
def test_a_killed_transfer_goes_on_in_its_batch_and_moves_nothing_twice(
    desk, affinity, monkeypatch
):
    lines = [make_ready(affinity, affinity) for _ in range(5)]
    answer = choose(desk, f"&platform={affinity.pk}", ids=[line.pk for line in lines])
    confirm(desk, answer["Location"])
    monkeypatch.setattr(order_jobs, "LINES_AT_ONCE", 2)
    real, calls = order_jobs.transfer_lines, []

    class Killed(BaseException):
        """As ``kill -9``: nothing more is written."""

    def dying(**named):
        found = real(**named)
        calls.append(found)
        if len(calls) == 2:
            raise Killed
        return found

    monkeypatch.setattr(order_jobs, "transfer_lines", dying)
    job = Job.objects.get()
    with pytest.raises(Killed):
        jobs.run(job_id=job.pk)
    assert BillStatusEvent.objects.filter(batch__isnull=False).count() == 8
    Job.objects.filter(pk=job.pk).update(lease_until=NOON)  # the lease runs out
    job = run_latest_job()
    assert (job.status, job.done, job.skipped, job.attempts) == ("completed", 5, 0, 2)
    assert [outcome for _, outcome, _ in outcomes(job)] == ["done"] * 5
    assert TransferBatch.objects.count() == 1
    assert TransferBatch.objects.get().events.count() == 10


@pytest.mark.django_db
@pytest.mark.requirement("L-41", "X-11")
def test_a_transfer_has_a_page_with_the_charges_it_moved(desk, exporter, affinity, other):
    line = make_ready(affinity, affinity, notes="n")
    transfer(desk, affinity, ids=[line.pk])
    later = make_ready(affinity)
    transfer(desk, affinity, ids=[later.pk])
    second, first = TransferBatch.objects.all()
    page = desk.get(first.get_absolute_url())
    assert [event.line for event in page.context["page"].rows] == [line, line]
    text = page.content.decode()
    assert f"Transfer {first.pk} to Affinity" in text
    assert exporter.username in text
    assert "In Billing" in text
    query = "?customer_code=" + line.order.customer.code
    assert len(desk.get(first.get_absolute_url() + query).context["page"].rows) == 2
    assert not desk.get(second.get_absolute_url() + query).context["page"].rows
    only = desk.get(f"{first.get_absolute_url()}?track=recurring&batch={second.pk}")
    assert [(e.batch, e.track) for e in only.context["page"].rows] == [(first, "recurring")]

    listed = desk.get("/orders/transfers/")
    assert [(b.pk, b.lines, b.charges) for b in listed.context["page"].rows] == [
        (second.pk, 1, 1),
        (first.pk, 1, 2),
    ]
    assert not desk.get(f"/orders/transfers/?platform={other.pk}").context["page"].rows
    assert desk.get(f"/orders/transfers/?by={exporter.username}").context["page"].rows
    assert desk.get("/orders/transfers/999999/").status_code == 404


@pytest.mark.django_db
@pytest.mark.requirement("L-41")
def test_a_transfer_is_exported_as_csv_and_xlsx(desk, affinity):
    line = make_ready(affinity, affinity)
    transfer(desk, affinity, ids=[line.pk])
    address = TransferBatch.objects.get().get_absolute_url()
    answer = desk.get(f"{address}?part=export&format=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    _, upfront, recurring = csv.reader(io.StringIO(text, newline=""))
    assert upfront[:2] == [line.order.number, "1"]
    assert [row[7:11] for row in (upfront, recurring)] == [
        ["Up-front", "1", "10.00", "EUR"],
        ["Recurring", "1", "20.00", "EUR"],
    ]
    answer = desk.get(f"{address}?part=export&format=xlsx")
    assert b"".join(answer.streaming_content).startswith(b"PK")


@pytest.mark.django_db
@pytest.mark.requirement("L-41")
def test_a_batch_costs_a_constant_number_of_queries(desk, affinity, assert_max_queries):
    def run(count: int) -> int:
        lines = [make_ready(affinity, affinity) for _ in range(count)]
        answer = choose(desk, f"&platform={affinity.pk}", ids=[line.pk for line in lines])
        confirm(desk, answer["Location"])
        with assert_max_queries(60) as captured:
            run_latest_job()
        return len(captured)

    assert run(10) == run(1)


@pytest.mark.usefixtures("committed_db", "no_broker")
@pytest.mark.requirement("L-41", "N-4")
def test_two_clerks_transfer_the_same_five_hundred_lines_at_once():
    platform = builders.make_platform("Affinity")
    order, item = builders.make_order(), builders.make_item(item_type="service_with_cli")
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=n,
            item=item,
            upfront_price=1,
            recurring_price=1,
            upfront_route=platform,
            recurring_route=platform,
            cli=NUMBER,
            connection_date=TODAY,
        )
        for n in range(1, 501)
    )
    convert_lines(line_ids=list(OrderLine.objects.values_list("pk", flat=True)), by=None, at=NOON)
    work = []
    for _ in range(2):
        clerk = builders.make_user()
        may_export(clerk)
        client = Client()
        client.force_login(clerk)
        answer = choose(client, f"&platform={platform.pk}", whole="1")
        assert confirm(client, answer["Location"]).status_code == 302
        work.append(Job.objects.latest("pk"))
    start, failures = threading.Barrier(2), []

    def run(job: Job) -> None:
        try:
            start.wait(20)
            jobs.run(job_id=job.pk)
        except Exception as error:  # told to the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[job]) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not failures
    first, second = (Job.objects.get(pk=job.pk) for job in work)
    assert {first.status, second.status} == {"completed"}
    assert first.done + second.done == 500
    assert first.skipped + second.skipped == 500
    assert first.items.count() == second.items.count() == 500
    assert sum(batch.events.count() for batch in TransferBatch.objects.all()) == 1_000
    moved = BillStatusEvent.objects.filter(batch__isnull=False)
    assert moved.values("line", "track").distinct().count() == 1_000
    assert set(OrderLine.objects.values_list("upfront_status", "recurring_status")) == {(IN, IN)}
