"""Triggers that models of several apps declare in their ``Meta.triggers``."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

import pgtrigger


def changed_at(*, name: str, field: str, columns: Sequence[str]) -> pgtrigger.Trigger:
    """Return a trigger that keeps in ``field`` when one of ``columns`` was last changed.

    Whoever changes the row, and however: a form, the admin, SQL. A stale copy of the row that is
    saved later does not turn the time back. The time is that of the statement, not of the commit.

    >>> changed_at(name="item_pricing_changed", field="pricing_changed_at", columns=["unit"]).name
    'item_pricing_changed'
    """
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ROW({old}) IS DISTINCT FROM ROW({new}) THEN
              NEW.{field} := clock_timestamp();
            ELSE
              NEW.{field} := GREATEST(OLD.{field}, NEW.{field});
            END IF;
            RETURN NEW;
        """,
    )


def contract_of_customer(*, name: str) -> pgtrigger.Trigger:
    """Return a trigger that refuses a row whose contract is another customer's.

    For tables with ``customer_id`` and ``contract_id``. The refusal is a check violation of ``name``.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("customer_id", "contract_id"),
        func=f"""
                    IF NOT EXISTS (SELECT FROM ledger_contract k
                                   WHERE k.id = NEW.contract_id
                                     AND k.customer_id = NEW.customer_id) THEN
                      RAISE EXCEPTION 'the contract is not one of the customer'
                        USING ERRCODE = 'check_violation',
                              CONSTRAINT = '{name}';
                    END IF;
                    RETURN NEW;
                """,
    )


def status_map(
    *, name: str, transitions: Sequence[tuple[str, str]], field: str = "status"
) -> pgtrigger.Trigger:
    """Return a trigger that refuses a change of ``field`` that is not one of ``transitions``.

    The condition says again what the function looks for, so that the function, which takes longer
    than writing the row, is called only to refuse.
    """
    allowed = (
        pgtrigger.Q(**{f"old__{field}": old, f"new__{field}": new}) for old, new in transitions
    )
    return pgtrigger.FSM(
        name=name,
        field=field,
        transitions=list(transitions),
        condition=pgtrigger.Q(**{f"old__{field}__df": pgtrigger.F(f"new__{field}")})
        & ~reduce(or_, allowed),
    )
