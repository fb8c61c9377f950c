"""Pages by key, not by offset: the last page of a million rows costs what the first one costs.

A page is cut from a total order (the sort columns, then the primary key). Its address carries the
values of the row it begins after or ends before, signed, so nobody can forge one. With an index
on ``(sort column, id)`` PostgreSQL reads one page of the index and no COUNT is made; that is why
a page knows whether there is a next one, but not how many.

Columns that hold no NULL are compared as a row, ``(a, id) > (x, y)``, which the index serves.
Columns that may hold NULL are compared column by column, NULL as the largest value, as PostgreSQL
sorts it.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.constants import LOOKUP_SEP
from django.db.models.lookups import GreaterThan, LessThan

SALT = "billing_site.web.keyset"


@dataclass(frozen=True)
class SortColumn:
    """One column of the total order; ``field`` converts the values of a page address back."""

    path: str
    descending: bool
    nullable: bool
    field: models.Field | None

    def reversed(self) -> "SortColumn":
        return SortColumn(self.path, not self.descending, self.nullable, self.field)

    @property
    def term(self) -> str:
        return f"-{self.path}" if self.descending else self.path


@dataclass(frozen=True)
class Cut:
    """Where a page begins: after or before a row, or at the end of the list."""

    after: str = ""
    before: str = ""
    last: bool = False


@dataclass(frozen=True)
class KeysetPage:
    """Rows of one page, and the addresses of its neighbours (empty when there is none)."""

    rows: list[Any]
    next_after: str
    previous_before: str

    @property
    def has_next(self) -> bool:
        return bool(self.next_after)

    @property
    def has_previous(self) -> bool:
        return bool(self.previous_before)


def total_order(model: type[models.Model], terms: Sequence[str]) -> list[SortColumn]:
    """The sort terms as columns, with the primary key at the end so that no two rows are equal."""
    columns = []
    for term in terms:
        path = term.removeprefix("-")
        if path in ("pk", "id"):
            continue
        field, nullable = _resolve(model, path)
        columns.append(SortColumn(path, term.startswith("-"), nullable, field))
    descending = columns[-1].descending if columns else bool(terms and terms[-1].startswith("-"))
    columns.append(SortColumn("pk", descending, False, model._meta.pk))
    return columns


def cut_page(rows: models.QuerySet, columns: Sequence[SortColumn], size: int, cut: Cut):
    """One page of ``rows``; a page address that is not ours shows the first page.

    :returns: a :class:`KeysetPage`.
    """
    backwards = bool(cut.last or cut.before)
    order = [column.reversed() for column in columns] if backwards else list(columns)
    values = _unsigned(cut.before or cut.after, columns)
    if values is None and cut.before:
        backwards, order = False, list(columns)
    ordered = rows.order_by(*(column.term for column in order))
    if values is not None:
        ordered = _beyond(ordered, order, values)
    found = list(ordered[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    if not found:
        return KeysetPage([], "", "")
    has_next = bool(cut.before) if backwards else more
    has_previous = more if backwards else values is not None
    return KeysetPage(
        found,
        _signed(found[-1], columns) if has_next else "",
        _signed(found[0], columns) if has_previous else "",
    )


def _resolve(model: type[models.Model], path: str) -> tuple[models.Field | None, bool]:
    """The field at the end of a path, and whether a NULL may be met on the way."""
    nullable, field = False, None
    for name in path.split(LOOKUP_SEP):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            return None, True  # an annotation: its type travels in the value itself
        nullable = nullable or getattr(field, "null", True)
        if field.is_relation:
            model = field.related_model
    return field, nullable


def leads_to_many(model: type[models.Model], path: str) -> bool:
    """True when one row of ``model`` may meet several rows along a lookup path."""
    for name in path.split(LOOKUP_SEP):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            return False  # an annotation or a transform at the end of the path
        if field.one_to_many or field.many_to_many:
            return True
        if field.is_relation:
            model = field.related_model
    return False


def _signed(row: Any, columns: Sequence[SortColumn]) -> str:
    values = []
    for column in columns:
        value = row
        for name in column.path.split(LOOKUP_SEP):
            value = getattr(value, name) if value is not None else None
        values.append(value.pk if isinstance(value, models.Model) else value)
    encoded = json.dumps([_order_key(columns), *values], default=_exact_text)
    return signing.Signer(salt=SALT).sign_object(encoded, compress=False)


def _exact_text(value: Any) -> str:
    """Dates to the microsecond (Django's own encoder cuts them), numbers without loss."""
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _order_key(columns: Sequence[SortColumn]) -> str:
    return ",".join(column.term for column in columns)


def _unsigned(address: str, columns: Sequence[SortColumn]) -> list[Any] | None:
    """The values behind a page address; None when it is not ours or of another sort order."""
    if not address:
        return None
    try:
        key, *values = json.loads(signing.Signer(salt=SALT).unsign_object(address))
    except (signing.BadSignature, ValueError):
        return None
    if key != _order_key(columns):
        return None
    try:
        return [
            column.field.to_python(value) if column.field is not None else value
            for column, value in zip(columns, values, strict=True)
        ]
    except (ValidationError, ValueError):
        return None


def _beyond(
    rows: models.QuerySet, order: Sequence[SortColumn], values: Sequence[Any]
) -> models.QuerySet:
    same_way = len({column.descending for column in order}) == 1
    if same_way and not any(column.nullable for column in order):
        return rows.filter(_row_comparison(order, values))
    condition = Q()
    bound = _at_or_beyond(order[0], values[0])
    for i in reversed(range(len(order))):
        here = _strictly_beyond(order[i], values[i])
        same = _equals(order[i], values[i])
        condition = here | (same & condition) if condition else here
    # the bound repeats what the condition implies, in the form an index can start from
    return rows.filter(bound).filter(condition)


def _row_comparison(order: Sequence[SortColumn], values: Sequence[Any]):
    output = models.BooleanField()
    left = Func(*(F(column.path) for column in order), function="ROW", output_field=output)
    right = Func(
        *(
            Value(value, output_field=column.field)
            for column, value in zip(order, values, strict=True)
        ),
        function="ROW",
        output_field=output,
    )
    return (LessThan if order[0].descending else GreaterThan)(left, right)


def _strictly_beyond(column: SortColumn, value: Any) -> Q:
    """Rows after ``value`` in one column; NULL is the largest value, as in PostgreSQL's sorting."""
    if value is None:  # ascending: nothing is after NULL; descending: everything else is
        return Q(**{f"{column.path}__isnull": False}) if column.descending else Q(pk__in=[])
    if column.descending:
        return Q(**{f"{column.path}__lt": value})
    after = Q(**{f"{column.path}__gt": value})
    return after | Q(**{f"{column.path}__isnull": True}) if column.nullable else after


def _at_or_beyond(column: SortColumn, value: Any) -> Q:
    if value is None:
        return Q() if column.descending else Q(**{f"{column.path}__isnull": True})
    if column.descending:
        return Q(**{f"{column.path}__lte": value})
    after = Q(**{f"{column.path}__gte": value})
    return after | Q(**{f"{column.path}__isnull": True}) if column.nullable else after


def _equals(column: SortColumn, value: Any) -> Q:
    if value is None:
        return Q(**{f"{column.path}__isnull": True})
    return Q(**{column.path: value})
