"""Every constraint and trigger has a test in which the database refuses the bad row."""

import ast

import pghistory.trigger
import pgtrigger
import pytest
from django.apps import apps
from django.db import connection

from tests.architecture.sources import marked, modules
from tests.constraints import plain_trigger_name

LABELS = ("web", "ledger", "inventory", "orders", "invoicing", "approvals")
RULES = """
SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x')
UNION
SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index
  WHERE indisunique AND NOT indisprimary
"""
TRIGGERS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"


def tables() -> set[str]:
    """Tables of our own rows; those of the audit are written by triggers only."""
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in LABELS and not hasattr(model, "pgh_tracked_model")
    }


def audit_triggers() -> set[str]:
    """Those of pghistory; ``test_audit`` covers them, model by model."""
    return {
        trigger.get_pgid(model)
        for model, trigger in pgtrigger.registered()
        if isinstance(trigger, pghistory.trigger.Event)
    }


def named_rules() -> dict[str, str]:
    """Constraints and triggers in the database's own catalogue that somebody named -> table.

    What Django names itself begins with the table's name: unique fields, positive integers.
    """
    ours, audit = tables(), audit_triggers()
    with connection.cursor() as cursor:
        cursor.execute(RULES)
        found = {
            name: table
            for table, name in cursor.fetchall()
            if table in ours and not name.startswith(f"{table}_")
        }
        cursor.execute(TRIGGERS)
        for table, name in cursor.fetchall():
            if table in ours and name not in audit:
                found[plain_trigger_name(name)] = table
    return found


def rules_with_a_test() -> set[str]:
    """Names in ``Case("...")`` and in ``@pytest.mark.constraint("...")``."""
    found = set(marked("constraint"))
    for module in modules("tests"):
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Case"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


@pytest.mark.django_db
def test_every_constraint_and_trigger_has_a_test_in_which_the_database_refuses():
    untested = {
        name: table for name, table in named_rules().items() if name not in rules_with_a_test()
    }
    assert not untested, (
        "Without a test that the database refuses the bad row (tests/<app>/test_constraints.py): "
        + ", ".join(f"{name} on {table}" for name, table in sorted(untested.items()))
    )


@pytest.mark.django_db
def test_every_tested_constraint_exists():
    assert rules_with_a_test() <= set(named_rules())


@pytest.mark.django_db
def test_the_catalogue_is_read():
    """The guard sees all four kinds: check, unique, exclusion, trigger (also those in raw SQL)."""
    assert {
        "invoice_number_iff_approved",
        "invoice_once_per_period",
        "rule_no_double_price",
        "invoice_status_map",
        "ledger_entry_append_only",
    } <= set(named_rules())
