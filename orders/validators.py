"""Checks of what people type about order lines."""

import re

import phonenumbers
from django.core.exceptions import ValidationError

IDENTIFIER = re.compile(r"[\w+#(][\w +\-./#:()]*")
DIALLED = re.compile(r"[+0-9][0-9 ()./-]*")


def normalise_cli(text: str, *, country: str = "") -> str:
    """Return a telephone number in E.164 form; another identifier (a circuit) as it is (D-04).

    :param text: as typed; a number with country code, or national with ``country`` known.
    :param country: ISO 3166-1 alpha-2 of the customer, for national numbers.
    :raises ValidationError: digits that are no telephone number, or signs of neither.

    >>> normalise_cli("01632 960123", country="GB")
    '+441632960123'
    >>> normalise_cli("CCT-100/7")
    'CCT-100/7'
    """
    text = text.strip()
    if text and not IDENTIFIER.fullmatch(text):
        raise ValidationError(
            "This is neither a telephone number nor an identifier. Use letters, digits, blanks and "
            "the signs + - . / _ # : ( )."
        )
    if not text or not DIALLED.fullmatch(text):
        return text
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValidationError(
            "This is no telephone number. Write it with its country code, as +441632960123."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
