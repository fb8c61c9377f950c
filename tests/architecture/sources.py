"""The project's own files, parsed, for the guards of this package."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("ledger", "inventory", "orders", "invoicing", "approvals")
FLOORS = (*APPS, "billing_site/web", "billing_site/kernel")


@dataclass(frozen=True)
class Module:
    """A Python file of the project; ``path`` is relative to the repository's root."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.path, self.text)

    @property
    def app(self) -> str:
        """``ledger``, ``billing_site/web``, ...; empty outside of the floors."""
        return next((floor for floor in FLOORS if self.path.startswith(f"{floor}/")), "")

    @property
    def layer(self) -> str:
        """The part of the app it belongs to: ``views``, ``services``, ``models``, ..."""
        rest = self.path.removeprefix(f"{self.app}/")
        return rest.split("/")[0].removesuffix(".py")


@cache
def _parse(path: str, text: str) -> ast.Module:
    return ast.parse(text, filename=path)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files that are, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        skipped = {".venv", "node_modules", "var", ".git"}
        paths = [p for p in ROOT.rglob("*") if not skipped & set(p.relative_to(ROOT).parts)]
    else:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return tuple(sorted(path for path in paths if path.is_file()))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Python files below the folders; of the floors when none is named. Without migrations."""
    wanted = tuple(f"{folder}/" for folder in folders or FLOORS)
    found = []
    for path in tracked_files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and name.startswith(wanted) and "/migrations/" not in name:
            found.append(Module(name, path.read_text(encoding="utf-8")))
    return tuple(found)


def strings(node: ast.AST) -> Iterator[str]:
    """Every text constant below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def marked(mark: str) -> dict[str, set[str]]:
    """Arguments of ``pytest.mark.<mark>(...)`` in the tests -> the files that hold them."""
    found: dict[str, set[str]] = {}
    for module in modules("tests"):
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == mark
                and isinstance(node.func.value, ast.Attribute)
                and node.func.value.attr == "mark"
            ):
                for argument in node.args:
                    for text in strings(argument):
                        found.setdefault(text, set()).add(module.path)
    return found
