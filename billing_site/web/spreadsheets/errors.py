"""Refusals of spreadsheets."""

from billing_site.kernel.errors import DomainError


class SpreadsheetRefused(DomainError):
    """The file as a whole cannot be used; the sentence names what is wrong and the remedy."""


class CellError(DomainError):
    """One cell cannot be used; the sentence shows the value (shortened) and the remedy.

    The caller adds row and column: it knows them, the cell does not.
    """
