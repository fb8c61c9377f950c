"""What a purchase takes from a file (H-CB4)."""

from dataclasses import dataclass

# What may stand in a column beside the fields below.
IGNORED = ""
METADATA = "metadata"


@dataclass(frozen=True)
class Field:
    """One target of a column: ``key`` in a stored mapping, ``label`` and ``help`` for people.

    ``required`` asks for a column, and for a value in each of its cells unless ``may_be_blank``.
    ``examples`` are the cells of three rows that can be imported together, as a file has them.
    """

    key: str
    label: str
    help: str = ""
    required: bool = False
    may_be_blank: bool = False
    examples: tuple[str, str, str] = ("", "", "")

    @property
    def example(self) -> str:
        """The first example that is not blank."""
        return next(filter(None, self.examples), "")


FIELDS: tuple[Field, ...] = (
    Field(
        "reference",
        "Reference",
        "Unique; importing it again updates the purchase.",
        True,
        examples=("CALL-2026-0001", "CALL-2026-0002", "CLOUD-2026-0001"),
    ),
    Field(
        "customer_code",
        "Customer code",
        "A row without one is kept among the unmapped purchases.",
        True,
        may_be_blank=True,
        examples=("C-1001", "C-1001", "C-1002"),
    ),
    Field(
        "product_code",
        "Product code",
        "The code of the product in the catalogue.",
        True,
        examples=("VOICE-NAT", "VOICE-NAT", "STORAGE-GB"),
    ),
    Field("product_code_2", "Product code, if the first is blank"),
    Field(
        "label",
        "Label",
        "What the purchase is called; shown to people.",
        examples=("National call", "National call", "Object storage"),
    ),
    Field(
        "quantity",
        "Quantity",
        "How much was used, decimals after a point.",
        True,
        examples=("95", "12.5", "250"),
    ),
    Field(
        "unit",
        "Unit",
        "What the quantity counts; the unit of the product, or blank.",
        examples=("second", "second", "GB"),
    ),
    Field("currency", "Currency", "Three letters, as EUR.", True, examples=("EUR", "EUR", "EUR")),
    Field(
        "purchased_at",
        "Purchase date",
        "Day or moment; decides the invoice period.",
        True,
        examples=("2026-01-15T10:30:00+01:00", "2026-01-15 11:05", "31.01.2026"),
    ),
    Field(
        "ended_at",
        "End date",
        "Day or moment, not before the purchase date.",
        examples=("2026-01-15T10:31:35+01:00", "", ""),
    ),
    Field(
        "unit_price",
        "Unit price",
        "Replaces the price of the catalogue and of the rules.",
        examples=("", "0.0015", ""),
    ),
    Field(
        "total",
        "Stated total",
        "The amount as the source charges it; stays as it is, and a unit price beside it is "
        "kept for information only.",
        examples=("", "", "5.75"),
    ),
    Field(
        "cost",
        "Stated cost",
        "What the purchase costs you.",
        examples=("", "", "4.10"),
    ),
    Field(
        "invoice_reference",
        "Invoice reference",
        "Routes the purchase to an ad hoc invoice.",
        examples=("", "", ""),
    ),
    Field(
        "source_updated_at",
        "Source date",
        "When the source last changed the row.",
        examples=("2026-01-16T02:00:00+01:00",) * 3,
    ),
)
BY_KEY = {field.key: field for field in FIELDS}
REQUIRED = tuple(field for field in FIELDS if field.required)
