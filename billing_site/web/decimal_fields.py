"""Numbers in forms, as people write them: digits, a point, perhaps a sign."""

import re
from decimal import Decimal
from typing import Any

from django import forms

_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")


def plain(value: Decimal | None) -> str:
    """A number to be typed over: no grouping, no exponent, no trailing zeros; empty for none.

    >>> plain(Decimal("4.5000000000")), plain(Decimal("100")), plain(None)
    ('4.5', '100', '')
    """
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class PlainDecimalField(forms.DecimalField):
    """A decimal of ASCII digits with a point; the value is a ``Decimal``.

    Python reads ``1e5``, ``1_000`` and digits of other scripts too, which nobody types into a
    price on purpose.
    """

    default_error_messages = {
        "invalid": "This is no number. Give digits with a point, e.g. 0.045.",
    }

    def prepare_value(self, value: Any) -> Any:
        """What is shown can be sent back: a stored zero is 0, where Python writes 0E-10."""
        return plain(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            value = value.strip()
            if value and not _PLAIN.fullmatch(value):
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)
