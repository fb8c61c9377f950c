"""Dresses the fields of a list's filter: classes, names for screen readers, suggestions."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django_filters.fields import DateRangeField
from django_filters.widgets import SuffixedMultiWidget

from billing_site.web.list_parts import Suggestion
from billing_site.web.list_queries import ListQuery

LONGEST_TICKS = 12
_ENDS = {"min": "from", "max": "to", "after": "from", "before": "to"}


def dress_fields(query: ListQuery, suggestions: Mapping[str, Suggestion]) -> None:
    """Give the widgets of the filter form their looks; text fields with suggestions ask for them."""
    form = query.form
    if form is None:
        return
    for name, field in form.fields.items():
        label = str(field.label or name)
        if isinstance(field.widget, forms.SelectMultiple) and _is_short(field):
            field.widget = TickList(choices=field.choices)
        _dress(field, label, in_bar=name in query.definition.bar_fields)
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


def _is_short(field: forms.Field) -> bool:
    """A fixed list of choices that fits on a few lines; a model's rows never are."""
    return (
        isinstance(field, forms.MultipleChoiceField) and len(list(field.choices)) <= LONGEST_TICKS
    )


class TickList(forms.CheckboxSelectMultiple):
    """Several choices as boxes in a row, in place of a list that needs the Ctrl key."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["class"] = "tick-list"  # the list itself; each box has its own
        return context


def _dress(field: forms.Field, label: str, *, in_bar: bool) -> None:
    """Classes for every input, and a name in place of the label that the bar does not show."""
    widget = field.widget
    if not isinstance(widget, SuffixedMultiWidget):
        _class_for(widget)
        if in_bar:
            widget.attrs.setdefault("placeholder", label)
        elif isinstance(field, forms.DateField):
            widget.attrs.setdefault("placeholder", "YYYY-MM-DD")
        return
    for suffix, part in zip(widget.suffixes, widget.widgets, strict=True):
        _class_for(part)
        end = _ENDS.get(suffix, suffix)
        shown = f"{label} {end}" if in_bar else end
        if isinstance(field, DateRangeField) and not in_bar:
            shown = f"{end} YYYY-MM-DD"
        part.attrs |= {"aria-label": f"{label}, {end}", "placeholder": shown}


def _class_for(widget: forms.Widget) -> None:
    attrs: dict[str, Any] = widget.attrs
    if isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect | forms.CheckboxInput):
        attrs.setdefault("class", "form-check-input")
    elif isinstance(widget, forms.Select):
        attrs.setdefault("class", "form-select")
    else:
        attrs.setdefault("class", "form-control")
        attrs.setdefault("autocomplete", "off")
