"""What a purchase takes from a file (H-CB4)."""

from dataclasses import dataclass

# What may stand in a column beside the fields below.
IGNORED = ""
METADATA = "metadata"


@dataclass(frozen=True)
class Field:
    """One target of a column: ``key`` in a stored mapping, ``label`` and ``help`` for people.

    ``required`` asks for a column, and for a value in each of its cells unless ``may_be_blank``.
    """

    key: str
    label: str
    help: str = ""
    required: bool = False
    may_be_blank: bool = False


FIELDS: tuple[Field, ...] = (
    Field("reference", "Reference", "Unique; importing it again updates the purchase.", True),
    Field(
        "customer_code",
        "Customer code",
        "A row without one is kept among the unmapped purchases.",
        True,
        may_be_blank=True,
    ),
    Field("product_code", "Product code", "", True),
    Field("product_code_2", "Product code, if the first is blank"),
    Field("label", "Label", "What the purchase is called; shown to people."),
    Field("quantity", "Quantity", "", True),
    Field("unit", "Unit"),
    Field("currency", "Currency", "Three letters, as EUR.", True),
    Field("purchased_at", "Purchase date", "Day or moment; decides the invoice period.", True),
    Field("ended_at", "End date"),
    Field("unit_price", "Unit price", "Replaces the price of the catalogue and of the rules."),
    Field(
        "total",
        "Stated total",
        "The amount as the source charges it; stays as it is, and a unit price beside it is "
        "kept for information only.",
    ),
    Field("cost", "Stated cost"),
    Field("invoice_reference", "Invoice reference", "Routes the purchase to an ad hoc invoice."),
    Field("source_updated_at", "Source date", "When the source last changed the row."),
)
BY_KEY = {field.key: field for field in FIELDS}
REQUIRED = tuple(field for field in FIELDS if field.required)
