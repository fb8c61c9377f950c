"""Templates hold no script, no style and no rule (strict CSP; names of statuses live in Python)."""

import re

import pytest
from django.conf import settings
from django.template import Engine, engines
from django.template.loader import get_template

from tests.architecture.sources import ROOT, tracked_files

TEMPLATES = sorted(
    path
    for path in tracked_files()
    if path.suffix in {".html", ".txt", ".xml"}
    and path.relative_to(ROOT).as_posix().startswith("templates/")
)
# Printed by WeasyPrint or mailed: no browser, no CSP.
PRINTED = "templates/documents/"
INLINE = {
    "a script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.I),
    "an event handler": re.compile(r"<[^>{]*\son[a-z]+\s*=", re.I),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a script address": re.compile(r"(?:href|src|action)\s*=\s*[\"']\s*javascript:", re.I),
}
COMPARED = re.compile(r"{%\s*(?:el)?if\b[^%]*\bstatus\b\s*(?:==|!=|\bin\b|\bnot in\b)[^%]*%}")
NAMED = re.compile(r"{%\s*(?:el)?if\b[^%]*[\"'](?:pending|open|approving|approved|closed)[\"']")


def findings(text: str, *, printed: bool = False) -> list[str]:
    found = [] if printed else [name for name, rule in INLINE.items() if rule.search(text)]
    if COMPARED.search(text) or NAMED.search(text):
        found.append("a comparison of a status")
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_holds_markup_only(path):
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    assert not findings(text, printed=name.startswith(PRINTED))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_compiles(path):
    assert engines["django"].dirs == [ROOT / "templates"]
    get_template(path.relative_to(ROOT / "templates").as_posix())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_does_not_begin_with_an_underscore(path):
    text = path.read_text(encoding="utf-8")
    if "{% extends" in text:
        assert not path.name.startswith("_")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<a onclick="x()">',
        '<p class="a" style="color:red">',
        "<style>p {}</style>",
        '<a href="javascript:x()">',
        '{% if invoice.status == "open" %}',
        "{% if invoice.status != OPEN %}",
        "{% if kind in 'open' or x == 'approved' %}",
    ],
)
def test_what_has_no_place_is_seen(text):
    assert findings(text)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="a.js" defer></script>',
        "<p>once on=off</p>",
        "{% if invoice.can_approve %}",
        "{{ invoice.get_status_display }}",
    ],
)
def test_what_has_a_place_is_let_through(text):
    assert not findings(text)


def test_the_policy_allows_our_own_files_only():
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert directives["default-src"] == ["'self'"]
    assert not {"script-src", "style-src", "script-src-elem", "style-src-attr"} & directives.keys()
    assert isinstance(engines["django"].engine, Engine)
