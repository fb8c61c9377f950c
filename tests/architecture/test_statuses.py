"""A status changes by a transition of a model or a named set-based transition; nowhere else."""

import ast
import re

import pytest
from django.apps import apps
from django.db import models

from tests.architecture.sources import Module, modules

# Where statuses may be written.
HOMES = re.compile(
    r"^(?:ledger|inventory|orders|invoicing|approvals|billing_site/web)/"
    r"(?:models(?:/\w+)?|querysets(?:/\w+)?)\.py$"
)
# File -> why it may set a status itself.
ALLOWED = {
    "invoicing/services/purchase_imports.py": "each action locks its one batch and writes it whole",
}
CHANGES = {"update", "aupdate", "bulk_update"}
SQL = re.compile(r"\bUPDATE\b.*?\bSET\b(?P<set>.*?)(?:\bWHERE\b|\bFROM\b|$)", re.S)


def status_fields() -> set[str]:
    """Names of all fields that hold a status."""
    labels = ("web", "ledger", "inventory", "orders", "invoicing", "approvals")
    return {
        field.name
        for model in apps.get_models()
        if model._meta.app_label in labels and not hasattr(model, "pgh_tracked_model")
        for field in model._meta.fields
        if isinstance(field, models.CharField) and re.search(r"(^|_)(status|state)$", field.name)
    }


def changes(tree: ast.AST, fields: set[str]) -> list[tuple[int, str]]:
    """(line, code) where a status is assigned, updated or written by SQL."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr in fields:
                    found.append((node.lineno, ast.unparse(target)))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = name or (node.func.id if isinstance(node.func, ast.Name) else "")
            texts = {a.value for a in ast.walk(node) if isinstance(a, ast.Constant)}
            if name in CHANGES and (
                {keyword.arg for keyword in node.keywords} & fields
                or (name == "bulk_update" and texts & fields)
            ):
                found.append((node.lineno, ast.unparse(node.func)))
            elif name == "setattr" and texts & fields:
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in SQL.finditer(node.value):
                if any(
                    re.search(rf"(?:^|,)\s*\"?{field}\"?\s*=", match["set"]) for field in fields
                ):
                    found.append((node.lineno, "SQL"))
    return found


def findings(module: Module) -> list[str]:
    if HOMES.match(module.path) or module.path in ALLOWED:
        return []
    return [f"{module.path}:{line} {code}" for line, code in changes(module.tree, status_fields())]


def test_a_status_is_changed_in_models_and_querysets_only():
    assert not [line for module in modules() for line in findings(module)]


def test_every_exception_is_still_needed():
    by_path = {module.path: module for module in modules()}
    assert all(changes(by_path[path].tree, status_fields()) for path in ALLOWED)


def test_the_status_fields_are_found():
    of_lines, of_events = {"upfront_status", "recurring_status"}, {"from_status", "to_status"}
    assert status_fields() == {"status"} | of_lines | of_events


@pytest.mark.parametrize(
    "line",
    [
        "invoice.status = 'approved'",
        "self.review.status = x",
        "rows.update(status='open')",
        "Invoice.objects.bulk_update(rows, ['status'])",
        "setattr(invoice, 'status', 'open')",
        "SQL = 'UPDATE invoicing_invoice SET status = %s WHERE id = 1'",
        "SQL = 'UPDATE x AS i SET error = 1, \"status\"=2 FROM y'",
    ],
)
def test_a_change_is_seen(line):
    assert changes(ast.parse(line), {"status"})


@pytest.mark.parametrize(
    "line",
    [
        "render(request, 'x.html', status=404)",
        "rows.filter(status='open')",
        "invoice.status == 'open'",
        "SQL = 'UPDATE x SET net_total = 1 WHERE status = 2'",
        "SQL = 'UPDATE x SET reason = CASE WHEN v.status = 2 THEN 3 END FROM v'",
        "status = 'open'",
    ],
)
def test_what_is_no_change_is_let_through(line):
    assert not changes(ast.parse(line), {"status"})
