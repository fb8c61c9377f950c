"""An invoice document as HTML: the live preview and the PDF are made of the same page (CB-71, CB-93).

In: a frozen document. Out: text. The template decides nothing and formats nothing: it receives
rows of ready text, which also makes ten thousand lines quick.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from django.template.loader import render_to_string

from invoicing.documents import DocumentGroup, DocumentLine, InvoiceDocument, Parties, Provider
from invoicing.exports.wording import Wording, wording_of
from ledger.enums import TermsKind

TEMPLATE = "documents/invoice.html"


class Row(NamedTuple):
    """One line of the table, as text."""

    position: int
    label: str
    note: str
    quantity: str
    unit_price: str
    amount: str


class Group(NamedTuple):
    """A category, its lines and its sum, as text."""

    name: str
    rows: list[Row]
    net: str


def render_invoice_html(document: InvoiceDocument, *, stylesheet: str = "") -> str:
    """Return the page of an invoice.

    :param stylesheet: address of the style sheet; empty for the PDF, which brings its own.
    """
    return render_to_string(TEMPLATE, page_context(document) | {"stylesheet": stylesheet})


def page_context(document: InvoiceDocument) -> dict:
    """Return what the template shows: rows, facts, sums and sentences as ready text."""
    wording = wording_of(document.language)
    words = wording.words
    kind = words["credit_note" if document.is_credit_note else "invoice"]
    groups = [_group(group, group.name, document, wording) for group in document.groups]
    if document.adjustments:
        name = words["adjustments"]
        groups.append(_group(document.adjustments, name, document, wording))
    return {
        "language": wording.language,
        "words": words,
        "is_preview": document.is_preview,
        "title": f"{kind} {document.number or words['preview']}",
        "kind": kind,
        "number": document.number,
        "currency": document.currency,
        "provider": document.parties.provider,
        "provider_address": _address(document.parties.provider),
        "recipient": document.parties.recipient,
        "recipient_lines": _recipient_lines(document.parties, words["attention"]),
        "facts": list(_facts(document, wording)),
        "groups": groups,
        "has_several_groups": len(groups) > 1,
        "net": wording.money(document.net_total, document.currency),
        "vat": [
            (
                words["vat"].format(
                    rate=wording.percentage(line.percentage),
                    base=wording.money(line.base, document.currency),
                ),
                wording.money(line.amount, document.currency),
            )
            for line in document.vat
        ]
        or [(words["no_vat"], wording.money(document.vat_total, document.currency))],
        "total": wording.money(document.gross_total, document.currency),
        "payment": list(_payment(document, wording)),
        "iban": _grouped(document.parties.provider.iban),
        "show_bank": bool(
            document.number and document.gross_total > 0 and not document.is_credit_note
        ),
        "footer": _footer(document.parties.provider, words),
    }


def _group(group: DocumentGroup, name: str, document: InvoiceDocument, wording: Wording) -> Group:
    return Group(
        name=name,
        rows=[_row(line, document, wording) for line in group.lines],
        net=wording.money(group.net, document.currency),
    )


def _row(line: DocumentLine, document: InvoiceDocument, wording: Wording) -> Row:
    quantity = price = note = ""
    if line.quantity is not None:
        quantity = f"{wording.quantity(line.quantity)} {line.unit}".rstrip()
    if line.unit_price is not None:
        price = wording.price(line.unit_price, document.currency)
    elif line.percentage is not None:
        price = wording.percentage(line.percentage)
    if line.from_on and line.to_on:
        days = (line.from_on, line.to_on)
        if days != (document.service_from, document.service_to):
            note = wording.days(*days)
    return Row(
        line.position,
        line.label,
        note,
        quantity,
        price,
        wording.money(line.amount, document.currency),
    )


def _facts(document: InvoiceDocument, wording: Wording) -> Iterator[tuple[str, str]]:
    """The block beside the address: block 3 of the document (B-30)."""
    words, parties = wording.words, document.parties
    if document.number:
        yield words["number"], document.number
    yield words["invoice_date"], wording.day(document.invoice_date)
    if not document.is_credit_note:
        yield words["due_date"], wording.day(document.due_date)
    yield words["service"], wording.days(document.service_from, document.service_to)
    period = (document.period_from, document.period_to)
    if period != (document.service_from, document.service_to):
        yield words["period"], wording.days(*period)
    yield words["customer"], parties.recipient.code
    yield words["contract"], parties.agreement.reference
    if document.reference:
        yield words["reference"], document.reference
    if parties.recipient.vat_id:
        yield words["customer_vat"], parties.recipient.vat_id
    yield from list(parties.recipient.metadata.items())[:6]


def _payment(document: InvoiceDocument, wording: Wording) -> Iterator[str]:
    words, currency = wording.words, document.currency
    amount = f"{wording.money(document.gross_total, currency)}\N{NO-BREAK SPACE}{currency}"
    due = wording.day(document.due_date)
    if document.is_credit_note:
        yield words["credited"].format(amount=amount)
        return
    if document.gross_total == Decimal(0):
        yield words["nothing_due"]
        return
    if document.number:
        yield words["pay"].format(amount=amount, due=due, number=document.number)
    else:
        yield words["pay_preview"].format(due=due)
    terms = document.parties.agreement
    if terms.terms_kind == TermsKind.DAY_OF_MONTH:
        yield words["terms_day"].format(day=terms.terms_days, months=terms.terms_months)
    else:
        yield words["terms_days"].format(days=terms.terms_days)


def _address(provider: Provider) -> str:
    """The address on one line, for the sender's line above the recipient."""
    place = f"{provider.postal_code} {provider.city}".strip()
    return " · ".join(part for part in (provider.name, provider.street, place) if part)


def _grouped(iban: str) -> str:
    """An IBAN as people read it: in fours."""
    plain = iban.replace(" ", "")
    return "\N{NO-BREAK SPACE}".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def _recipient_lines(parties: Parties, attention: str) -> list[str]:
    recipient = parties.recipient
    place = f"{recipient.postal_code} {recipient.city}".strip()
    contact = f"{attention} {recipient.contact_name}" if recipient.contact_name else ""
    abroad = recipient.country if recipient.country != parties.provider.country else ""
    lines = (recipient.name, contact, recipient.street, place, abroad)
    return [line for line in lines if line]


def _footer(provider: Provider, words) -> list[list[str]]:
    """Three columns at the foot of every page: firm, registration, bank."""
    place = f"{provider.postal_code} {provider.city}".strip()
    country = provider.country
    firm = [provider.name, provider.street, f"{place} {country}".strip()]
    legal = [
        provider.registration,
        f"{words['vat_id']} {provider.vat_id}" if provider.vat_id else "",
        provider.email,
        provider.phone,
    ]
    bank = [
        provider.bank_name,
        f"IBAN {_grouped(provider.iban)}" if provider.iban else "",
        f"BIC {provider.bic}" if provider.bic else "",
    ]
    return [[line for line in column if line] for column in (firm, legal, bank)]
