"""List pages: filter, quick searches, totals, selection, bulk actions, export. Declared, not coded.

::

    class InvoiceListView(ListView):
        key = "invoicing.invoice"                       # unique; kept in selections and jobs
        permission_required = "invoicing.view_invoice"
        title, one, many = "Invoices", "invoice", "invoices"
        table_class = InvoiceTable                      # django_tables2: columns, labels, sorting;
                                                        # class least, lesser, minor: hidden when narrow
        filterset_class = InvoiceFilter                 # django_filter: the only way to the rows
        bar_fields = ("search",)                        # the other filters sit under Advanced
        page_fields = ()                                # filters that the page shows elsewhere
        quick_searches = (QuickSearch("live", "Live", lambda rows: rows.live()),)
        ordering = ("-period_from",)                    # needs an index (period_from, id)
        totals = Totals("contract__currency", {"total": "total", "cost_total": "cost_total"})
        suggestions = {"customer_code": Suggestion(customers_of, "code", label="name")}
        export = Export(columns=INVOICE_COLUMNS)        # spreadsheets.columns.Column
        bulk_actions = (APPROVE, CLOSE)                 # list_parts.BulkAction, done by jobs
        row_template = "invoicing/_invoice_row.html"    # optional: the cells, by hand, for speed

        @classmethod
        def scoped(cls, user):                          # what this user may see at all
            return Invoice.objects.visible_to(user)

        @classmethod
        def displayed(cls, rows):                       # what one page needs beside
            return rows.select_related("contract__customer__cluster")

The URL is the state: ``?quick=live&customer_code=C1&sort=-total``. One view answers the page, its
totals (``part=summary``, loaded after the first paint), the Advanced form (``part=advanced``, when
it is opened), suggestions (``part=suggest``), the export (``part=export``) and, by POST, the selection. Pages are cut by key (:mod:`billing_site.web.keyset`):
a page makes a constant number of queries, no COUNT, and the last page is as quick as the first.
A column is sortable when the table says so; at a million rows it needs an index with the id.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import django_tables2
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.views import View
from django_filters import FilterSet

from billing_site.web import list_exports
from billing_site.web.keys import positive_key
from billing_site.web.list_bulk import BulkActions
from billing_site.web.list_forms import dress_fields
from billing_site.web.list_parts import (
    LISTS,
    CurrencyTotal,
    Export,
    QuickSearch,
    Suggestion,
    Totals,
)
from billing_site.web.list_queries import PART, POSITION, QUICK, SORT, ListQuery

PAGE_SIZE = 25
SUGGESTIONS_SHOWN = 12
SUGGESTION_LENGTH = 100
_BOX = (
    '<td class="box"><input class="form-check-input" type="checkbox" form="bulk-form" name="ids" '
    'value="{}" data-box aria-label="Select {}"></td>'
)


@dataclasses.dataclass(frozen=True)
class ListColumn:
    """A column's name in code, its label, the attributes of its header as HTML, and the class
    that says from which width on it is shown (``minor``, ``lesser`` or ``least``; empty:
    always).
    """

    name: str
    label: str
    th: str
    width: str = ""


class ListView(BulkActions, PermissionRequiredMixin, View, ABC):
    """Base of every list page; see the module's docstring for what a subclass declares."""

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    one: ClassVar[str] = "row"
    many: ClassVar[str] = "rows"
    table_class: ClassVar[type[django_tables2.Table]]
    filterset_class: ClassVar[type[FilterSet] | None] = None
    bar_fields: ClassVar[Sequence[str]] = ()
    page_fields: ClassVar[Sequence[str]] = ()
    quick_searches: ClassVar[Sequence[QuickSearch]] = ()
    all_label: ClassVar[str] = "All"
    ordering: ClassVar[Sequence[str]] = ("-pk",)
    totals: ClassVar[Totals | None] = None
    suggestions: ClassVar[Mapping[str, Suggestion]] = {}
    export: ClassVar[Export | None] = None
    row_template: ClassVar[str] = ""
    template_name: ClassVar[str] = "web/list.html"
    empty_title: ClassVar[str] = ""
    empty_text: ClassVar[str] = ""
    page_size: ClassVar[int] = PAGE_SIZE
    http_method_names = ["get", "post", "head", "options"]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.key:
            known = LISTS.get(cls.key)
            if known is not None and known.__qualname__ != cls.__qualname__:
                raise ValueError(f"list key {cls.key!r} is already used by {known.__qualname__}")
            LISTS[cls.key] = cls

    # what a subclass says

    @classmethod
    @abstractmethod
    def scoped(cls, user: AbstractBaseUser) -> QuerySet:
        """All rows this user may see; the start of every query of the list."""

    @classmethod
    def displayed(cls, rows: QuerySet) -> QuerySet:
        """The rows of one page with what its cells need (``select_related``, annotations)."""
        return rows

    @classmethod
    def completed(cls, rows: Sequence[Any], user: AbstractBaseUser) -> Sequence[Any]:
        """The rows of one page with what this reader may do, where no query of theirs says it."""
        return rows

    @classmethod
    def cells(cls, row: Any, user: AbstractBaseUser) -> str:
        """The ``<td>`` of a row as safe HTML, for lists where every millisecond counts; empty to
        use ``row_template``, or the table's own rendering when there is none.
        """
        return ""

    def extra_context(self, query: ListQuery) -> dict[str, Any]:
        """More for the template of this list."""
        return {}

    # derived

    @classmethod
    def sortable(cls) -> dict[str, tuple[str, ...]]:
        """Sortable table columns -> lookup paths; nothing else can be sorted by."""
        orderable = getattr(cls.table_class._meta, "orderable", None)
        found = {}
        for name, column in cls.table_class.base_columns.items():
            wanted = column.orderable if column.orderable is not None else orderable
            if wanted is False or (not column.accessor and not column.order_by and wanted is None):
                continue
            paths = column.order_by or (column.accessor or name,)
            found[name] = tuple(str(path).replace(".", "__") for path in paths)
        return found

    # GET

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        query = ListQuery(type(self), request.user, request.GET)
        match request.GET.get(PART, ""):
            case "":
                if "selection" in request.GET:
                    return self._confirm_page(request)
                return self._page(request, query)
            case "summary":
                return self._summary(request, query)
            case "suggest":
                return self._suggest(request)
            case "advanced":
                return self._advanced(request, query)
            case "export" if self.export is not None:
                return self._export(request, query)
            case _:
                raise Http404("A list has no such part.")

    def _page(self, request: HttpRequest, query: ListQuery) -> HttpResponse:
        page = query.page()
        rows_html = self._rows_html(self.completed(page.rows, request.user))
        table = None
        if not rows_html and not self.row_template:
            table = self.table_class(page.rows, orderable=False)
        if query.form is not None:
            dress_fields(query, self.suggestions)
        chips, actions = query.chips(), self.allowed_actions()
        context = {
            "view": self,
            "query": query,
            "page": page,
            "table": table,
            "headers": self._headers(query),
            "tabs": self._tabs(query),
            "chips": chips,
            "actions": actions,
            "pager": self._pager(query, page),
            "exports": self._export_links(query),
            "is_filtered": bool(query.quick or chips),
            "columns_shown": len(self.columns()) + bool(actions),
            "rows_html": rows_html,
        }
        return render(request, self.template_name, context | self.extra_context(query))

    def _rows_html(self, rows: Sequence[Any]) -> str:
        """The body of the table when :meth:`cells` writes it; else empty."""
        written = [self.cells(row, self.request.user) for row in rows]
        if not any(written):
            return ""
        with_boxes = bool(self.allowed_actions())
        boxes = [_BOX.format(row.pk, escape(row)) if with_boxes else "" for row in rows]
        return SafeString(
            "\n".join(
                f"<tr data-row>{box}{cells}</tr>" for box, cells in zip(boxes, written, strict=True)
            )
        )

    @classmethod
    def columns(cls) -> list[ListColumn]:
        """Name, label and header attributes of the table's columns; the same on every page."""
        if "_columns" not in cls.__dict__:
            table = cls.table_class([], orderable=False)
            cls._columns = [
                ListColumn(
                    column.name,
                    str(column.header),
                    column.attrs["th"].as_html(),
                    _width_class(column.attrs["th"].get("class") or ""),
                )
                for column in table.columns
            ]
        return cls._columns

    def _headers(self, query: ListQuery) -> list[dict[str, Any]]:
        sortable = self.sortable()
        current = query.sort.removeprefix("-")
        headers = []
        for column in self.columns():
            header: dict[str, Any] = {"label": column.label, "th": column.th, "url": "", "aria": ""}
            if column.name in sortable:
                down = query.sort == column.name
                term = f"-{column.name}" if down else column.name
                header["url"] = query.address(drop=POSITION, **{SORT: term})
                header["aria"] = "none"
                if column.name == current:
                    header["aria"] = "ascending" if down else "descending"
            headers.append(header)
        return headers

    def _tabs(
        self, query: ListQuery, counts: Mapping[str, int] | None = None
    ) -> list[dict[str, Any]]:
        if not self.quick_searches:
            return []
        tabs = [("", self.all_label), *((q.key, q.label) for q in self.quick_searches)]
        current = query.quick.key if query.quick else ""
        return [
            {
                "key": key or "all",
                "label": label,
                "url": query.address(drop=(*POSITION, QUICK), **({QUICK: key} if key else {})),
                "current": key == current,
                "count": counts.get(key) if counts else None,
            }
            for key, label in tabs
        ]

    def _pager(self, query: ListQuery, page) -> dict[str, Any]:
        number = positive_key(query.parameters.get("page", ""))
        at_end = query.parameters.get("last") == "1"
        if not page.has_previous:
            number = 1
        links = {"number": number, "at_end": at_end or not page.has_next}
        if page.has_previous:
            before = {"before": page.previous_before}
            if number and number > 1:
                before["page"] = str(number - 1)
            links["first"] = query.address(drop=POSITION)
            links["previous"] = query.address(drop=POSITION, **before)
        if page.has_next:
            after = {"after": page.next_after} | ({"page": str(number + 1)} if number else {})
            links["next"] = query.address(drop=POSITION, **after)
            links["last"] = query.address(drop=POSITION, last="1")
        return links

    # parts of the page

    def _summary(self, request: HttpRequest, query: ListQuery) -> HttpResponse:
        totals = query.totals()
        count = query.count() if self.totals is None else sum(line.count for line in totals)
        counts = query.quick_counts(count)
        context = {
            "view": self,
            "query": query,
            "tabs": self._tabs(query, counts),
            "count": count,
            "lines": [{"total": line, "cells": _cells(self.columns(), line)} for line in totals],
            "columns_shown": len(self.columns()) + bool(self.allowed_actions()),
            "has_boxes": bool(self.allowed_actions()),
        }
        return render(request, "web/_list_summary.html", context)

    def _advanced(self, request: HttpRequest, query: ListQuery) -> HttpResponse:
        """The Advanced form; asked for when it is opened, so that a page need not render it."""
        dress_fields(query, self.suggestions)
        return render(request, "web/_filter_advanced.html", {"query": query})

    def _suggest(self, request: HttpRequest) -> HttpResponse:
        field = request.GET.get("field", "")
        suggestion = self.suggestions.get(field)
        if suggestion is None:
            raise Http404("This field gives no suggestions.")
        text = request.GET.get(field, "").replace("\x00", "").strip()[:SUGGESTION_LENGTH]
        found: Sequence[Any] = ()
        if text:
            paths = [path for path in (suggestion.value, suggestion.label) if path]
            condition = Q()
            for path in paths:
                condition |= Q(**{f"{path}__icontains": text})
            rows = suggestion.rows(request.user).filter(condition)
            found = rows.order_by(*paths).values_list(*paths).distinct()[:SUGGESTIONS_SHOWN]
        return render(request, "web/_suggestions.html", {"suggestions": found})

    def _export_links(self, query: ListQuery) -> dict[str, str]:
        if self.export is None:
            return {}
        return {
            name: query.address(drop=POSITION, part="export", format=name)
            for name in list_exports.FORMATS
        }

    def _export(self, request: HttpRequest, query: ListQuery) -> HttpResponse:
        file_format = request.GET.get("format", "")
        if file_format not in list_exports.FORMATS:
            return HttpResponseBadRequest("Choose the format xlsx or csv.")
        if not query.is_valid:
            messages.error(request, "The filter holds a value that does not fit; correct it first.")
            return redirect(request.path + query.address(drop=("part", "format")))
        if list_exports.is_small(query):
            return list_exports.small_file(query, file_format, at=timezone.now())
        job = list_exports.start_export(query=query, file_format=file_format, at=timezone.now())
        messages.info(
            request,
            f"{job.title}: the file is being written. Go on working, its download appears here.",
        )
        return redirect(request.path + query.address(drop=("part", "format")))


def _cells(columns: Sequence[ListColumn], line: CurrencyTotal) -> list[dict[str, Any]]:
    """A totals row that stands under the columns of the table."""
    return [
        {
            "is_sum": column.name in line.amounts,
            "amount": line.amounts.get(column.name),
            "width": column.width,
        }
        for column in columns
    ]


def _width_class(classes: str) -> str:
    return next((name for name in ("minor", "lesser", "least") if name in classes.split()), "")
