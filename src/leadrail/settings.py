"""Settings: read once from the environment, typed, described, and frozen. Only cli, app and worker see them."""

import os
import types
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

PREFIX = "LEADRAIL_"


class SettingsError(Exception):
    """A setting is wrong; the text names it and says what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting. The environment variable is LEADRAIL_ and the name in capitals."""

    database_url: Annotated[
        str, Meta(description="A PostgreSQL 16 to 18 of yours (postgresql://…). Empty: the embedded one.")
    ] = ""
    data_dir: Annotated[
        str, Meta(description="Folder of the embedded database. Empty: a folder of the user's own.")
    ] = ""
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8400
    webhook_allow: Annotated[
        str, Meta(description="Private networks that webhooks may reach all the same: CIDRs, comma-separated.")
    ] = ""
    payload_days: Annotated[
        int, Meta(ge=1, le=3650, description="For how many days what webhooks sent can be seen and replayed.")
    ] = 30
    trusted_proxies: Annotated[
        str, Meta(description="Proxies whose X-Forwarded-For is believed: addresses or CIDRs, comma-separated.")
    ] = ""
    log_level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)$", description="debug, info, warning or error.")
    ] = "info"

    @property
    def data_folder(self) -> Path | None:
        return Path(self.data_dir).expanduser().absolute() if self.data_dir else None

    @property
    def webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.webhook_allow)

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.trusted_proxies)


def _networks(listed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in listed.split(",") if part.strip())


def read(environment: Mapping[str, str] = types.MappingProxyType(os.environ)) -> Settings:
    """The settings. Raises SettingsError for an unknown name or a value that does not fit."""
    given: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    known = [field.name for field in msgspec.structs.fields(Settings)]
    if unknown := sorted(set(given) - set(known)):
        names = ", ".join(PREFIX + name.upper() for name in known)
        raise SettingsError(f"{PREFIX}{unknown[0].upper()} is no setting; there are: {names}")
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"A setting does not fit: {_named(str(error))}") from None
    for name in ("webhook_allow", "trusted_proxies"):
        try:
            _networks(getattr(settings, name))
        except ValueError as error:
            message = f"{PREFIX}{name.upper()} takes networks such as 10.0.0.0/8: {error}"
            raise SettingsError(message) from None
    return settings


def _named(text: str) -> str:
    """`$.port` as LEADRAIL_PORT."""
    head, _, place = text.partition(" - at `$.")
    return f"{PREFIX}{place.rstrip('`').upper()}: {head}" if place else head
