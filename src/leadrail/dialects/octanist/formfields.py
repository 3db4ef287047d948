"""What the fields of a web form mean, by their usual names (contracts/octanist.md, sections 8.3 and 8.4). Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from leadrail.core.identity import email_key
from leadrail.core.leads.fields import TEXT_LIMITS
from leadrail.dialects.octanist.mapping import custom_text, json_text
from leadrail.dialects.octanist.wire import CLICK_IDS, UTM

LONGEST_VALUE, LONGEST_NAME, LONGEST_TAG = 2_000, 100, 300
DEEPEST = 8
CUSTOM_ROOM = 8_192
"""Bytes of JSON for what has no field of its own: with all that a visit leaves behind, within what a lead keeps."""

# Names without what forms wrap them in, in English and in Dutch, the vendor's home.
_MEANINGS: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "mail", "emailaddress", "mailaddress", "emailadres", "mailadres"}),
    "phone": frozenset(
        {"phone", "tel", "telephone", "phonenumber", "telephonenumber", "mobile", "mobilephone", "cell", "cellphone"}
        | {"telefoon", "telefoonnummer", "mobiel"}
    ),
    "first_name": frozenset({"firstname", "fname", "givenname", "first", "namefirst", "voornaam"}),
    "last_name": frozenset({"lastname", "lname", "surname", "familyname", "last", "namelast", "achternaam"}),
    "name": frozenset({"name", "fullname", "contactname", "leadname", "naam", "volledigenaam"}),
}
_FIELD_OF = {name: field for field, names in _MEANINGS.items() for name in names}
_WRAPPING = frozenset({"your", "my", "form", "forms", "field", "fields", "input", "user", "contact"})
# What only looks like a wrapped name.
_NO_NAMES = frozenset({"formname", "fieldname", "inputname", "username"})

_SECRET_PARTS = ("password", "passwd", "passwort", "captcha", "csrf", "nonce", "creditcard", "cardnumber", "cvv", "cvc")
_SECRET_WORDS = frozenset({"pass", "pwd", "card", "cc", "token", "secret", "iban", "bic"})
_OWN = frozenset({"octa_sid", "octanist_id"})
_TAGS = frozenset((*CLICK_IDS, *UTM))
_WORDS = re.compile(r"[^\W\d_]+")

# Cookies of known advertisers, and what stands before the id in their values.
_COOKIES: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "_ga": ("ga4cid", re.compile("")),
    "_fbp": ("fbp", re.compile("")),
    "_fbc": ("fbc", re.compile("")),
    "_gcl_aw": ("gclid", re.compile(r"GCL\.\d+\.")),
    "_gcl_dc": ("dclid", re.compile(r"GCL\.\d+\.")),
    "_uetmsclkid": ("msclkid", re.compile("_uet")),
    "_rdt_cid": ("rdt_cid", re.compile("")),
    "_epik": ("epik", re.compile("")),
}


class Form(msgspec.Struct, frozen=True):
    """A form that was handed in, sorted: fields of a lead, where the visit came from, and all else."""

    fields: dict[str, str]
    attribution: dict[str, str]
    custom: str | None

    @property
    def is_empty(self) -> bool:
        return not self.fields and self.custom is None


def read(given: Mapping[str, Any]) -> Form:
    """Sorts the fields. Secrets, and what begins with an underscore (a form plugin's own), are dropped."""
    given = _without_secrets(given)
    fields: dict[str, str] = {}
    attribution: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, value in _kept(given):
        meant = _FIELD_OF.get(_bare(name))
        if meant is not None and meant not in fields:
            fields[meant] = value[: TEXT_LIMITS[meant]]
        elif name in _TAGS:
            attribution[name] = value[:LONGEST_TAG]
        else:
            others[name] = value
    if "email" not in fields:
        _guess_email(fields, others)
    return Form(fields, attribution, _custom(given, others))


def _kept(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if text := ", ".join(_scalars(value))[:LONGEST_VALUE]:
            yield name[:LONGEST_NAME], text


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """The value, at every depth without what must not be kept; what is nested deeper than forms are is left out."""
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {name: _without_secrets(one, depth + 1) for name, one in value.items() if not _is_secret(name)}
    if isinstance(value, list):
        return [_without_secrets(one, depth + 1) for one in value]
    return value


def _scalars(value: Any) -> Iterator[str]:
    """The texts in a value, whatever it is nested in."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is not None and (text := str(value).strip()):
        yield text


def _is_secret(name: str) -> bool:
    if name.startswith("_") or name in _OWN:
        return True
    words = _WORDS.findall(name.casefold())
    squeezed = "".join(words)
    return not _SECRET_WORDS.isdisjoint(words) or any(part in squeezed for part in _SECRET_PARTS)


def _bare(name: str) -> str:
    """`your-email`, `form_fields[email]` and `email-1` are all `email`."""
    words = _WORDS.findall(name.casefold())
    whole = "".join(words)
    return whole if whole in _NO_NAMES else "".join(word for word in words if word not in _WRAPPING)


def _guess_email(fields: dict[str, str], others: dict[str, str]) -> None:
    """Many a form calls its fields by numbers; an address is known by its look."""
    for name, value in others.items():
        if "@" in value and len(value) <= TEXT_LIMITS["email"] and email_key(value) is not None:
            fields["email"] = others.pop(name)
            return


def _custom(given: Mapping[str, Any], others: dict[str, str]) -> str | None:
    """The rest as JSON text; what is called `custom` and is alone stands for itself. Too much is cut, not refused."""
    alone = custom_text(given["custom"]) if list(others) == ["custom"] else None
    if alone is not None and _fits(alone):
        return alone
    for longest in (LONGEST_VALUE, 500, 100, 20):
        text = custom_text({name: value[:longest] for name, value in others.items()})
        if text is None or _fits(text):
            return text
    return json_text({"fields": len(others)})


def _fits(text: str) -> bool:
    return len(msgspec.json.encode(text)) <= CUSTOM_ROOM


def of_cookies(cookies: Any) -> dict[str, str]:
    """The ids that advertisers have left in cookies."""
    found: dict[str, str] = {}
    for name, value in cookies.items() if isinstance(cookies, Mapping) else ():
        field, before = _COOKIES.get(name, (name, None))
        if isinstance(value, str) and value and field in _TAGS:
            bare = before.sub("", value, count=1) if before is not None and before.match(value) else value
            found.setdefault(field, bare[:LONGEST_TAG])
    return found


def of_page(domain: Any, path: Any) -> dict[str, str]:
    """Where the form was."""
    site = domain.strip() if isinstance(domain, str) else ""
    website = site if not site or "://" in site else f"https://{site}"
    page = path.strip() if isinstance(path, str) else ""
    return {name: text[:LONGEST_TAG] for name, text in (("website", website), ("path", page)) if text}
