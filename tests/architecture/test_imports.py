"""The two rules of the architecture, as contracts of import-linter; each is seen to break."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import APPS, ROOT, modules

# Contract -> (file, a line that breaks it).
BREAKS = {
    "Apps import downwards only": ("ledger/enums.py", "import inventory.enums"),
    "Entry points call services, services call models, models call rules": (
        "invoicing/querysets.py",
        "import invoicing.models",
    ),
    "Rules are pure: no models, no clock, no settings": (
        "invoicing/rules/price.py",
        "import django.utils.timezone",
    ),
    "The project package names the apps by strings": (
        "billing_site/celery.py",
        "import ledger.models",
    ),
    "Nobody imports the project package's own modules": (
        "inventory/models.py",
        "import billing_site.settings",
    ),
    "The kernel is pure": ("billing_site/kernel/money.py", "import django.db"),
    "The launcher runs before anything is installed": (
        "billing_site/launch/steps.py",
        "import psycopg",
    ),
}
# What a layer must not reach outside of the project; import-linter sees whole packages only.
NOT_FOR_SERVICES = ("django.http", "django.shortcuts", "django.views", "django.template", "celery")
KEPT_FROM = {
    "services": NOT_FOR_SERVICES,
    "selectors": NOT_FOR_SERVICES,
    "models": NOT_FOR_SERVICES,
    "querysets": NOT_FOR_SERVICES,
}


def lint(folder: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def contract_names() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_the_floors_and_the_layers_hold():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.fixture(scope="module")
def broken_copy(tmp_path_factory) -> subprocess.CompletedProcess:
    """The project with one bad import for each contract."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("billing_site", *APPS):
        shutil.copytree(ROOT / package, folder / package)
    (folder / "orders" / "helpers.py").touch()
    for name, line in BREAKS.values():
        path = folder / name
        path.write_text(f"{path.read_text()}\n{line}\n")
    return lint(folder)


@pytest.mark.parametrize("name", sorted(contract_names()))
def test_each_contract_breaks_when_it_should(broken_copy, name):
    assert name in BREAKS, "name a line that breaks the new contract"
    lines = broken_copy.stdout.splitlines()
    assert any(line.startswith(name) and line.endswith("BROKEN") for line in lines), (
        broken_copy.stdout[-4000:]
    )


def test_a_module_that_is_no_layer_is_refused(broken_copy):
    """``orders/helpers.py``: same names everywhere, and no place for what has no place."""
    assert "helpers" in broken_copy.stdout


def forbidden_imports(module) -> list[str]:
    import ast

    kept_from = KEPT_FROM.get(module.layer, ())
    found = []
    for node in ast.walk(module.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [
            f"{module.path}:{node.lineno} {name}"
            for name in names
            if any(name == bad or name.startswith(f"{bad}.") for bad in kept_from)
        ]
    return found


def test_services_know_neither_http_nor_templates_nor_tasks():
    assert not [line for module in modules(*APPS) for line in forbidden_imports(module)]
