"""Files are short, have a place, and name nothing of the machine they were written on."""

import ast
import re

from billing_site.launch import checks
from tests.architecture.sources import ROOT, modules, tracked_files

LONGEST = 500
WRITTEN = {".py", ".html", ".js", ".css", ".sh"}
NO_PLACE = {"utils", "util", "common", "core", "helpers", "helper", "misc"}
UNFINISHED = re.compile("TO" + r"DO\b|FIX" + r"ME\b")


def name_of(path) -> str:
    return path.relative_to(ROOT).as_posix()


def our_files() -> list:
    return [
        path
        for path in tracked_files()
        if path.suffix in WRITTEN and "/migrations/" not in name_of(path)
    ]


def test_no_file_is_longer_than_five_hundred_lines():
    long = {
        name_of(path): count
        for path in our_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long, "split it by aggregate into a package"


def test_no_file_is_a_place_for_anything():
    assert not [name_of(path) for path in our_files() if path.stem in NO_PLACE]


def test_nothing_is_left_to_be_done():
    unfinished = [
        name_of(path) for path in our_files() if UNFINISHED.search(path.read_text(encoding="utf-8"))
    ]
    assert not unfinished


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    assert not list(checks.house_rule_findings(list(tracked_files())))


def test_every_module_says_what_it_is():
    assert not [
        module.path
        for module in modules()
        if not module.path.endswith(("__init__.py", "apps.py"))
        and not ast.get_docstring(module.tree)
    ]
