"""Selecting rows, acting on them, and what happens when the filter grows meanwhile."""

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction

from billing_site.web import jobs
from billing_site.web.models import Job, Selection
from invoicing.enums import InvoiceStatus
from tests.billing_site.web import handlers
from tests.billing_site.web.conftest import NOW, make_job
from tests.billing_site.web.things import make_thing, make_things
from tests.builders import make_customer

pytestmark = pytest.mark.urls("tests.billing_site.web.urls")
RIGHTS = ("view_group", "change_group", "delete_group")


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    monkeypatch.setattr(jobs.current_app, "send_task", lambda *args, **options: None)
    handlers.SEEN.clear()


def give_rights(user):
    user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))


@pytest.fixture
def desk(as_anna, anna):
    """Anna at the list, with the rights to both actions."""
    give_rights(anna)
    return as_anna


def pks(things) -> list[int]:
    return [thing.pk for thing in things]


def bar(desk, query="", **data) -> str:
    return desk.post(f"/things/?part=selection{query}", data).content.decode()


def choose(desk, action="touch", query="", **data):
    """Press the button of an action; the address of the confirmation page."""
    response = desk.post(f"/things/?part=bulk{query}", {"action": action} | data)
    assert response.status_code == 302, response.content
    return response["Location"]


def confirm(desk, address: str, *, count: int | None = None, **data):
    if count is None:
        count = Selection.objects.latest("pk").count
    return desk.post(address.replace("?", "?part=confirm&"), {"count": count} | data)


@pytest.mark.requirement("X-14", "N-4")
def test_the_bar_tells_count_and_totals_of_what_is_ticked(desk):
    things = make_things(3, total="10.50")
    dollars = make_things(1, total="7.00", currency="USD")

    text = bar(desk, ids=[things[0].pk, things[1].pk, dollars[0].pk])

    assert "3 things selected" in text
    assert "21.00" in text
    assert "7.00" in text
    assert "28.00" not in text
    assert "Touch…" in text


@pytest.mark.requirement("X-14", "CB-62")
def test_the_header_box_means_everything_in_the_filter(desk):
    things = make_things(30, total="10.00")
    make_thing(reference="ELSE", total="999.00")
    shown = pks(things[5:])

    text = bar(desk, "&total_max=50", whole="1", ids=shown, shown=",".join(map(str, shown)))

    assert "30 things selected" in text
    assert "300.00" in text


def test_rows_unticked_under_the_header_box_are_left_out(desk):
    things = make_things(30)
    shown = pks(things[5:])
    data = {"whole": "1", "ids": shown[1:], "shown": ",".join(map(str, shown))}

    assert "29 things selected" in bar(desk, **data)
    choose(desk, **data)
    selection = Selection.objects.get()
    assert (selection.count, selection.excluded_ids) == (29, [shown[0]])


def test_no_ticks_show_no_bar(desk):
    make_things(1)
    assert bar(desk).strip() == ""


@pytest.mark.requirement("N-4", "X-14")
def test_the_confirmation_shows_what_will_be_done_and_what_skipped(desk):
    make_things(3, total="10.00")
    make_things(2, total="1.00", status=InvoiceStatus.PENDING)

    response = desk.get(choose(desk, whole="1"))

    assert response.context["selection"].count == 5
    assert response.context["eligible_count"] == 3
    assert response.context["skipped_count"] == 2
    text = response.content.decode()
    assert "32.00" in text
    assert "30.00" in text
    assert "Only open things can be touched." in text
    assert handlers.SEEN == []


@pytest.mark.requirement("X-14", "N-4")
def test_a_confirmed_action_is_a_job_over_exactly_the_confirmed_rows(desk, anna):
    things = make_things(3)
    address = choose(desk, whole="1")

    response = confirm(desk, address)

    job = Job.objects.get()
    assert response["Location"] == job.get_absolute_url()
    assert (job.owner, job.kind, job.total, job.title) == (anna, "test.rows", 3, "Touch 3 things")
    jobs.run(job_id=job.pk)
    assert sorted(handlers.SEEN) == sorted(pks(things))
    assert job.items.count() == 3


@pytest.mark.requirement("X-14")
def test_a_set_that_grew_is_confirmed_again(desk):
    make_things(2, total="10.00")
    address = choose(desk, whole="1")
    late = make_thing(total="5.00")

    refused = confirm(desk, address)

    assert refused.status_code == 409
    assert "1 more rows match the filter since you confirmed" in refused.content.decode()
    assert "25.00" in refused.content.decode()
    assert not Job.objects.exists()
    assert confirm(desk, address).status_code == 302
    assert late.pk in Selection.objects.get().ids
    assert Job.objects.get().total == 3


@pytest.mark.requirement("X-14")
def test_a_set_that_kept_its_size_but_not_its_rows_is_confirmed_again(desk):
    gone, _ = make_things(2)
    address = choose(desk, query="&quick=open", whole="1")
    type(gone).objects.filter(pk=gone.pk).update(status=InvoiceStatus.PENDING, calculated_at=None)
    make_thing()

    assert confirm(desk, address).status_code == 409
    assert not Job.objects.exists()


def test_a_set_that_shrank_needs_no_second_confirmation(desk):
    gone, _ = make_things(2)
    address = choose(desk, query="&quick=open", whole="1")
    type(gone).objects.filter(pk=gone.pk).update(status=InvoiceStatus.PENDING, calculated_at=None)

    assert confirm(desk, address).status_code == 302


def test_rows_picked_one_by_one_do_not_grow(desk):
    things = make_things(2)
    address = choose(desk, ids=[things[0].pk])
    make_thing()

    assert confirm(desk, address).status_code == 302
    assert Job.objects.get().total == 1


def test_a_count_of_another_window_is_not_taken_for_a_confirmation(desk):
    make_things(2)
    address = choose(desk, whole="1")

    assert confirm(desk, address, count=1).status_code == 409
    assert not Job.objects.exists()


def test_a_confirmation_sent_twice_starts_one_job(desk):
    make_things(2)
    address = choose(desk, whole="1")

    first, second = confirm(desk, address), confirm(desk, address)

    assert first["Location"] == second["Location"]
    assert Job.objects.count() == 1


def test_what_cannot_be_undone_asks_for_its_name(desk):
    make_things(1)
    address = choose(desk, action="burn", whole="1")

    assert "Type <strong>Burn</strong>" in desk.get(address).content.decode()
    assert confirm(desk, address).status_code == 422
    assert confirm(desk, address, typed="bum").status_code == 422
    assert not Job.objects.exists()
    assert confirm(desk, address, typed=" burn ").status_code == 302


def test_a_row_that_the_user_may_not_see_refuses_the_whole_action(desk):
    mine = make_thing()
    foreign = make_thing(make_customer(name="Hidden"))

    address = choose(desk, ids=[mine.pk, foreign.pk])

    assert "selection=" not in address
    assert not Selection.objects.exists()
    text = desk.get("/things/").content.decode()
    assert "1 of the 2 selected rows are no longer in this list" in text


@pytest.mark.parametrize("ids", [[], ["x", "-1", "٣", "9" * 30, "1e3", ""]])
def test_an_empty_selection_is_refused_with_a_sentence(desk, ids):
    make_thing()
    choose(desk, ids=ids)
    assert "Nothing is selected" in desk.get("/things/").content.decode()


def test_a_filter_that_does_not_fit_selects_nothing(desk):
    make_things(2)
    choose(desk, query="&total_min=abc", whole="1")
    assert not Selection.objects.exists()


def test_a_selection_belongs_to_its_owner(desk, bert):
    make_things(1)
    address = choose(desk, whole="1")
    give_rights(bert)
    desk.force_login(bert)

    assert desk.get(address).status_code == 404
    assert confirm(desk, address).status_code == 404


@pytest.mark.parametrize("right", ["change_group", "view_group"])
def test_an_action_needs_its_right_at_every_step(desk, anna, right):
    make_things(1)
    address = choose(desk, whole="1")
    anna.user_permissions.remove(Permission.objects.get(codename=right))

    assert desk.post("/things/?part=bulk", {"action": "touch"}).status_code in (403, 404)
    assert desk.get(address).status_code in (403, 404)
    assert confirm(desk, address).status_code in (403, 404)
    assert not Job.objects.exists()


def test_without_any_action_there_are_no_boxes(desk, anna):
    make_things(1)
    anna.user_permissions.set([Permission.objects.get(codename="view_group")])
    assert "data-box" not in desk.get("/things/").content.decode()


@pytest.mark.parametrize("query", ["part=nonsense", "", "part=confirm&action=touch&selection=9"])
def test_posts_to_nowhere_find_nothing(desk, query):
    assert desk.post(f"/things/?{query}", {"action": "touch"}).status_code == 404


def test_the_database_lets_a_selection_and_a_retry_have_one_job_only(anna):
    job = make_job(anna)
    fields = {"owner": anna, "list_key": "x", "whole_filter": False, "created_at": NOW}
    Selection.objects.create(ids=[1], count=1, job=job, **fields)
    with pytest.raises(IntegrityError, match="job_id"), transaction.atomic():
        Selection.objects.create(ids=[1], count=1, job=job, **fields)
