"""The parts a list page is declared with; see :mod:`billing_site.web.lists`."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from billing_site.kernel.money import EXACT, MINOR_UNITS
from billing_site.web.spreadsheets.columns import Column, Kind

# Every list page by its key; a page registers itself when its module is loaded.
LISTS: dict[str, Any] = {}


@dataclass(frozen=True)
class QuickSearch:
    """A tab above the list: ``key`` in the URL, and the rows it keeps (a queryset method)."""

    key: str
    label: str
    keep: Callable[[QuerySet], QuerySet]


@dataclass(frozen=True)
class Totals:
    """Sums of the whole filter, one line per currency; unlike currencies are never added.

    :param currency: lookup path of the ISO code, e.g. ``contract__currency``.
    :param sums: table column name -> lookup path of the amount.
    """

    currency: str
    sums: dict[str, str]


@dataclass(frozen=True)
class CurrencyTotal:
    """One line of totals: amounts by table column, as exact text in ``as_json``."""

    currency: str
    count: int
    amounts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        sums = {name: str(amount) for name, amount in self.amounts.items()}
        return {"currency": self.currency, "count": self.count, "sums": sums}


@dataclass(frozen=True)
class Suggestion:
    """What a text field offers while the user types.

    :param rows: the rows this user may know of.
    :param value: lookup path of what is put into the field.
    :param label: lookup path of a second text to search and show, if any.
    """

    rows: Callable[[AbstractBaseUser], QuerySet]
    value: str
    label: str = ""


@dataclass(frozen=True)
class BulkAction:
    """Something done to every selected row by a job, with an outcome per row (N-4).

    :param name: in the URL and in the job's params.
    :param job_kind: the registered kind that does it; it reads ``job.selection_ids()``.
    :param eligible: the rows it would act on now; the others are skipped.
    :param skip_reason: why the others are skipped, for the page before; the job names each.
    :param irreversible: asks to type the name of the action first.
    """

    name: str
    label: str
    permission: str
    job_kind: str
    eligible: Callable[[QuerySet, dt.datetime], QuerySet]
    skip_reason: str
    icon: str = ""
    explanation: str = ""
    irreversible: bool = False


@dataclass(frozen=True)
class Chip:
    """An active filter, in words, and the page without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True)
class Export:
    """The columns of a list as a file: what is written, and how a row becomes values.

    :param columns: shared with documents; keys are lookup paths when ``values`` is not given.
    :param values: a row -> one value per column; runs no query.
    :param currency: lookup path of the ISO code that the MONEY columns of a row are in; amounts
        are then written with the decimals of their currency, and never with fewer than they have.
    """

    columns: Sequence[Column]
    values: Callable[[Any], Sequence[Any]] | None = None
    currency: str = ""

    @cached_property
    def has_amounts(self) -> bool:
        return any(column.kind is Kind.MONEY for column in self.columns)

    def row(self, row: Any) -> Sequence[Any]:
        values = (
            self.values(row)
            if self.values is not None
            else [_follow(row, column.key) for column in self.columns]
        )
        if not (self.currency and self.has_amounts):
            return values
        currency = _follow(row, self.currency)
        places = MINOR_UNITS.get(currency or "", 0)  # without a currency: the decimals it needs
        return [
            with_places(value, places)
            if column.kind is Kind.MONEY and isinstance(value, Decimal)
            else value
            for column, value in zip(self.columns, values, strict=True)
        ]


def with_places(amount: Decimal, places: int) -> Decimal:
    """The same number with ``places`` decimals, or with all it needs when those are more.

    >>> [str(with_places(Decimal(text), 2)) for text in ("1E+2", "-0.10", "0.1250", "-0.000")]
    ['100.00', '-0.10', '0.125', '0.00']
    """
    shown = amount.quantize(Decimal(1).scaleb(-places), context=EXACT)
    return EXACT.plus(shown if shown == amount else amount.normalize(EXACT))


def _follow(row: Any, path: str) -> Any:
    value = row
    for name in path.split("__"):
        value = getattr(value, name) if value is not None else None
        if name.startswith("get_") and callable(value):  # get_status_display
            value = value()
    return value
