"""Identity keys: one contact, many spellings, one key."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadrail.core.identity import KeyKind, business_key, email_key, keys_of, linkedin_key, phone_key

# Phones


@pytest.mark.parametrize(
    "raw",
    [
        "+4520123456",
        "+45 20 12 34 56",
        "+45 2012 3456",
        "+45-20-12-34-56",
        "+45.20.12.34.56",
        "+45 (20) 12/34/56",
        " +45 20123456 ",
        "0045 20 12 34 56",
        "20123456",
        "(20) 12 34 56",
        "tel:+45-20-12-34-56",
        "+45 20 12 34 56 ext. 7",
        "＋４５ ２０１２３４５６",
    ],
)
def test_every_spelling_of_a_phone_number_gives_one_key(raw: str) -> None:
    assert phone_key(raw, "DK") == "+4520123456"


@pytest.mark.parametrize(
    ("raw", "country", "key"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("20123456", "SE", "+4620123456"),
        ("+45 20 12 34 56", "SE", "+4520123456"),
        ("+45 20 12 34 56", None, "+4520123456"),
        ("+45 20 12 34 56", "ZZ", "+4520123456"),
    ],
)
def test_a_number_without_its_country_code_belongs_to_the_companys_country(
    raw: str, country: str | None, key: str
) -> None:
    assert phone_key(raw, country) == key


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("20123456", None),
        ("20123456", "ZZ"),
        ("", "DK"),
        ("none", "DK"),
        ("+", "DK"),
        ("+999 12", "DK"),
        ("12", "DK"),
        ("1" * 64, "DK"),
        ("1" * 5000, "DK"),
        ("n/a +++ 45", None),
    ],
)
def test_what_cannot_be_dialled_has_no_key(raw: str, country: str | None) -> None:
    assert phone_key(raw, country) is None


# E-mail


@pytest.mark.parametrize(
    "raw",
    ["jane.doe@example.com", "Jane.Doe@Example.COM", " jane.doe@example.com\n", "JANE.DOE@EXAMPLE.COM"],
)
def test_an_address_is_folded_whatever_its_case_and_blanks(raw: str) -> None:
    assert email_key(raw) == "jane.doe@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jane@exämple.com", "JANE@XN--EXMPLE-CUA.com"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("jane@my-company.example.co.uk", "Jane@My-Company.example.CO.UK"),
        ("a.b.c.d@example.com", "A.B.C.D@example.com"),
    ],
)
def test_two_spellings_that_mean_one_mailbox_give_one_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jane@example.com", "jane+ads@example.com"),
        ("jane.doe@example.com", "janedoe@example.com"),
        ("jane@example.com", "jane@example.org"),
    ],
)
def test_two_mailboxes_are_not_made_one(one: str, other: str) -> None:
    assert None not in (email_key(one), email_key(other))
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize(
    "raw", ["", "jane", "@example.com", "jane@", "a..b@example.com", "a@b@c.com", "jane@@example.com", "x" * 5000]
)
def test_what_is_no_address_has_no_key(raw: str) -> None:
    assert email_key(raw) is None


# LinkedIn


@pytest.mark.parametrize(
    "raw",
    [
        "https://www.linkedin.com/in/jane-doé",
        "http://linkedin.com/in/jane-doé/",
        "https://dk.linkedin.com/in/Jane-Doé?trk=public",
        "linkedin.com/in/jane-doé#about",
        "HTTPS://WWW.LINKEDIN.COM/IN/JANE-DOÉ",
        "www.linkedin.com/in/jane-doé/details/experience/",
        "in/jane-doé",
        " in/jane-doé ",
        "https://www.linkedin.com/in/jane-do%C3%A9/",
        "https://www.linkedin.com/in/jane-do%c3%a9",
    ],
)
def test_every_spelling_of_a_profile_gives_its_slug(raw: str) -> None:
    assert linkedin_key(raw) == "jane-doé"


@pytest.mark.parametrize(
    "raw",
    ["", "jane-doe", "https://www.linkedin.com/company/acme", "https://example.com/in/jane", "in/", "in/jane%00"],
)
def test_what_is_no_profile_has_no_key(raw: str) -> None:
    assert linkedin_key(raw) is None


# All together


def test_a_lead_is_found_by_every_key_that_can_be_read() -> None:
    found = keys_of("Jane@example.com", "20123456", "in/jane", " B-1 ", {}, "DK")

    assert found == {
        (KeyKind.EMAIL, "jane@example.com"),
        (KeyKind.PHONE, "+4520123456"),
        (KeyKind.LINKEDIN, "jane"),
        (KeyKind.BUSINESS_ID, "B-1"),
    }


def test_what_cannot_be_read_gives_no_key_and_no_error() -> None:
    assert keys_of("not an address", "call me", "my profile", "  ", {}, "DK") == frozenset()
    assert keys_of(None, None, None, None, {}, None) == frozenset()


def test_a_business_id_keeps_its_case() -> None:
    assert business_key(" aB-1 ") == "aB-1"


def test_other_systems_ids_are_keys_when_they_are_ids() -> None:
    ids = {"octanist": "lead_1", "crm": 5, "long": "x" * 400, "flag": True, "none": None, "list": ["a"]}

    found = keys_of(None, None, None, None, {"external_ids": ids}, None)

    assert found == {(KeyKind.EXTERNAL_ID, "octanist:lead_1"), (KeyKind.EXTERNAL_ID, "crm:5")}
    assert keys_of(None, None, None, None, {"external_ids": "lead_1"}, None) == frozenset()


CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@settings(max_examples=2000)
@given(
    code=st.sampled_from(CODES),
    country=st.sampled_from([None, "DE", "US", "CA", "KZ", "IT"]),
    digits=st.text("0123456789", min_size=1, max_size=15),
    sign=st.sampled_from(["", " ", "-", ".", " (", ") "]),
    place=st.integers(0, 15),
)
def test_a_plain_number_folds_to_what_phonenumbers_makes_of_it(
    code: int, country: str | None, digits: str, sign: str, place: int
) -> None:
    raw = f"+{code}{digits[:place]}{sign}{digits[place:]}"
    try:
        number = phonenumbers.parse(raw, country)
        expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        expected = None

    assert phone_key(raw, country) == expected
