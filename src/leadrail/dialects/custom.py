"""Custom fields of vendors that take any name: those that the channel defines are properties, the rest is kept beside.

What the channel does not define lives in the lead's attribution under `custom`, as it was sent.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead, named_properties

CUSTOM = "custom"


class Split(msgspec.Struct, frozen=True):
    properties: dict[str, Any]
    others: dict[str, Any]


def split(channel: Channel, given: Mapping[str, Any]) -> Split:
    """The given fields by where they are kept; the names of properties are compared in any case."""
    known = channel.property_by_key
    properties = {name: value for name, value in given.items() if name.casefold() in known}
    return Split(properties, {name: value for name, value in given.items() if name not in properties})


def joined(lead: Lead, channel: Channel) -> dict[str, Any]:
    """All custom fields of a lead by their names; a property wins over what was kept beside under its name."""
    return kept(lead) | named_properties(lead, channel)


def kept(lead: Lead) -> dict[str, Any]:
    """What is kept beside the properties. Other faces may have put anything there; only an object counts."""
    others = lead.attribution.get(CUSTOM)
    return dict(others) if isinstance(others, dict) else {}
