"""What was changed on an object: when, by whom, from what, to what. Read from the audit events."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from pghistory.models import Events

from billing_site.kernel.money import MINOR_UNITS, format_quantity, format_unit_price
from billing_site.web.wording import day_in_words, moment_in_words

VERBS = {
    "insert": "Created",
    "update": "Changed",
    "delete": "Deleted",
    "password_change": "Password changed",
}
# What belongs to the history of an object beside its own events.
ALSO = {
    "auth.User": ("web.AuditedUserEvent", "web.UserRoleEvent", "web.UserRightEvent"),
    "orders.SalesOrder": ("orders.SalesOrderEvent", "orders.OrderLineEvent"),
    "auth.Group": ("web.AuditedGroupEvent", "web.UserRoleEvent", "web.RoleRightEvent"),
}
LONGEST = 120
FIRST_VALUES = 12


@dataclass(frozen=True)
class Change:
    """One field: its name for people, the value before and after as text (empty for nothing).

    ``before`` is None where there was nothing before: the first event of its kind.
    """

    field: str
    before: str | None
    after: str


@dataclass(frozen=True)
class Entry:
    """One event; ``who`` is empty when the machine did it (a sweep, a command)."""

    at: dt.datetime
    who: str
    verb: str
    job_id: int | None
    changes: Sequence[Change]


def timeline_of(row: models.Model, *, limit: int, offset: int = 0) -> tuple[list[Entry], bool]:
    """The newest events of an object and whether there are older ones; three queries and one per
    kind of object that a changed field points to.
    """
    newest = _events_of(row).order_by("-pgh_created_at", "-pgh_id")
    events = list(newest[offset : offset + limit + 1])
    shown = events[:limit]
    people = _people(_user_ids(shown))
    names = _pointed_to(shown)
    entries = [
        Entry(
            at=event.pgh_created_at,
            who=people.get(_user_id(event), ""),
            verb=_verb(row, event),
            job_id=(event.pgh_context or {}).get("job"),
            changes=_changes(event, names),
        )
        for event in shown
    ]
    return entries, len(events) > limit


def _events_of(row: models.Model) -> models.QuerySet:
    also = ALSO.get(row._meta.label)
    if also is None:
        return Events.objects.tracks(row)
    return Events.objects.references(row).across(*also)


def _verb(row: models.Model, event: Any) -> str:
    """``Changed``; of a part of the object with its name: ``Order line 2: Changed``."""
    verb = VERBS.get(event.pgh_label, event.pgh_label.replace("_", " ").capitalize())
    part = apps.get_model(event.pgh_model).pgh_tracked_model._meta
    position = (event.pgh_data or {}).get("position")
    if position is None or part.concrete_model is type(row):
        return verb
    return f"{str(part.verbose_name).capitalize()} {position}: {verb}"


def _user_id(event: Any) -> int | None:
    user = (event.pgh_context or {}).get("user")
    return user if isinstance(user, int) else None


def _user_ids(events: Iterable[Any]) -> set[int]:
    return {user for event in events if (user := _user_id(event)) is not None}


def _people(ids: set[int]) -> dict[int | None, str]:
    users = get_user_model()._default_manager.in_bulk(ids) if ids else {}
    return {pk: user.get_full_name() or user.get_username() for pk, user in users.items()}


def _difference(event: Any) -> dict[str, Sequence[Any]]:
    """Field -> before and after. A first event of its kind has no before: it shows its values."""
    if event.pgh_diff is not None or event.pgh_label in ("insert", "delete", "password_change"):
        return event.pgh_diff or {}
    data = event.pgh_data or {}
    values = {
        name: value
        for name, value in data.items()
        if name != "id" and value not in (None, "", {}, [])
    }
    return {name: (None, value) for name, value in list(values.items())[:FIRST_VALUES]}


def _field(event: Any, name: str) -> models.Field | None:
    try:
        return apps.get_model(event.pgh_model)._meta.get_field(name)
    except FieldDoesNotExist:
        return None  # a field that a later version dropped; its name is all that is left


def _pointed_to(events: Iterable[Any]) -> dict[tuple[str, Any], str]:
    """Texts of the objects behind changed foreign keys, one query per model."""
    wanted: dict[type[models.Model], dict[str, set[Any]]] = {}
    for event in events:
        for name, (before, after) in _difference(event).items():
            field = _field(event, name)
            if field is not None and field.is_relation and field.related_model:
                keys = {key for key in (before, after) if key is not None}
                wanted.setdefault(field.related_model, {}).setdefault(name, set()).update(keys)
    names: dict[tuple[str, Any], str] = {}
    for model, by_name in wanted.items():
        found = model._base_manager.in_bulk(set().union(*by_name.values()))
        for name, keys in by_name.items():
            names |= {(name, key): str(found.get(key, f"no. {key}")) for key in keys}
    return names


def _changes(event: Any, names: dict[tuple[str, Any], str]) -> list[Change]:
    changes = []
    currency = str((event.pgh_data or {}).get("currency") or "")
    for name, (before, after) in _difference(event).items():
        field = _field(event, name)
        label = str(field.verbose_name) if field is not None else name.replace("_", " ")
        changes.append(
            Change(
                label[:1].upper() + label[1:],
                None if event.pgh_diff is None else _text(field, name, before, names, currency),
                _text(field, name, after, names, currency),
            )
        )
    return changes


def _text(
    field: models.Field | None,
    name: str,
    value: Any,
    names: dict[tuple[str, Any], str],
    currency: str = "",
) -> str:
    if value is None or value == "":
        return ""
    if (name, value if isinstance(value, int | str) else None) in names:
        return names[(name, value)]
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    text = _typed(field, str(value), currency)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _typed(field: models.Field | None, text: str, currency: str) -> str:
    """What an event keeps as text, as the product shows it elsewhere; the event's fields are
    those of today, so a value that no longer is of their kind stays as it was kept.
    """
    try:
        match field:
            case models.DateTimeField():
                return moment_in_words(timezone.localtime(dt.datetime.fromisoformat(text)))
            case models.DateField():
                return day_in_words(dt.date.fromisoformat(text))
            case models.DecimalField(decimal_places=4, max_digits=19) if currency in MINOR_UNITS:
                return format_unit_price(Decimal(text), currency)  # an amount of money
            case models.DecimalField():
                return format_quantity(Decimal(text))
    except (ValueError, ArithmeticError):
        return text
    return text
