"""Number formats of documents, such as ``R{yyyy}-{####}`` (H-CB11, B-25).

A format is text with placeholders: ``{####}`` is the sequence, padded with zeros to as many
digits as it has marks; ``{yyyy}``, ``{yy}`` and ``{MM}`` are the year and month of the date the
scheme numbers by. Where the counter starts again (never, yearly, monthly) the format must show
the year (and month), or numbers would repeat.

Only the sequence changes its width (10000 in ``{####}`` grows to five digits, it is never cut),
so two different (date, sequence) pairs of one counter never give the same text.
"""

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from billing_site.kernel.errors import DomainError

MAX_FORMAT_LENGTH = 40
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"[A-Za-z0-9 ./_\-]*")
_DATE_MARKS = ("yyyy", "yy", "MM")


class NumberFormatRefused(DomainError):
    """A number format that cannot number documents without repeats."""


class Reset(StrEnum):
    """When a counter starts again at 1."""

    NEVER = "never"
    YEARLY = "yearly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A checked format. Make one with ``NumberFormat.parse``.

    >>> NumberFormat.parse("R{yyyy}-{####}", Reset.YEARLY).render(22, dt.date(2018, 5, 31))
    'R2018-0022'
    """

    text: str
    reset: Reset
    parts: tuple[tuple[str, str], ...]  # (literal before, placeholder), last placeholder ""

    @classmethod
    def parse(cls, text: str, reset: str = Reset.NEVER) -> "NumberFormat":
        """Return the format of ``text``.

        :param reset: ``never``, ``yearly`` or ``monthly``.
        :raises NumberFormatRefused: with the remedy, for anything that is no safe format.
        """
        try:
            kind = Reset(reset)
        except ValueError:
            raise NumberFormatRefused(
                f"A counter starts again never, yearly or monthly, not {reset!r}."
            ) from None
        if len(text) > MAX_FORMAT_LENGTH:
            raise NumberFormatRefused(
                f"The format has {len(text)} characters; shorten it to {MAX_FORMAT_LENGTH}."
            )
        parts = _split(text)
        marks = [mark for _, mark in parts if mark]
        sequences = [mark for mark in marks if mark.startswith("#")]
        if len(sequences) != 1:
            raise NumberFormatRefused(
                f"The format {text!r} has {len(sequences)} sequences; "
                "it needs exactly one, such as {####}."
            )
        has_year = "yyyy" in marks or "yy" in marks
        if kind is not Reset.NEVER and not has_year:
            raise NumberFormatRefused(
                f"The counter starts again {kind}, but the format {text!r} does not show the "
                "year, so numbers would repeat; add {yyyy} or let the counter never start again."
            )
        if kind is Reset.MONTHLY and "MM" not in marks:
            raise NumberFormatRefused(
                f"The counter starts again monthly, but the format {text!r} does not show the "
                "month, so numbers would repeat; add {MM} or let the counter start again yearly."
            )
        return cls(text=text, reset=kind, parts=parts)

    @property
    def needs_date(self) -> bool:
        """Whether a number cannot be made without a date."""
        return self.reset is not Reset.NEVER or any(mark in _DATE_MARKS for _, mark in self.parts)

    def counter_key(self, on: dt.date | None) -> str:
        """Return which counter numbers a document of ``on``: ``""``, ``2018`` or ``2018-05``.

        :raises NumberFormatRefused: the counter starts again by date and there is none.
        """
        if self.reset is Reset.NEVER:
            return ""
        day = self._date(on)
        year = f"{day.year:04d}"
        return f"{year}-{day.month:02d}" if self.reset is Reset.MONTHLY else year

    def render(self, sequence: int, on: dt.date | None) -> str:
        """Return the document number.

        :param sequence: position in the counter of ``counter_key(on)``, 1 or more.
        :param on: the date the scheme numbers by; None only if the format shows no date.
        :raises NumberFormatRefused: the format shows a date and there is none.
        """
        if sequence < 1:
            raise ValueError(f"a sequence begins at 1, got {sequence}")
        return "".join(
            literal + (self._fill(mark, sequence, on) if mark else "")
            for literal, mark in self.parts
        )

    def _fill(self, mark: str, sequence: int, on: dt.date | None) -> str:
        if mark.startswith("#"):
            return f"{sequence:0{len(mark)}d}"
        day = self._date(on)
        if mark == "MM":
            return f"{day.month:02d}"
        return f"{day.year:04d}" if mark == "yyyy" else f"{day.year % 100:02d}"

    def _date(self, on: dt.date | None) -> dt.date:
        if on is None:
            raise NumberFormatRefused(
                f"The format {self.text!r} needs a date, and this scheme numbers by none; choose "
                "the approval date or the period as its date, or take the date out of the format."
            )
        return on


def _split(text: str) -> tuple[tuple[str, str], ...]:
    parts = []
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        mark = match[1]
        if mark not in _DATE_MARKS and (not mark or set(mark) != {"#"}):
            raise NumberFormatRefused(
                f"The placeholder {match[0]} is not known; use {{####}}, {{yyyy}}, {{yy}}, {{MM}}."
            )
        parts.append((text[position : match.start()], mark))
        position = match.end()
    parts.append((text[position:], ""))
    for literal, _ in parts:
        if not _LITERAL.fullmatch(literal):
            wrong = next(character for character in literal if not _LITERAL.fullmatch(character))
            remedy = (
                "close every placeholder, as in {####}"
                if wrong in "{}"
                else "use letters A-Z, digits, spaces and . / _ -"
            )
            raise NumberFormatRefused(f"The format holds {wrong!r}; {remedy}.")
    return tuple(parts)
