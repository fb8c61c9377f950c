"""Selections of a list and what is done to them (X-14, N-4).

A selection keeps the filter, the moment, and the very rows that were shown, so what the person
confirmed is what is done. Before the work starts the filter is asked again: when it holds rows
that were not confirmed, the person confirms the larger set.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import QueryDict

from billing_site.web.errors import SelectionHasChanged, SelectionIsEmpty
from billing_site.web.jobs import start_job
from billing_site.web.list_parts import BulkAction, CurrencyTotal
from billing_site.web.list_queries import ListQuery
from billing_site.web.models import Job, Selection


def rows_of(
    query: ListQuery, *, whole_filter: bool, ids: Sequence[int], excluded_ids: Sequence[int] = ()
) -> QuerySet:
    """The rows meant by the boxes of a page: all of the filter but some, or some of the filter."""
    if whole_filter:
        return query.rows.exclude(pk__in=excluded_ids) if excluded_ids else query.rows
    return query.rows.filter(pk__in=ids)


def create_selection(
    *,
    query: ListQuery,
    whole_filter: bool,
    ids: Sequence[int],
    excluded_ids: Sequence[int],
    at: dt.datetime,
) -> Selection:
    """Keep what is selected now.

    :raises SelectionIsEmpty: nothing is.
    :raises SelectionHasChanged: a picked row is not (or no longer) in this list for this user.
    """
    rows = rows_of(query, whole_filter=whole_filter, ids=ids, excluded_ids=excluded_ids)
    found = sorted(rows.order_by().values_list("pk", flat=True))
    if not whole_filter and len(found) != len(set(ids)):
        raise SelectionHasChanged(
            f"{len(set(ids)) - len(found)} of the {len(set(ids))} selected rows are no longer in "
            "this list. Nothing was done; look at the list and select again."
        )
    if not found:
        raise SelectionIsEmpty("Nothing is selected. Tick the rows that you mean, then try again.")
    return Selection.objects.create(
        owner=query.user,
        list_key=query.definition.key,
        query=query.filter_query,
        whole_filter=whole_filter,
        excluded_ids=sorted(set(excluded_ids)) if whole_filter else [],
        ids=found,
        count=len(found),
        totals=_as_json(query.totals(rows)),
        created_at=at,
    )


def query_of(selection: Selection, definition: type, user: AbstractBaseUser) -> ListQuery:
    """The list as it was filtered when the selection was made."""
    return ListQuery(definition, user, QueryDict(selection.query))


def confirmed_rows(selection: Selection, query: ListQuery) -> QuerySet:
    """The rows that were confirmed, as far as the user may still see them."""
    return query.all_rows.filter(pk__in=_ids_in_database(selection))


def act_on_selection(
    *,
    selection: Selection,
    query: ListQuery,
    action: BulkAction,
    title: str,
    at: dt.datetime,
    params: dict[str, Any] | None = None,
) -> Job:
    """Start the action's job over exactly the confirmed rows; asked twice, it is the same job.

    :raises SelectionHasChanged: the filter holds more than was confirmed; the selection now
        holds the larger set, to be confirmed again.
    """
    with transaction.atomic():
        selection = Selection.objects.select_for_update(of=("self",)).get(pk=selection.pk)
        if selection.job is not None:
            return selection.job
        grown_by = _take_in_new_rows(selection, query)
        if not grown_by:
            selection.job = start_job(
                kind=action.job_kind,
                title=title,
                owner=query.user,
                params=(params or {}) | {"action": action.name, "selection": selection.pk},
                total=selection.count,
                at=at,
            )
            selection.save(update_fields=["job"])
            return selection.job
    raise SelectionHasChanged(
        f"{grown_by:,} more rows match the filter since you confirmed. "
        "Nothing was done yet; look at the new count and confirm again."
    )


def _take_in_new_rows(selection: Selection, query: ListQuery) -> int:
    """Add what the filter holds beyond the confirmed rows; how many that were."""
    if not selection.whole_filter:
        return 0
    rows = query.rows.exclude(pk__in=selection.excluded_ids)
    new = list(
        rows.exclude(pk__in=_ids_in_database(selection)).order_by().values_list("pk", flat=True)
    )
    if new:
        selection.ids = [*selection.ids, *new]
        selection.count = len(selection.ids)
        selection.totals = _as_json(query.totals(query.all_rows.filter(pk__in=selection.ids)))
        selection.save(update_fields=["ids", "count", "totals"])
    return len(new)


def _ids_in_database(selection: Selection) -> RawSQL:
    """The ids as a subquery: a million of them need not travel to the worker and back."""
    return RawSQL("SELECT unnest(ids) FROM web_selection WHERE id = %s", [selection.pk])


def _as_json(totals: Sequence[CurrencyTotal]) -> list[dict[str, Any]]:
    return [total.as_json() for total in totals]
