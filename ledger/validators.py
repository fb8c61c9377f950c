"""Checks of single values, shared by models, forms and imports."""

import re
import unicodedata
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError

from billing_site.kernel.money import UnknownCurrency, minor_units

FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Co", "Cn"}
BIDI_CONTROLS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
# ISO 3166-1 alpha-2, officially assigned.
COUNTRY_LIST = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR"
    " BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ"
    " EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW"
    " GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY"
    " KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV"
    " MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY"
    " QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG"
    " TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM"
    " ZW"
)
COUNTRIES = frozenset(COUNTRY_LIST.split())


def validate_plain_text(value: str) -> None:
    """Refuse control characters and text-direction overrides; they hide what a text says."""
    for character in value:
        if character in BIDI_CONTROLS or unicodedata.category(character) in FORBIDDEN_CATEGORIES:
            raise ValidationError(
                f"This text holds the invisible character U+{ord(character):04X}. Type it anew "
                "without it.",
                code="invisible",
            )


def validate_country(value: str) -> None:
    """ISO 3166-1 alpha-2."""
    if value not in COUNTRIES:
        raise ValidationError(
            f"{value} is no ISO 3166 country code. Give two capital letters, e.g. DE.",
            code="country",
        )


def validate_currency(value: str) -> None:
    """ISO 4217."""
    try:
        minor_units(value)
    except UnknownCurrency as error:
        raise ValidationError(str(error), code="currency") from error


def validate_time_zone(value: str) -> None:
    """A name of the IANA time zone database."""
    if value not in available_timezones():
        raise ValidationError(
            f"{value} is no time zone. Give a name like Europe/Berlin.", code="time_zone"
        )


# Lengths of IBANs, from the registry of ISO 13616; the code of the country counts.
_IBAN_LENGTHS = """
NO15 BE16 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 MN20 XK20
CH21 HR21 LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23
SO23 TL23 AD24 CZ24 ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27
DJ27 FR27 GR27 IT27 MC27 MR27 SM27 AL28 AZ28 BY28 CY28 DO28 GT28 HN28 HU28 LB28 NI28 PL28 SV28
BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 MT31 SC31 LC32 RU33
"""
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
_IBAN = re.compile("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile("[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
KOSOVO = "XK"  # in use by banks, not assigned by ISO 3166


def validate_iban(value: str) -> None:
    """ISO 13616: the shape, the length of the country, and check digits (ISO 7064, mod 97-10)."""
    if not _IBAN.fullmatch(value):
        raise ValidationError(
            f"{value} is no IBAN. Give the capital letters of the country, two check digits and "
            "the account in letters and digits, without spaces, e.g. DE02120300000000202051.",
            code="iban_shape",
        )
    country = value[:2]
    _refuse_unknown_country(country, "IBAN")
    length = IBAN_LENGTHS.get(country, len(value))
    if len(value) != length:
        raise ValidationError(
            f"An IBAN of {country} has {length} characters, this one has {len(value)}. Compare it "
            "with the bank's letter.",
            code="iban_length",
        )
    digits = "".join(str(int(character, 36)) for character in f"{value[4:]}{country}00")
    if int(value[2:4]) != 98 - int(digits) % 97:
        raise ValidationError(
            f"The check digits {value[2:4]} do not fit the rest of the IBAN: something is "
            "mistyped. Compare it with the bank's letter.",
            code="iban_check",
        )


def validate_bic(value: str) -> None:
    """ISO 9362: four characters of the bank, a country, two of the place, perhaps a branch."""
    if not _BIC.fullmatch(value):
        raise ValidationError(
            f"{value} is no BIC. Give 8 or 11 capital letters and digits without spaces, the fifth "
            "and sixth the country, e.g. BYLADEM1001.",
            code="bic_shape",
        )
    _refuse_unknown_country(value[4:6], "BIC")


def _refuse_unknown_country(code: str, what: str) -> None:
    if code not in COUNTRIES and code != KOSOVO:
        raise ValidationError(
            f"{code} in this {what} is no ISO 3166 country code. Correct it.", code="country"
        )
