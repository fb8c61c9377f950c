"""Dresses the fields of a list's filter: classes, names for screen readers, suggestions."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django_filters.widgets import SuffixedMultiWidget

from billing_site.web.list_parts import Suggestion
from billing_site.web.list_queries import ListQuery

_ENDS = {"min": "from", "max": "to", "after": "from", "before": "to"}


def dress_fields(query: ListQuery, suggestions: Mapping[str, Suggestion]) -> None:
    """Give the widgets of the filter form their looks; text fields with suggestions ask for them."""
    form = query.form
    if form is None:
        return
    for name, field in form.fields.items():
        _dress(field.widget, str(field.label or name))
        if name in suggestions:
            field.widget.attrs |= {
                "list": f"suggest-{name}",
                "autocomplete": "off",
                "hx-get": f"?part=suggest&field={name}",
                "hx-trigger": "input changed delay:150ms",
                "hx-target": f"#suggest-{name}",
                "hx-swap": "innerHTML",
                "hx-params": form.add_prefix(name),
                "hx-sync": "this:replace",
                "hx-push-url": "false",
                "hx-select": "unset",
                "hx-select-oob": "unset",
            }


def _dress(widget: forms.Widget, label: str) -> None:
    if isinstance(widget, SuffixedMultiWidget):
        for suffix, part in zip(widget.suffixes, widget.widgets, strict=True):
            _dress(part, label)
            end = _ENDS.get(suffix, suffix)
            part.attrs |= {"aria-label": f"{label}, {end}", "placeholder": _placeholder(part, end)}
        return
    attrs: dict[str, Any] = widget.attrs
    if isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect | forms.CheckboxInput):
        attrs.setdefault("class", "form-check-input")
    elif isinstance(widget, forms.Select):
        attrs.setdefault("class", "form-select")
    else:
        attrs.setdefault("class", "form-control")
        if isinstance(widget, forms.DateInput):
            attrs.setdefault("placeholder", "YYYY-MM-DD")
        attrs.setdefault("autocomplete", "off")


def _placeholder(widget: forms.Widget, end: str) -> str:
    return f"{end} YYYY-MM-DD" if isinstance(widget, forms.DateInput) else end
