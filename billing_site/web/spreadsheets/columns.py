"""Describes the columns of an export; lists and documents share it."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column holds; it decides type, format and alignment of its cells."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Column:
    """One column: ``key`` names it in code, ``title`` in the header, ``kind`` types its cells."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
