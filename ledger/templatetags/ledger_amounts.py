"""How amounts of a ledger look: signed, coloured, and said in words for those who see no colour."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_site.kernel.money import format_money
from billing_site.web.templatetags.quittance import badge
from ledger.models import LedgerEntry

register = template.Library()
MINUS = "\u2212"


@register.simple_tag
def signed_amount(amount: Decimal, currency: str) -> SafeString:
    """``+89.25``: the customer owes; ``-89.25``: the customer has paid or is owed (B-20)."""
    text = format_money(abs(amount), currency)
    if amount > 0:
        return format_html(
            '<span class="money amount-debit"><span class="visually-hidden">owed </span>+{}</span>',
            text,
        )
    if amount < 0:
        return format_html(
            '<span class="money amount-credit"><span class="visually-hidden">credited </span>{}{}'
            "</span>",
            MINUS,
            text,
        )
    return format_html('<span class="money">{}</span>', text)


@register.simple_tag
def balance(amount: Decimal, currency: str, show_currency: bool = True) -> SafeString:
    """A balance; a credit carries a minus and says so."""
    text = format_money(abs(amount), currency)
    unit = format_html(' <span class="currency">{}</span>', currency) if show_currency else ""
    if amount < 0:
        return format_html(
            '<span class="money amount-credit"><span class="visually-hidden">credit of </span>{}{}{}'
            "</span>",
            MINUS,
            text,
            unit,
        )
    return format_html('<span class="money">{}{}</span>', text, unit)


@register.simple_tag
def settlement(amount: Decimal) -> SafeString:
    """Whether everything is settled or claims are open, at a glance (B-12)."""
    if amount > 0:
        return badge("Open claims", "amber")
    if amount < 0:
        return badge("In credit", "blue")
    return badge("All settled", "green")


@register.filter
def percentage(value: Decimal) -> str:
    """``19 %``; without the zeros that only fill up decimals."""
    return f"{value.normalize():f} %" if value else "0 %"


@register.filter
def payment_state(entry: LedgerEntry) -> str:
    """What a payment entry adds (B-18): how it was paid and its status; empty for other entries."""
    payment = entry.payment
    if payment is None:
        return ""
    return f"{payment.get_method_display()}, {payment.get_status_display().lower()}"
