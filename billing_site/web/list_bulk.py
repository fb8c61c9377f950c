"""The part of a list page that acts on selected rows: tick, look, confirm, start the job (N-4, X-14).

Mixed into :class:`billing_site.web.lists.ListView`; nothing else uses it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from billing_site.kernel.errors import DomainError
from billing_site.web import selections
from billing_site.web.errors import SelectionHasChanged
from billing_site.web.keys import positive_key
from billing_site.web.list_parts import BulkAction, CurrencyTotal
from billing_site.web.list_queries import PART, POSITION, ListQuery
from billing_site.web.models import Selection

IDS_OF_A_PAGE = 500


class BulkActions:
    """``bulk_actions`` of a list: what is offered, the bar, the confirmation, the start."""

    key: ClassVar[str]
    one: ClassVar[str]
    many: ClassVar[str]
    bulk_actions: ClassVar[Sequence[BulkAction]] = ()
    request: HttpRequest

    def allowed_actions(self) -> list[BulkAction]:
        """The actions this user has the right to."""
        user = self.request.user
        return [action for action in self.bulk_actions if user.has_perm(action.permission)]

    def refusal(self, action: BulkAction, query: ListQuery) -> str:
        """Why ``action`` cannot begin under this filter, with the remedy; empty when it can."""
        return ""

    def eligible(self, action: BulkAction, rows: QuerySet, query: ListQuery) -> QuerySet:
        """Those of ``rows`` that ``action`` would act on now."""
        return action.eligible(rows, timezone.now())

    def explanation(self, action: BulkAction, query: ListQuery) -> str:
        """What ``action`` does, for the page before."""
        return action.explanation

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        match request.GET.get(PART, ""):
            case "selection":
                return self._selection_bar(request)
            case "bulk":
                return self._start_bulk(request)
            case "confirm":
                return self._confirm(request)
            case _:
                raise Http404("A list has no such part.")

    def _selection_bar(self, request: HttpRequest) -> HttpResponse:
        """Count and totals of what is ticked, and what can be done with it."""
        query = ListQuery(type(self), request.user, request.GET)
        boxes = Boxes.of(request)
        rows = selections.rows_of(
            query,
            whole_filter=boxes.whole_filter,
            ids=boxes.ids,
            excluded_ids=boxes.excluded_ids,
        )
        context = {
            "view": self,
            "count": rows.order_by().count() if boxes.whole_filter or boxes.ids else 0,
            "totals": query.totals(rows),
            "whole_filter": boxes.whole_filter,
            "actions": [(one, self.refusal(one, query)) for one in self.allowed_actions()],
            "action_url": query.address(drop=POSITION, part="bulk"),
        }
        return render(request, "web/_selection_bar.html", context)

    def _start_bulk(self, request: HttpRequest) -> HttpResponse:
        query = ListQuery(type(self), request.user, request.GET)
        action = self._action(request.POST.get("action", ""))
        boxes = Boxes.of(request)
        if refusal := self.refusal(action, query):
            messages.error(request, refusal)
            return redirect(request.path + query.address(drop=("part",)))
        try:
            selection = selections.create_selection(
                query=query,
                whole_filter=boxes.whole_filter,
                ids=boxes.ids,
                excluded_ids=boxes.excluded_ids,
                at=timezone.now(),
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(request.path + query.address())
        return redirect(f"{request.path}?selection={selection.pk}&action={action.name}")

    def _confirm_page(
        self, request: HttpRequest, *, status: int = 200, complaint: str = ""
    ) -> HttpResponse:
        action = self._action(request.GET.get("action", ""))
        selection = self._selection(request)
        if selection.job is not None:
            return redirect(selection.job)
        query = selections.query_of(selection, type(self), request.user)
        rows = selections.confirmed_rows(selection, query)
        eligible = self.eligible(action, rows, query)
        count = eligible.order_by().count()
        totals = query.totals(rows)
        done = {line.currency: _first(line) for line in query.totals(eligible)}
        context = {
            "view": self,
            "query": query,
            "action": action,
            "explanation": self.explanation(action, query),
            "selection": selection,
            "totals": totals,
            "eligible_count": count,
            "eligible_cells": [
                {"currency": line.currency, "amount": done.get(line.currency)} for line in totals
            ],
            "skipped_count": selection.count - count,
            "complaint": complaint,
            "back": f"{request.path}?{selection.query}",
        }
        return render(request, "web/bulk_confirm.html", context, status=status)

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        action = self._action(request.GET.get("action", ""))
        selection = self._selection(request)
        if selection.job is not None:
            return redirect(selection.job)
        typed = request.POST.get("typed", "").strip().casefold()
        if action.irreversible and typed != action.label.casefold():
            complaint = f"Type “{action.label}” to confirm. Nothing was done."
            return self._confirm_page(request, status=422, complaint=complaint)
        if request.POST.get("count") != str(selection.count):
            complaint = "The selection was changed in another window; confirm the count shown now."
            return self._confirm_page(request, status=409, complaint=complaint)
        noun = self.one if selection.count == 1 else self.many
        try:
            job = selections.act_on_selection(
                selection=selection,
                query=selections.query_of(selection, type(self), request.user),
                action=action,
                title=f"{action.label} {selection.count:,} {noun}",
                at=timezone.now(),
            )
        except SelectionHasChanged as grown:
            return self._confirm_page(request, status=409, complaint=str(grown))
        return redirect(job)

    def _action(self, name: str) -> BulkAction:
        found = next((action for action in self.allowed_actions() if action.name == name), None)
        if found is None:
            raise Http404("There is no such action here, or you have no right to it.")
        return found

    def _selection(self, request: HttpRequest) -> Selection:
        number = positive_key(request.GET.get("selection", ""))
        mine = Selection.objects.select_related("job").filter(owner=request.user, list_key=self.key)
        return get_object_or_404(mine, pk=number)


@dataclasses.dataclass(frozen=True)
class Boxes:
    """The ticked boxes of a page as they were sent."""

    whole_filter: bool
    ids: list[int]
    excluded_ids: list[int]

    @classmethod
    def of(cls, request: HttpRequest) -> "Boxes":
        """Read ``ids``, ``whole`` and ``shown``; what is not a number is no row of ours."""
        ids = _numbers(request.POST.getlist("ids"))
        if request.POST.get("whole") != "1":
            return cls(whole_filter=False, ids=ids, excluded_ids=[])
        shown = _numbers(request.POST.get("shown", "").split(","))
        return cls(
            whole_filter=True, ids=[], excluded_ids=[pk for pk in shown if pk not in set(ids)]
        )


def _first(line: CurrencyTotal) -> Any:
    """The amount that stands for a selection: the first of the declared sums."""
    return next(iter(line.amounts.values()))


def _numbers(texts: Sequence[str]) -> list[int]:
    numbers = [number for text in texts[:IDS_OF_A_PAGE] if (number := positive_key(text))]
    return list(dict.fromkeys(numbers))
