"""The mark that keeps text from becoming a formula in a CSV file (R12, ASVS 5.0 1.2.10).

A spreadsheet program evaluates a CSV cell that begins with ``=``, ``+``, ``-`` or ``@`` (and, in
some, ``|``, ``%``, TAB, CR, LF), whatever its quoting. We write an apostrophe before such text and
take it away on import, so that export followed by import gives the same text:

==============  ==============  =====================================
text            in our CSV      note
==============  ==============  =====================================
``=1+1``        ``'=1+1``
``'=1+1``       ``''=1+1``      it looked marked, so it is marked again
``' OR 1=1``    ``' OR 1=1``    no danger, not touched
``+4915112345``  ``+4915112345``  a telephone number; other programs read it
``-5`` (a number column)  ``-5``  typed columns are never marked
==============  ==============  =====================================

The test looks at the NFKC form (a full-width equals sign is a formula for some programs) and
past leading blanks, apostrophes and invisible characters.
"""

import re
import unicodedata

MARK = "'"
_TELEPHONE = re.compile(r"\+[0-9]{5,15}")  # E.164: digits calculate nothing
_FORMULA_STARTS = frozenset("=+-@|%\t\r\n")


def needs_mark(text: str) -> bool:
    """Whether a spreadsheet program might read this text as a formula."""
    if not text or (text[0].isascii() and text[0].isalnum()) or _TELEPHONE.fullmatch(text):
        return False
    for char in text:
        for plain in unicodedata.normalize("NFKC", char):
            if plain in _FORMULA_STARTS:
                return True
            if plain == MARK or plain.isspace() or unicodedata.category(plain) in ("Cf", "Cc"):
                continue
            return False
    return False


def with_mark(text: str) -> str:
    """The text as it is written into a CSV cell."""
    return MARK + text if needs_mark(text) else text


def without_mark(text: str) -> str:
    """The text of a CSV cell without our mark; other apostrophes stay."""
    return text[1:] if text[:1] == MARK and needs_mark(text[1:]) else text
