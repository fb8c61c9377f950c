"""Numbers as people type and read them: exact, without the zeros that only fill up decimals."""

from decimal import Decimal
from typing import Any

from django import forms


def plain(value: Decimal | None) -> str:
    """A number to be typed over: no grouping, no exponent, no trailing zeros; empty for none.

    >>> plain(Decimal("4.5000000000")), plain(Decimal("100")), plain(None)
    ('4.5', '100', '')
    """
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class DecimalText(forms.TextInput):
    """A text input for a number: keeps what was typed, also when it is wrong."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        base = {"inputmode": "decimal", "autocomplete": "off", "class": "form-control num-input"}
        super().__init__(base | (attrs or {}))

    def format_value(self, value: Any) -> str | None:
        return plain(value) if isinstance(value, Decimal) else super().format_value(value)
