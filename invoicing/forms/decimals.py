"""Numbers as people type and read them: exact, without the zeros that only fill up decimals."""

from decimal import Decimal
from typing import Any

from django import forms

from billing_site.web.decimal_fields import plain


class DecimalText(forms.TextInput):
    """A text input for a number: keeps what was typed, also when it is wrong."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        base = {"inputmode": "decimal", "autocomplete": "off", "class": "form-control num-input"}
        super().__init__(base | (attrs or {}))

    def format_value(self, value: Any) -> str | None:
        return plain(value) if isinstance(value, Decimal) else super().format_value(value)
