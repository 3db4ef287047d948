"""Identity keys: the folded forms by which a lead is found, whatever way it was written.

The raw value always stays on the lead. What cannot be parsed has no key, and is kept.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import phonenumbers
from email_validator import EmailNotValidError, validate_email


class KeyKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    LINKEDIN = "linkedin"
    BUSINESS_ID = "business_id"
    EXTERNAL_ID = "external_id"


EXTERNAL_IDS = "external_ids"
"""The member of a lead's attribution that says what other systems call it, by the system's name."""

EXTERNAL_KEY_LIMIT = 320
"""In characters; a longer one is kept on the lead and not found by."""

# An address of plain ASCII words needs no parser: folding is all that email-validator would do to it.
_PLAIN_EMAIL = re.compile(r"[a-z0-9_+-]{1,32}(?:\.[a-z0-9_+-]{1,31})?@(?:[a-z0-9]{1,32}\.){1,3}[a-z]{2,18}")
# A number that says its country, in digits and the usual signs between them.
_PLAIN_PHONE = re.compile(r"\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_FEWEST_DIGITS = 4
_LINKEDIN = re.compile(r"(?:^|linkedin\.com/)(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)


@lru_cache(maxsize=65536)
def email_key(raw: str) -> str | None:
    """The folded address, or None when it is none. Source: RFC 5321 by email-validator, no look-up."""
    text = raw.strip().lower()
    if _PLAIN_EMAIL.fullmatch(text):
        return text
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=True).normalized.lower()
    except EmailNotValidError:
        return None


@lru_cache(maxsize=65536)
def phone_key(raw: str, country: str | None = None) -> str | None:
    """The number in E.164, or None. A number without a country code is read as one of `country`."""
    if (plain := _plain_phone(raw.strip())) is not None:
        return plain
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    # A number that says its country but is too short or long for it is kept apart from others by its digits all the
    # same: it is what the caller will search for.
    if not phonenumbers.is_possible_number(number) and not raw.lstrip().startswith("+"):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _plain_phone(text: str) -> str | None:
    """The number in E.164 where folding its signs is all that phonenumbers would do to it, which costs it sixty
    microseconds: it says its country, and has no prefix there that is dialled at home only.
    """
    if not _PLAIN_PHONE.fullmatch(text):
        return None
    digits = _NOT_DIGITS.sub("", text)
    for length in (1, 2, 3):
        code = int(digits[:length])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            national, prefix = digits[length:], _home_prefix(code)
            is_plain = not national.startswith("0") and (prefix is None or not prefix.match(national))
            return f"+{digits}" if is_plain and len(national) > _FEWEST_DIGITS else None
    return None


@lru_cache(maxsize=512)
def _home_prefix(code: int) -> re.Pattern[str] | None:
    """What a number of the country may begin with that is not dialled from abroad."""
    region = phonenumbers.region_code_for_country_code(code)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    prefix = metadata.national_prefix_for_parsing if metadata is not None else None
    return re.compile(prefix) if prefix else None


def linkedin_key(raw: str) -> str | None:
    """The slug of a profile, out of a full URL or the short `in/<slug>` form."""
    match = _LINKEDIN.search(raw.strip())
    slug = unquote(match.group(1)).casefold() if match else ""
    return slug if slug.isprintable() and slug else None


def business_key(raw: str) -> str | None:
    return raw.strip() or None


def external_key(system: str, id: str) -> str:
    """The key of what another system calls `id`."""
    return f"{system}:{id}"


def _external_keys(attribution: Mapping[str, Any]) -> Iterator[tuple[KeyKind, str]]:
    ids = attribution.get(EXTERNAL_IDS)
    if isinstance(ids, dict):
        for system, id in ids.items():
            if isinstance(id, str | int) and not isinstance(id, bool):
                key = external_key(system, str(id))
                if len(key) <= EXTERNAL_KEY_LIMIT:
                    yield KeyKind.EXTERNAL_ID, key


def keys_of(
    email: str | None,
    phone: str | None,
    linkedin_url: str | None,
    business_id: str | None,
    attribution: Mapping[str, Any],
    country: str | None,
) -> frozenset[tuple[KeyKind, str]]:
    """All keys by which a lead with these values is found."""
    found = (
        (KeyKind.EMAIL, email_key(email) if email else None),
        (KeyKind.PHONE, phone_key(phone, country) if phone else None),
        (KeyKind.LINKEDIN, linkedin_key(linkedin_url) if linkedin_url else None),
        (KeyKind.BUSINESS_ID, business_key(business_id) if business_id else None),
    )
    keys = frozenset((kind, key) for kind, key in found if key)
    return keys.union(_external_keys(attribution)) if EXTERNAL_IDS in attribution else keys
