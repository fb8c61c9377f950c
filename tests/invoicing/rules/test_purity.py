"""The rules import the kernel, their own package and the standard library, nothing else."""

import ast
import sys
from pathlib import Path

import pytest

import invoicing.rules

PACKAGE = Path(invoicing.rules.__file__).parent
ALLOWED = {*sys.stdlib_module_names, "billing_site.kernel"}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_a_rule_module_imports_nothing_that_could_query(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(node.module)
    foreign = {
        name
        for name in imported
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED)
    }
    assert foreign == set()
