"""How tests show that the database itself refuses a bad row.

A :class:`Case` names one constraint or trigger, a change that holds and the nearest one that does
not. The guard in ``tests/architecture/test_constraints_are_tested.py`` reads the database's own
catalogue and asks for a case, or a test marked ``@pytest.mark.constraint(name)``, for each.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import DatabaseError, connection, transaction


@dataclass(frozen=True)
class Case:
    """``refused`` breaks ``constraint`` (its name, or a trigger's); ``holds`` nearly does."""

    constraint: str
    holds: Callable[[], object]
    refused: Callable[[], object]


def cases(*rows: Case) -> list:
    """Parameters for a test that takes a ``case``, each marked with the constraint it is for."""
    return [
        pytest.param(row, id=row.constraint, marks=pytest.mark.constraint(row.constraint))
        for row in rows
    ]


def check(case: Case) -> None:
    """Do what holds, undo it, then see the database refuse what does not hold."""
    try:
        with transaction.atomic():
            case.holds()
            connection.check_constraints()
            raise _Undo
    except _Undo:
        pass
    with refused(case.constraint):
        case.refused()


@contextmanager
def refused(name: str) -> Iterator[None]:
    """The block must be refused by the constraint or trigger ``name`` and by nothing else."""
    try:
        with transaction.atomic():
            yield
            connection.check_constraints()
    except DatabaseError as error:
        _assert_refused_by(name, error)
    else:
        pytest.fail(f"{name} did not refuse this")


def _assert_refused_by(name: str, error: DatabaseError) -> None:
    said = error.__cause__.diag
    if said.constraint_name:
        assert said.constraint_name == name, f"refused by {said.constraint_name}, not by {name}"
        return
    functions = trigger_functions().get(name, set())
    assert functions, f"there is no trigger {name}; the database said: {error}"
    assert any(function in (said.context or "") for function in functions), error


def trigger_functions() -> dict[str, set[str]]:
    """Names of triggers, without what django-pgtrigger adds, to the functions they run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
            "WHERE NOT tgisinternal"
        )
        found: dict[str, set[str]] = {}
        for trigger, function in cursor.fetchall():
            found.setdefault(plain_trigger_name(trigger), set()).add(function)
    return found


def plain_trigger_name(name: str) -> str:
    """``pgtrigger_customer_code_is_fixed_9a429`` is ``customer_code_is_fixed``."""
    match = re.fullmatch(r"pgtrigger_(.+)_[0-9a-f]{5}", name)
    return match[1] if match else name


class _Undo(Exception):
    pass
