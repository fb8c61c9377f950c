"""Services are called by keywords and say what they do; money is never a float."""

import ast

from tests.architecture.sources import APPS, Module, modules

EXACT_LAYERS = {
    "rules",
    "services",
    "selectors",
    "models",
    "querysets",
    "documents",
    "exports",
    "imports",
    "kernel",
}
# Functions in services that are no business action -> what they are.
NO_ACTIONS = {
    "invoicing/services/approval.py invoice_label": "a name for messages",
    "invoicing/services/transformations.py download_name": "a name for a file",
    "invoicing/services/changes.py mark_scopes_pending": "a part of the actions on rules",
    "invoicing/services/numbers.py take_numbers": "a part of approving",
    "invoicing/services/purchase_sql.py as_json": "a piece of SQL",
}
# Where a number with a point is no amount of money: (file, the number) -> why.
ALLOWED_FLOATS: dict[tuple[str, float], str] = {}


def public_functions(module: Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def service_modules() -> list[Module]:
    return [module for module in modules(*APPS) if module.layer == "services"]


def positional(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def test_services_take_keywords_only():
    """A function that is handed a cursor is a part of the action that opened it."""
    assert not [
        f"{module.path}:{function.lineno} {function.name}({', '.join(positional(function))})"
        for module in service_modules()
        for function in public_functions(module)
        if positional(function)
        and positional(function)[0] != "cursor"
        and f"{module.path} {function.name}" not in NO_ACTIONS
    ]


def test_services_say_what_they_do():
    assert not [
        f"{module.path}:{function.lineno} {function.name}"
        for module in service_modules()
        for function in public_functions(module)
        if not ast.get_docstring(function)
    ]


def test_services_read_no_clock():
    """Time is an argument: ``on=``, ``at=``."""
    clocks = {"timezone.now", "dt.datetime.now", "datetime.now", "dt.date.today", "date.today"}
    layers = {"services", "selectors", "rules", "models", "documents"}
    assert not [
        f"{module.path}:{node.lineno} {ast.unparse(node)}"
        for module in modules(*APPS)
        if module.layer in layers
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in clocks
    ]


def floats(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append((node.lineno, repr(node.value)))
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append((node.lineno, "float"))
        elif isinstance(node, ast.Attribute) and node.attr == "FloatField":
            found.append((node.lineno, "FloatField"))
    return found


def test_no_money_is_a_float():
    exact = [
        module
        for module in modules()
        if module.layer in EXACT_LAYERS or module.app == "billing_site/kernel"
    ]
    assert not [
        f"{module.path}:{line} {what}" for module in exact for line, what in floats(module.tree)
    ]


def test_a_float_is_seen():
    for line in ("x = 0.1", "float(x)", "def f(x: float): pass", "models.FloatField()"):
        assert floats(ast.parse(line))
    assert not floats(ast.parse("x = Decimal('0.1') + 1"))
