"""Views, admin, tasks, commands, forms and tables do not write: they call one service."""

import ast

import pytest

from tests.architecture.sources import APPS, Module, modules

ENTRY_LAYERS = {
    "views",
    "admin",
    "tasks",
    "management",
    "templatetags",
    "tables",
    "filters",
    "forms",
}
ENTRY_MODULES_OF_WEB = (
    "billing_site/web/views.py",
    "billing_site/web/job_views.py",
    "billing_site/web/lists.py",
    "billing_site/web/tasks.py",
    "billing_site/web/templatetags/",
)
WRITES = {
    "save",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "select_for_update",
    "execute",
    "executemany",
    "copy",
    "cursor",
    "atomic",
}
WRITES |= {f"a{name}" for name in WRITES}
# Names under which a dictionary or the like is updated.
NOT_ROWS = {"context", "kwargs", "attrs", "initial", "data", "params", "headers", "defaults", "GET"}
# (file, what it calls) -> why it may.
ALLOWED: dict[tuple[str, str], str] = {
    ("invoicing/views/rule_forms.py", "self.save"): "its own method; each calls one service",
    ("invoicing/tasks.py", "connection.cursor"): "an advisory lock is no row",
    ("invoicing/tasks.py", "cursor.execute"): "an advisory lock is no row",
}


def is_entry_point(module: Module) -> bool:
    if module.app in APPS:
        return module.layer in ENTRY_LAYERS
    return module.path.startswith(ENTRY_MODULES_OF_WEB)


def last_name(node: ast.AST) -> str:
    """``self.attrs`` -> ``attrs``; ``context`` -> ``context``; anything else -> empty."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def writes(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, call) of every call that may write."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, receiver = node.func.attr, node.func.value
        if name not in WRITES or last_name(receiver) in NOT_ROWS:
            continue
        if name == "update" and isinstance(receiver, ast.Call | ast.Dict):
            inner = receiver.func if isinstance(receiver, ast.Call) else None
            if isinstance(inner, ast.Attribute) and inner.attr == "get_context_data":
                continue
        if name == "copy" and not node.args:
            continue  # a dictionary's or a request's
        found.append((node.lineno, f"{ast.unparse(receiver)}.{name}"))
    return found


def findings() -> dict[tuple[str, str], int]:
    return {
        (module.path, call): line
        for module in modules()
        if is_entry_point(module)
        for line, call in writes(module.tree)
    }


def test_entry_points_do_not_write():
    bad = [
        f"{p}:{line} {call}" for (p, call), line in findings().items() if (p, call) not in ALLOWED
    ]
    assert not bad, "call a service instead"


def test_every_exception_is_still_needed():
    assert ALLOWED.keys() <= findings().keys()
    assert all(ALLOWED.values())


@pytest.mark.parametrize(
    "line",
    [
        "invoice.save()",
        "form.save()",
        "Invoice.objects.filter(pk=1).update(number='R1')",
        "rows.update(status='open')",
        "Invoice.objects.create()",
        "Invoice.objects.bulk_create([])",
        "customer.delete()",
        "connection.cursor().execute('UPDATE x')",
        "transaction.atomic()",
        "Invoice.objects.select_for_update()",
    ],
)
def test_a_write_is_seen(line):
    assert writes(ast.parse(line))


@pytest.mark.parametrize(
    "line", ["context.update(a=1)", "self.attrs.update({})", "request.GET.copy()", "services.pay()"]
)
def test_what_is_no_write_is_let_through(line):
    assert not writes(ast.parse(line))


def test_there_are_entry_points_to_guard():
    assert any(is_entry_point(module) for module in modules())
