"""What an invoice document shows, as plain frozen values (B-29, B-30).

Built by ``selectors.documents``, read by the template of the live preview and of the PDF, so that
the two cannot disagree. ``Parties`` is also what an approval freezes in ``document_data``.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Provider:
    """Block 1: who sends the invoice."""

    name: str
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""  # ISO 3166-1 alpha-2
    vat_id: str = ""
    registration: str = ""
    email: str = ""
    phone: str = ""
    bank_name: str = ""
    iban: str = ""
    bic: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Block 2: who receives it; metadata as text (CB-6)."""

    code: str
    name: str
    contact_name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    vat_id: str = ""
    email: str = ""
    language: str = "en"
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The contract, as far as the document names it."""

    reference: str
    terms_kind: str
    terms_days: int
    terms_months: int = 0


@dataclass(frozen=True, slots=True)
class Parties:
    """Firm, customer and contract as they are, or were when the invoice was approved."""

    provider: Provider
    recipient: Recipient
    agreement: Agreement

    def as_json(self) -> dict[str, Any]:
        """For ``Invoice.document_data``."""
        return {
            "provider": _plain(self.provider),
            "recipient": _plain(self.recipient),
            "agreement": _plain(self.agreement),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Parties":
        """The parties frozen in ``document_data``; keys of a newer version are left out."""
        return cls(
            provider=_known(Provider, data["provider"]),
            recipient=_known(Recipient, data["recipient"]),
            agreement=_known(Agreement, data["agreement"]),
        )


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One product, or one adjustment."""

    position: int
    label: str
    amount: Decimal  # net, rounded
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    percentage: Decimal | None = None
    from_on: dt.date | None = None
    to_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class DocumentGroup:
    """The lines of one product category; the adjustments are a group without a name."""

    name: str
    lines: tuple[DocumentLine, ...]
    net: Decimal


@dataclass(frozen=True, slots=True)
class VatLine:
    """VAT of one rate (K-2)."""

    percentage: Decimal
    base: Decimal
    amount: Decimal
    label: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """Everything on the paper. A credit note carries positive amounts (K-12)."""

    parties: Parties
    is_credit_note: bool
    number: str  # empty until approved: the document is a preview then
    reference: str
    currency: str  # ISO 4217
    invoice_date: dt.date
    due_date: dt.date
    period_from: dt.date
    period_to: dt.date
    service_from: dt.date  # date of supply: first and last day of what is charged (H-J3)
    service_to: dt.date
    groups: tuple[DocumentGroup, ...]
    adjustments: DocumentGroup | None
    vat: tuple[VatLine, ...]
    net_total: Decimal
    vat_total: Decimal
    gross_total: Decimal

    @property
    def is_preview(self) -> bool:
        return not self.number

    @property
    def language(self) -> str:
        return self.parties.recipient.language


def _plain(part: Provider | Recipient | Agreement) -> dict[str, Any]:
    """The fields by name. ``asdict`` copies each value, which a thousand approvals feel."""
    return {entry.name: getattr(part, entry.name) for entry in fields(part)}


def _known(kind: type, data: Mapping[str, Any]) -> Any:
    names = {entry.name for entry in fields(kind)}
    return kind(**{name: value for name, value in data.items() if name in names})
