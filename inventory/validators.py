"""Checks of single values of the inventory floor."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError

from ledger.validators import validate_plain_text


def validate_column_names(names: Sequence[str]) -> None:
    """Names of export columns: none empty, none twice (whatever its capitals), plain text (L-40).

    Which names there are is known to the app that exports; here only the shape is looked at.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise ValidationError("A column name is empty. Remove it.", code="empty")
        validate_plain_text(name)
        twin = seen.setdefault(name.strip().casefold(), name)
        if twin is not name:
            raise ValidationError(
                f"The column {name} is named twice. Remove one of the two.", code="twice"
            )
