"""Checks of single values, shared by models, forms and imports."""

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
