"""How a document speaks its customer's language: words, dates, amounts. Pure."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing_site.kernel.money import (
    format_money,
    format_quantity,
    format_unit_price,
)

GERMAN_SEPARATORS = str.maketrans(",.", ".,")
ENGLISH_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MINUS = "\N{MINUS SIGN}"

ENGLISH = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "preview": "Preview",
    "preview_note": "Preview: not an invoice. It changes until it is approved.",
    "number": "Number",
    "invoice_date": "Invoice date",
    "due_date": "Due date",
    "service": "Service period",
    "period": "Billing period",
    "customer": "Customer number",
    "contract": "Contract",
    "reference": "Reference",
    "customer_vat": "Your VAT ID",
    "attention": "Attn.",
    "position": "No.",
    "product": "Product or service",
    "quantity": "Quantity",
    "unit_price": "Unit price",
    "amount": "Amount",
    "adjustments": "Discounts and surcharges",
    "nothing": "Nothing was used in this period.",
    "net": "Net total",
    "vat": "VAT {rate} on {base}",
    "no_vat": "VAT",
    "total": "Total",
    "payment": "Payment",
    "pay": "Please transfer {amount} by {due} and name {number}.",
    "pay_preview": "Payable by {due}.",
    "terms_days": "Payment terms: {days} days after the invoice date.",
    "terms_day": "Payment terms: day {day} of the month, {months} months later.",
    "credited": "{amount} is credited to your account; there is nothing to pay.",
    "nothing_due": "There is nothing to pay.",
    "bank": "Bank",
    "vat_id": "VAT ID",
    "phone": "Phone",
    "page": "Page",
    "of": "of",
    "continued": "continued",
}
GERMAN = {
    "invoice": "Rechnung",
    "credit_note": "Gutschrift",
    "preview": "Vorschau",
    "preview_note": "Vorschau: keine Rechnung. Sie ändert sich, bis sie freigegeben ist.",
    "number": "Nummer",
    "invoice_date": "Rechnungsdatum",
    "due_date": "Fällig am",
    "service": "Leistungszeitraum",
    "period": "Abrechnungszeitraum",
    "customer": "Kundennummer",
    "contract": "Vertrag",
    "reference": "Referenz",
    "customer_vat": "Ihre USt-IdNr.",
    "attention": "z. Hd.",
    "position": "Pos.",
    "product": "Produkt oder Leistung",
    "quantity": "Menge",
    "unit_price": "Einzelpreis",
    "amount": "Betrag",
    "adjustments": "Nachlässe und Zuschläge",
    "nothing": "In diesem Zeitraum wurde nichts genutzt.",
    "net": "Summe netto",
    "vat": "USt. {rate} auf {base}",
    "no_vat": "USt.",
    "total": "Gesamtbetrag",
    "payment": "Zahlung",
    "pay": "Bitte überweisen Sie {amount} bis zum {due} unter Angabe von {number}.",
    "pay_preview": "Zahlbar bis zum {due}.",
    "terms_days": "Zahlungsziel: {days} Tage ab Rechnungsdatum.",
    "terms_day": "Zahlungsziel: der {day}. des Monats, {months} Monate später.",
    "credited": "{amount} werden Ihrem Konto gutgeschrieben; es ist nichts zu zahlen.",
    "nothing_due": "Es ist nichts zu zahlen.",
    "bank": "Bank",
    "vat_id": "USt-IdNr.",
    "phone": "Telefon",
    "page": "Seite",
    "of": "von",
    "continued": "Fortsetzung",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words and formats of one language."""

    language: str
    words: Mapping[str, str]

    def day(self, on: dt.date) -> str:
        """``31 January 2026`` or ``31.01.2026``."""
        if self.language == "de":
            return f"{on.day:02d}.{on.month:02d}.{on.year:04d}"
        return f"{on.day} {ENGLISH_MONTHS[on.month - 1]} {on.year:04d}"

    def short_day(self, on: dt.date) -> str:
        """``31 Jan 2026`` or ``31.01.2026``, for tables."""
        if self.language == "de":
            return self.day(on)
        return f"{on.day} {ENGLISH_MONTHS[on.month - 1][:3]} {on.year:04d}"

    def days(self, from_: dt.date, to: dt.date) -> str:
        """A period, both days included; one day is shown once."""
        if from_ == to:
            return self.short_day(from_)
        return f"{self.short_day(from_)} – {self.short_day(to)}"

    def money(self, amount: Decimal, currency: str) -> str:
        """The amount in the decimals of its currency: ``1,234.50`` or ``1.234,50``."""
        return self._local(format_money(amount, currency))

    def price(self, price: Decimal, currency: str) -> str:
        """A unit price, never cut."""
        return self._local(format_unit_price(price, currency))

    def quantity(self, quantity: Decimal) -> str:
        return self._local(format_quantity(quantity))

    def percentage(self, value: Decimal) -> str:
        """``19%`` or ``19 %``."""
        text = self._local(format_quantity(value))
        return f"{text}\N{NO-BREAK SPACE}%" if self.language == "de" else f"{text}%"

    def _local(self, text: str) -> str:
        if self.language == "de":
            text = text.translate(GERMAN_SEPARATORS)
        return text.replace("-", MINUS)


WORDINGS = {"en": Wording("en", ENGLISH), "de": Wording("de", GERMAN)}


def wording_of(language: str) -> Wording:
    """The wording of a customer's language; English for one we do not speak."""
    return WORDINGS.get(language, WORDINGS["en"])
