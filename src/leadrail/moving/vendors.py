"""The four vendors whose accounts can be moved here: how each is reached with what the user gives."""

import hashlib
from collections.abc import Callable
from uuid import UUID

import msgspec
from yarl import URL

from leadrail.moving.capillary import Capillary, basic_login
from leadrail.moving.client import Client, VendorError, base_url
from leadrail.moving.keenpartner import KeenPartner
from leadrail.moving.model import Options, Reader
from leadrail.moving.octanist import Octanist
from leadrail.moving.sendpilot import SendPilot
from leadrail.moving.store import Account


class Vendor(msgspec.Struct, frozen=True):
    """`root` turns the address given into the one that calls start from; `headers` log in with the key.

    `login` is the part of a key that names an account: it is hashed to tell accounts apart.
    """

    root: Callable[[URL], URL]
    headers: Callable[[str], dict[str, str]]
    reader: Callable[[Client, Options], Reader]
    login: Callable[[str], str] = str


def _without(*ends: str) -> Callable[[URL], URL]:
    """Takes off whichever of these ends the path has."""

    def root(url: URL) -> URL:
        path = url.path.rstrip("/")
        end = next((end for end in ends if path.endswith(end)), "")
        return url.with_path(path.removesuffix(end))

    return root


def _under(last: str) -> Callable[[URL], URL]:
    """Puts the last part of the path there unless it is."""

    def root(url: URL) -> URL:
        path = url.path.rstrip("/")
        return url.with_path(path if path.endswith(last) else path + last)

    return root


VENDORS: dict[str, Vendor] = {
    "keenpartner": Vendor(
        _without("/functions/v1/keen-api", "/functions/v1/openapi-operations"),
        lambda key: {"X-Api-Key": key},
        lambda client, _: KeenPartner(client),
    ),
    "sendpilot": Vendor(_under("/v1"), lambda key: {"X-API-Key": key}, lambda client, _: SendPilot(client)),
    "octanist": Vendor(_under("/api"), lambda key: {"X-API-KEY": key}, Octanist),
    "capillary": Vendor(
        _without("/v2/leads", "/v2"),
        lambda key: {"Authorization": basic_login(key)},
        Capillary,
        # A person's password is too easily guessed from a hash; the till alone names the account.
        lambda key: key.partition(":")[0],
    ),
}


class Source(msgspec.Struct, frozen=True):
    """An account that can be read: where, with what headers, and by what name it is remembered."""

    vendor: Vendor
    name: str
    base: URL
    headers: dict[str, str]
    login: str

    def account(self, company_id: UUID) -> Account:
        """The base address and a digest of the login: two accounts at one address are two sources."""
        digest = hashlib.sha256(f"{self.name} {self.login}".encode()).hexdigest()[:16]
        return Account(company_id, self.name, f"{self.base} {digest}")


def source_of(name: str, url: str, key: str) -> Source:
    """`name` is one of VENDORS. Raises VendorError when the address or the key cannot be right."""
    vendor, key = VENDORS[name], key.strip()
    if not key.isascii() or not key.isprintable() or not key:
        raise VendorError("--key is empty or holds characters that no key has")
    return Source(vendor, name, vendor.root(base_url(url)), vendor.headers(key), vendor.login(key))
