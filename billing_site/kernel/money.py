"""Money: ISO 4217 minor units, the one rounding, and how an amount is shown.

An amount is a ``Decimal`` in major units of a currency (12.34 is twelve euros and 34 cents).
Everything before the rounding is exact; ``round_money`` rounds once, half-up (K-1). Arithmetic
that may need more than Python's default 28 digits runs inside ``exact()``.

Source of the table: ISO 4217, list one (active codes), as of 2026, plus a few codes withdrawn
since 2021 so that documents issued in them can still be shown. Codes without a minor unit
(metals, bond market units, SDR, testing, "no currency") are not money one can invoice in, and
are left out.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from functools import lru_cache

from billing_site.kernel.errors import DomainError

# 80 digits hold a quantity (30 digits) times a price (30) times a percentage (7), unrounded.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])

_TWO_PLACES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_WITHDRAWN = "ANG BGN CUC HRK SLL ZWL"
_NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_PLACES = "CLF UYW"

MINOR_UNITS: dict[str, int] = {
    **dict.fromkeys(_NO_PLACES.split(), 0),
    **dict.fromkeys(_TWO_PLACES.split(), 2),
    **dict.fromkeys(_WITHDRAWN.split(), 2),
    **dict.fromkeys(_THREE_PLACES.split(), 3),
    **dict.fromkeys(_FOUR_PLACES.split(), 4),
}
WITHDRAWN_CURRENCIES = frozenset(_WITHDRAWN.split())
ACTIVE_CURRENCIES = tuple(sorted(set(MINOR_UNITS) - WITHDRAWN_CURRENCIES))

_QUANTA = {places: Decimal(1).scaleb(-places) for places in (0, 2, 3, 4)}


class UnknownCurrency(DomainError):
    """A currency code that ISO 4217 does not list as money with a minor unit."""


def minor_units(currency: str) -> int:
    """Return how many decimal places amounts of ``currency`` have: EUR 2, JPY 0, BHD 3.

    :param currency: ISO 4217 alphabetic code, upper case.
    :raises UnknownCurrency: not a code of the table.
    """
    try:
        return MINOR_UNITS[currency]
    except (KeyError, TypeError):
        hint = ""
        if isinstance(currency, str) and currency.strip().upper() in MINOR_UNITS:
            hint = f" Did you mean {currency.strip().upper()}?"
        raise UnknownCurrency(
            f"{currency!r} is no currency of ISO 4217; "
            f"use a three-letter code in capitals such as EUR, USD or JPY.{hint}"
        ) from None


def quantum(currency: str) -> Decimal:
    """Return the smallest amount of ``currency``: EUR 0.01, JPY 1, BHD 0.001."""
    return _QUANTA[minor_units(currency)]


def exact() -> AbstractContextManager[Context]:
    """Return a context manager in which Decimal arithmetic keeps 80 digits."""
    return localcontext(EXACT)


@lru_cache(maxsize=256)
def rounder(currency: str) -> Callable[[Decimal], Decimal]:
    """Return ``round_money`` bound to ``currency``, without its argument checks.

    For loops over many amounts that are known to be finite Decimals.
    """
    step = quantum(currency)
    zero = Decimal(0).quantize(step)
    quantize = Decimal.quantize

    def rounded(amount: Decimal) -> Decimal:
        return quantize(amount, step, ROUND_HALF_UP, EXACT) or zero

    return rounded


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Return ``amount`` rounded half-up to the minor units of ``currency`` (K-1).

    Half-up is away from zero: 0.005 EUR is 0.01 and -0.005 EUR is -0.01. There is no negative
    zero: -0.001 EUR is 0.00.

    :param amount: major units, any number of decimals.
    :raises UnknownCurrency: ``currency`` is not in ISO 4217.
    :raises TypeError: ``amount`` is no Decimal (a float has lost its cents already).
    :raises ValueError: ``amount`` is not finite.

    >>> round_money(Decimal("5350.656"), "EUR")
    Decimal('5350.66')
    """
    if not isinstance(amount, Decimal):
        raise TypeError(f"money is Decimal, got {type(amount).__name__} {amount!r}")
    if not amount.is_finite():
        raise ValueError(f"an amount must be a finite number, got {amount}")
    return rounder(currency)(amount)


def prorate(amount: Decimal, factor: Fraction) -> Decimal:
    """Return ``amount`` times ``factor``, unrounded (80 digits), for proration (K-5).

    :param factor: from ``periods.proration_factor``; a fraction, because 1/3 of a month has no
        exact Decimal.
    """
    product = EXACT.multiply(amount, Decimal(factor.numerator))
    return EXACT.divide(product, Decimal(factor.denominator))


def format_money(amount: Decimal, currency: str) -> str:
    """Return the amount as text, grouped, with the currency's decimals: ``1,234.50``.

    The currency is not part of the text; ``format_money_with_currency`` adds it.
    """
    return f"{round_money(amount, currency):,f}"


def format_money_with_currency(amount: Decimal, currency: str) -> str:
    """Return the amount and its currency as text: ``1,234.50 EUR``."""
    return f"{format_money(amount, currency)} {currency}"


def format_unit_price(price: Decimal, currency: str) -> str:
    """Return a unit price as text: at least the currency's decimals, never cut.

    ``Decimal("0.0002000000")`` in EUR is ``0.0002``; ``Decimal("5")`` is ``5.00``.
    """
    places = max(minor_units(currency), _significant_places(price))
    return f"{price:,.{places}f}"


def format_quantity(quantity: Decimal) -> str:
    """Return a quantity as text, grouped, without trailing zeros: ``1,250`` or ``0.5``."""
    return f"{quantity:,.{_significant_places(quantity)}f}"


def _significant_places(value: Decimal) -> int:
    exponent = EXACT.create_decimal(value).normalize(EXACT).as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"a finite number is needed, got {value}")
    return max(0, -exponent)
