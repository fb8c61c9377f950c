"""From the address of a list page to its rows: filter, quick search, order, totals.

The same object serves the page, its totals, an export in a worker and a selection, so all of them
mean the same rows. Filters come from the declared FilterSet only; a parameter that is not declared
has no effect, and a value that does not fit shows its error and **no rows**, never all of them.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, QuerySet, Sum
from django.http import QueryDict
from django.utils import formats
from django_filters import FilterSet
from django_filters.widgets import SuffixedMultiWidget

from billing_site.web.keyset import (
    Cut,
    KeysetPage,
    SortColumn,
    cut_page,
    leads_to_many,
    total_order,
)
from billing_site.web.list_parts import Chip, CurrencyTotal, QuickSearch

if TYPE_CHECKING:
    from billing_site.web.lists import ListView

QUICK, SORT, AFTER, BEFORE, LAST, PAGE = "quick", "sort", "after", "before", "last", "page"
POSITION = (AFTER, BEFORE, LAST, PAGE)
PART = "part"


class ListQuery:
    """One user's view of one list under one query string."""

    def __init__(
        self, definition: type["ListView"], user: AbstractBaseUser, parameters: QueryDict
    ) -> None:
        self.definition = definition
        self.user = user
        self.parameters = parameters
        self.all_rows: QuerySet = definition.scoped(user)
        self.filterset: FilterSet | None = None
        if definition.filterset_class is not None:
            self.filterset = definition.filterset_class(parameters, queryset=self.all_rows)
            _drop_idle_distinct(self.filterset)
        self.quick = self._quick()

    # rows

    @property
    def is_valid(self) -> bool:
        return self.filterset is None or self.filterset.is_valid()

    def matching(self, quick: QuickSearch | None) -> QuerySet:
        """Rows of the filter under a quick search; none when a value does not fit."""
        if not self.is_valid:
            return self.all_rows.none()
        rows = self.filterset.qs if self.filterset is not None else self.all_rows
        return quick.keep(rows) if quick else rows

    @property
    def rows(self) -> QuerySet:
        return self.matching(self.quick)

    @property
    def ordered_rows(self) -> QuerySet:
        """For exports and selections: the rows in the order of the page."""
        return self.rows.order_by(*(column.term for column in self.order))

    def page(self) -> KeysetPage:
        """The page that the address asks for, with what its rows show."""
        cut = Cut(
            self.parameters.get(AFTER, ""),
            self.parameters.get(BEFORE, ""),
            self.parameters.get(LAST) == "1",
        )
        rows = self.definition.displayed(self.rows)
        return cut_page(rows, self.order, self.definition.page_size, cut)

    # order

    @property
    def sort(self) -> str:
        """The sort term of the address if the table offers that column, else empty."""
        term = self.parameters.get(SORT, "")
        return term if term.removeprefix("-") in self.definition.sortable() else ""

    @property
    def order(self) -> list[SortColumn]:
        terms = list(self.definition.ordering)
        if self.sort:
            paths = self.definition.sortable()[self.sort.removeprefix("-")]
            down = self.sort.startswith("-")
            terms = [
                path.removeprefix("-")
                if down and path.startswith("-")
                else f"-{path}"
                if down
                else path
                for path in paths
            ]
        return total_order(self.all_rows.model, terms)

    # totals

    def count(self) -> int:
        return self.rows.order_by().count()

    def totals(self, rows: QuerySet | None = None) -> list[CurrencyTotal]:
        """The whole filter (or ``rows``), one entry per currency in alphabetical order."""
        totals = self.definition.totals
        if totals is None:
            return []
        rows = self.rows if rows is None else rows
        sums = {f"total_of_{name}": Sum(path) for name, path in totals.sums.items()}
        lines = (
            rows.order_by()
            .values(totals.currency)
            .annotate(rows_in_currency=Count("pk"), **sums)
            .order_by(totals.currency)
        )
        return [
            CurrencyTotal(
                line[totals.currency],
                line["rows_in_currency"],
                {name: line[f"total_of_{name}"] for name in totals.sums},
            )
            for line in lines
        ]

    def quick_counts(self, current: int) -> dict[str, int]:
        """How many rows each quick search would show under the other filters; "" is All.

        :param current: the count of the quick search that is shown, which is known already.
        """
        if not self.definition.quick_searches:
            return {}
        shown = self.quick.key if self.quick else ""
        quicks = (None, *self.definition.quick_searches)
        return {
            key: current if key == shown else self.matching(quick).order_by().count()
            for quick in quicks
            for key in [quick.key if quick else ""]
        }

    # addresses

    def address(self, *, drop: tuple[str, ...] = (), **changes: str) -> str:
        """The query string of this list with some parameters changed; blank ones are left out."""
        parameters = self.parameters.copy()
        for name in (PART, *drop):
            parameters.pop(name, None)
        for name, value in changes.items():
            parameters[name] = value
        for name in list(parameters):
            values = [value for value in parameters.getlist(name) if value]
            if values:
                parameters.setlist(name, values)
            else:
                del parameters[name]
        return f"?{parameters.urlencode()}"

    @property
    def summary_address(self) -> str:
        return self.address(drop=POSITION, part="summary")

    @property
    def advanced_address(self) -> str:
        return self.address(drop=POSITION, part="advanced")

    @property
    def cleared_address(self) -> str:
        """The list without its filters; what the page itself asks for stays, if it fits."""
        fields = [] if self.form is None or not self.is_valid else list(self.form)
        kept = QueryDict(mutable=True)
        for field in fields:
            value = self.parameters.get(field.html_name, "")
            if field.name in self.definition.page_fields and value:
                kept[field.html_name] = value
        return f"?{kept.urlencode()}" if kept else ""

    @property
    def filter_query(self) -> str:
        """The filter alone, as kept in a selection or an export job: no page, no part."""
        return self.address(drop=POSITION).removeprefix("?")

    # what is shown of the filter

    @property
    def form(self) -> forms.Form | None:
        return self.filterset.form if self.filterset is not None else None

    @property
    def bar(self) -> list[forms.BoundField]:
        """Fields that are always shown."""
        fields = self.form or ()
        return [field for field in fields if field.name in self.definition.bar_fields]

    @property
    def advanced(self) -> list[forms.BoundField]:
        """The other fields, under Advanced (CB-34)."""
        shown = (*self.definition.bar_fields, *self.definition.page_fields)
        fields = self.form.visible_fields() if self.form is not None else ()
        return [field for field in fields if field.name not in shown]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Parameters of the filters that only a link sets (a hidden field: the key of a rule, of
        an invoice): the form carries them on, and a chip takes them off.
        """
        fields = self.form.hidden_fields() if self.form is not None else ()
        return [
            (field.html_name, value)
            for field in fields
            if field.name not in self.definition.page_fields
            if (value := self.parameters.get(field.html_name, ""))
        ]

    @property
    def advanced_values(self) -> list[tuple[str, str]]:
        """What the address says for the fields under Advanced: the form carries it on until they
        are asked for. Chips show it in words, so the page need not render the fields.
        """
        return [
            (name, value)
            for field in self.advanced
            for name in parameter_names(field)
            for value in self.parameters.getlist(name)
            if value
        ]

    @property
    def advanced_is_refused(self) -> bool:
        """True when a value under Advanced does not fit: the field is shown with its error."""
        return any(field.errors for field in self.advanced)

    def chips(self) -> list[Chip]:
        """The active filters in words, each with the address without it."""
        if self.form is None or not self.is_valid:
            return []
        found = []
        for field in self.form:
            if field.name in self.definition.page_fields:
                continue
            value = self.form.cleaned_data.get(field.name)
            text = _in_words(field.field, value)
            if text:
                names = parameter_names(field)
                found.append(Chip(str(field.label), text, self.address(drop=(*names, *POSITION))))
        return found

    def _quick(self) -> QuickSearch | None:
        wanted = self.parameters.get(QUICK, "")
        return next((q for q in self.definition.quick_searches if q.key == wanted), None)


def _drop_idle_distinct(filterset: FilterSet) -> None:
    """Filters with several choices ask for DISTINCT, which sorts every row of the filter; only a
    path that leads to many rows can give a row twice and needs it.
    """
    model = filterset.queryset.model
    for one in filterset.filters.values():
        if getattr(one, "distinct", False) and not leads_to_many(model, one.field_name or ""):
            one.distinct = False


def parameter_names(field: forms.BoundField) -> tuple[str, ...]:
    """The parameters behind a field: its name, or one per input of a range."""
    widget = field.field.widget
    name = field.html_name
    if isinstance(widget, SuffixedMultiWidget):
        return tuple(widget.suffixed(name, suffix) for suffix in widget.suffixes)
    if isinstance(widget, forms.MultiWidget):
        return tuple(name + suffix for suffix in widget.widgets_names)
    return (name,)


def _in_words(field: forms.Field, value: Any) -> str:
    if value in (None, "") or (isinstance(value, list | tuple | QuerySet) and not value):
        return ""
    if isinstance(value, slice):
        low, high = _one(value.start), _one(value.stop)
        if low and high:
            return f"{low} to {high}"
        return f"from {low}" if low else f"up to {high}" if high else ""
    choices = _labels(field)
    if isinstance(value, list | tuple | set | QuerySet):
        return ", ".join(choices.get(str(one), _one(one)) for one in value)
    return choices.get(str(value), _one(value))


def _labels(field: forms.Field) -> dict[str, str]:
    """Texts of a choice field; a model choice shows its own text, so its table is not read."""
    if isinstance(field, forms.ModelChoiceField):
        return {}
    choices = getattr(field, "choices", None) or getattr(field.widget, "choices", None) or ()
    labels: dict[str, str] = {}
    for key, label in choices:
        if isinstance(label, list | tuple):
            labels |= {str(one): str(text) for one, text in label}
        else:
            labels[str(key)] = str(label)
    return labels


def _one(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "isoformat"):
        return formats.date_format(value, "d M Y")
    return str(value)
