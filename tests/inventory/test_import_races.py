"""Two people confirm imports of items at the same moment."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from inventory.errors import ItemImportHasChanged
from inventory.models import CatalogueItem, ItemImport
from inventory.services.item_imports import import_items
from tests import builders
from tests.inventory.import_files import HEADER, line, upload

pytestmark = pytest.mark.usefixtures("committed_db", "own_storage")
AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def at_once(*actions: Callable[[], object]) -> list[str]:
    """What each action said, in no order."""
    gate = threading.Barrier(len(actions))
    said: list[str] = []

    def run(action: Callable[[], object]) -> None:
        try:
            gate.wait()
            action()
            said.append("imported")
        except Exception as error:  # compared by the test
            said.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


@pytest.mark.requirement("D-06", "R6")
def test_two_people_confirming_at_once_import_once():
    builders.make_category("Mobile")
    item = builders.make_item(code="OLD")
    done = upload(HEADER, line("A"), line("OLD", guid=item.guid))

    said = at_once(*[lambda: import_items(import_id=done.pk, at=AT)] * 2)

    assert said == ["imported", "imported"]  # the second one finds it done
    assert CatalogueItem.objects.filter(code="A").count() == 1
    events = CatalogueItem.pgh_event_model.objects.filter(pgh_obj_id=item.pk).order_by("pgh_id")
    assert list(events.values_list("pgh_label", flat=True)) == ["insert", "update"]


@pytest.mark.requirement("D-06", "R6")
def test_two_files_that_bring_the_same_code_at_once_bring_it_once():
    builders.make_category("Mobile")
    one, two = (upload(HEADER, line("A", name=name)) for name in ("One", "Two"))

    said = at_once(
        lambda: import_items(import_id=one.pk, at=AT), lambda: import_items(import_id=two.pk, at=AT)
    )

    assert said == [ItemImportHasChanged.__name__, "imported"]
    assert CatalogueItem.objects.count() == 1
    assert ItemImport.objects.get(status="checked").rows_error == 1
