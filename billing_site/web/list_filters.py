"""Filters for large lists: the text is looked up first, the rows are then found by key.

A condition on a joined table, or an OR over several tables, gives PostgreSQL no index to start
from: at a million rows it reads the list until a page is full. So the text is resolved to keys in
the small tables first (each by its own index), and the list is asked for those keys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from billing_site.web.decimal_fields import PlainDecimalField

MOST_KEYS = 1_000


@dataclass(frozen=True)
class Source:
    """Where a text is looked up.

    :param path: what the found keys are compared with in the list: ``"customer"`` or ``"pk"``.
    :param rows: the rows to look through.
    :param lookups: e.g. ``("code__iexact", "name__icontains")``; any of them may match.
    :param any_case: looks for the text as typed, in capitals and in small letters. With
        ``startswith`` or ``exact`` an index serves all three; ``istartswith`` reads every row.
    """

    path: str
    rows: Callable[[], QuerySet]
    lookups: Sequence[str]
    any_case: bool = False

    def matches(self, text: str) -> Q:
        """The condition on ``rows`` for one text."""
        texts = {text, text.upper(), text.lower()} if self.any_case else {text}
        condition = Q()
        for lookup in self.lookups:
            for one in sorted(texts):
                condition |= Q(**{lookup: one})
        return condition


class YesNoField(forms.TypedChoiceField):
    """True, False, or None where it does not matter; addresses of old called that ``unknown``."""

    def __init__(self, **kwargs: Any) -> None:
        choices = (("", "Any"), ("true", "Yes"), ("false", "No"))
        super().__init__(
            choices=choices, coerce=lambda text: text == "true", empty_value=None, **kwargs
        )

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        return "" if text == "unknown" else text


class YesNoFilter(filters.BooleanFilter):
    """Any, yes or no; any is no part of the address."""

    field_class = YesNoField


class AmountRangeFilter(filters.RangeFilter):
    """Amounts from and to, each a plain number that the column can hold."""

    def __init__(self, **kwargs: Any) -> None:
        ends = [PlainDecimalField(max_digits=19, decimal_places=4) for _ in ("from", "to")]
        super().__init__(fields=ends, **kwargs)


class LookedUpFilter(filters.CharFilter):
    """``LookedUpFilter(Source("customer", Customer.objects.all, ("code__iexact",)), label=...)``.

    Up to a thousand keys per source are put into the query; more of them stay a subquery.
    """

    def __init__(self, *sources: Source, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(**kwargs)
        self.sources = sources

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        if not value:
            return qs
        condition = Q(pk__in=[])
        for source in self.sources:
            found = (
                source.rows().filter(source.matches(value)).order_by().values_list("pk", flat=True)
            )
            keys = list(found[: MOST_KEYS + 1])
            if keys:
                wanted = keys if len(keys) <= MOST_KEYS else found
                condition |= Q(**{f"{source.path}__in": wanted})
        return qs.filter(condition)
