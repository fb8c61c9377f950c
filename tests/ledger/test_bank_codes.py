"""IBAN and BIC of the firm: what stands on an invoice can be paid to."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from ledger.validators import IBAN_LENGTHS, validate_bic, validate_iban

# From the registry of ISO 13616: the example of each country.
EXAMPLES = [
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
    "CH9300762011623852957",
    "NL91ABNA0417164300",
    "XK051212012345678906",
    "AT611904300234573201",
    "ES9121000418450200051332",
]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def refusal(check, value) -> str:
    """The code of the refusal; empty when the value is accepted."""
    try:
        check(value)
    except ValidationError as error:
        return error.code
    return ""


@pytest.mark.parametrize("iban", EXAMPLES)
def test_the_examples_of_the_registry_are_ibans(iban):
    assert refusal(validate_iban, iban) == ""


@pytest.mark.parametrize(
    ("iban", "code"),
    [
        ("DE89370400440532013001", "iban_check"),
        ("DE88370400440532013000", "iban_check"),
        ("DE8937040044053201300", "iban_length"),
        ("DE893704004405320130000", "iban_length"),
        ("ZZ89370400440532013000", "country"),
        ("DE89 3704 0044 0532 0130 00", "iban_shape"),
        ("de89370400440532013000", "iban_shape"),
        ("DE8937040044053201300０", "iban_shape"),
        ("DE89370400440532013000\n", "iban_shape"),
        ("12345678901234567890", "iban_shape"),
        ("DE", "iban_shape"),
    ],
)
def test_what_is_no_iban_is_refused_with_the_reason(iban, code):
    assert refusal(validate_iban, iban) == code


@given(st.sampled_from(EXAMPLES), st.data())
def test_one_mistyped_digit_is_always_found(iban, data):
    """ISO 7064 mod 97-10 finds every error of one character among digits."""
    places = [n for n, character in enumerate(iban) if n >= 2 and character.isdigit()]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != iban[place]]))
    assert refusal(validate_iban, iban[:place] + other + iban[place + 1 :]) == "iban_check"


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_exactly_one_pair_of_check_digits_fits(country, data):
    account = data.draw(
        st.text(ALPHABET, min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4)
    )
    fitting = [n for n in range(100) if not refusal(validate_iban, f"{country}{n:02}{account}")]
    assert len(fitting) == 1
    assert 2 <= fitting[0] <= 98


@pytest.mark.parametrize(
    ("bic", "code"),
    [
        ("BYLADEM1001", ""),
        ("DEUTDEFF", ""),
        ("NCBVXKPR", ""),
        ("DEUTDEFF5", "bic_shape"),
        ("DEUTDEF", "bic_shape"),
        ("DEUT12FF", "bic_shape"),
        ("deutdeff", "bic_shape"),
        ("DEUTDEFF\n", "bic_shape"),
        ("DEUTZZFF", "country"),
    ],
)
def test_a_bic_has_its_shape_and_a_country(bic, code):
    assert refusal(validate_bic, bic) == code
