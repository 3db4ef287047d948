"""Reading a KeenPartner account (contracts/keenpartner.md). Every id is a UUID there and is kept."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from leadrail.core.channels.commands import NewProperty, NewStatus
from leadrail.core.channels.model import Category, PropertyType, StatusRef
from leadrail.core.leads.commands import Step
from leadrail.kit.ids import parse_id
from leadrail.moving import parsing
from leadrail.moving.client import NO_LIST, Client, VendorError
from leadrail.moving.model import Inventory, Missing, Page, Place, SourceChannel, SourceLead
from leadrail.moving.parsing import Item

# The function's first name answers every lead of a channel with its ids, the present one the newest hundred without.
FIRST_FUNCTION, PRESENT_FUNCTION = "/functions/v1/openapi-operations", "/functions/v1/keen-api"
_NOT_THERE = frozenset({400, 404, 405, 410})

# How many the flat list stops at by its documentation, and the nested one by the habit of the backend behind it.
FLAT_LIMIT, NESTED_LIMIT = 100, 1_000
PART = 480

_FIELDS = ("email", "first_name", "last_name", "phone", "company_name", "source", "notes", "business_id")
_OWN = frozenset(_FIELDS) | {"id", "created_at", "status", "employee", "referring_employee"}

# Its statuses have names and no more; these words in a name tell what it stands for, the first that fits.
_MEANINGS = (
    (Category.LOST, ("lost", "reject", "declin", "unqualified", "disqualified", "not qualified", "not interested")),
    (Category.WON, ("won", "customer", "signed", "closed", "paid", "deal done")),
    (Category.ON_HOLD, ("hold", "paused", "later")),
    (Category.QUALIFIED, ("qualified", "meeting", "opportunity", "proposal", "demo")),
)

NOT_OFFERED = (
    Missing("history", None, "the API tells no history: a lead enters its present status when it was created"),
    Missing("rewards", None, "the API tells no rewards and no reward triggers: set the triggers up here"),
    Missing("purchases", None, "the API lists no purchases"),
    Missing("members", None, "partner companies are not known here: add them to the channel as members"),
    Missing("webhooks", None, "the API tells no webhook addresses: add endpoints with the format keenpartner"),
    Missing("legacy ids", None, "the API lists no legacy_id: leads are found by their UUID, not by that number"),
)


class KeenPartner:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def inventory(self) -> Inventory:
        answer = parsing.member(await self._asked({"action": "get_channels"}), "channels")
        if not isinstance(answer, list):
            raise VendorError(NO_LIST)
        channels = [item for item in parsing.items(answer) if parsing.text(item, "id")]
        return Inventory(channels=tuple(map(_channel, channels)), not_offered=NOT_OFFERED)

    async def pages(self, inventory: Inventory, place: Place) -> AsyncIterator[Page]:
        """The vendor knows no paging: a channel comes whole. The place is the channels that are done."""
        done: list[str] = list(place.get("done", ()))
        for channel in inventory.channels:
            if channel.id in done:
                continue
            read, missing = await self._leads_of(channel)
            before, done = done, [*done, channel.id]
            starts = range(0, max(len(read), 1), PART)
            for start in starts:
                is_last = start == starts[-1]
                yield Page(
                    leads=tuple(read[start : start + PART]),
                    place={"done": done if is_last else before},
                    missing=tuple(missing) if is_last else (),
                )

    async def _leads_of(self, channel: SourceChannel) -> tuple[list[SourceLead], list[Missing]]:
        answer = await self._asked({"action": "get_leads", "channel_id": channel.id})
        is_whole = isinstance(answer, dict)
        listed = answer.get("leads") if is_whole else answer
        if not isinstance(listed, list):
            raise VendorError(NO_LIST)
        read = [_lead(item, channel) for item in parsing.items(listed)]
        missing = [one for one in read if isinstance(one, Missing)]
        limit = NESTED_LIMIT if is_whole else FLAT_LIMIT
        if len(read) == limit:
            missing.append(_cut(channel, limit))
        return [one for one in read if isinstance(one, SourceLead)], missing

    async def _asked(self, body: dict[str, str]) -> Any:
        """The answer of the first function that is there. Raises VendorError."""
        try:
            return await self._client.post(FIRST_FUNCTION, body)
        except VendorError as error:
            if error.status not in _NOT_THERE:
                raise
        return await self._client.post(PRESENT_FUNCTION, body)


def _cut(channel: SourceChannel, limit: int) -> Missing:
    why = f"exactly {limit} leads came, where the API ends its list: older ones cannot be read through it"
    return Missing("leads", channel.id, why)


def _channel(item: Item) -> SourceChannel:
    id = parsing.text(item, "id") or ""
    return SourceChannel(
        id=id,
        title=parsing.text(item, "title") or id,
        template="keenpartner",
        currency=parsing.text(item, "currency"),
        statuses=tuple(_status(status) for status in parsing.items(item.get("lead_status"))),
        properties=tuple(_property(definition) for definition in parsing.items(item.get("property_definitions"))),
        public_submissions=item.get("no_auth_api") is True,
        form_id=parse_id(id),
        created_at=parsing.moment(item, "created_at"),
    )


def _status(item: Item) -> NewStatus:
    name = parsing.text(item, "status") or "?"
    return NewStatus(
        name=name,
        id=_uuid(item, "id"),
        category=meaning(name),
        position=parsing.integer(item, "order"),
        color=parsing.text(item, "color"),
        visible=item.get("visible") is not False,
    )


def meaning(name: str) -> Category:
    """The category that a status of this name most likely stands for."""
    folded = name.casefold()
    for category, words in _MEANINGS:
        if any(word in folded for word in words):
            return category
    return Category.OPEN


def _property(item: Item) -> NewProperty:
    kinds = {kind.value: kind for kind in PropertyType}
    options = item.get("options")
    return NewProperty(
        name=parsing.text(item, "name") or "?",
        id=_uuid(item, "id"),
        type=kinds.get((parsing.text(item, "type") or "").lower(), PropertyType.TEXT),
        options=tuple(map(str, options)) if isinstance(options, list) else (),
        position=parsing.integer(item, "order"),
        visible=item.get("visible") is not False,
    )


def _lead(item: Item, channel: SourceChannel) -> SourceLead | Missing:
    """A lead in either shape: nested with ids, or flat with the names of its properties beside its own members."""
    id = parsing.text(item, "id")
    if id is None:
        return Missing("lead", None, "it has no id")
    created_at = parsing.moment(item, "created_at")
    properties, others = _properties(item, channel)
    employee = parsing.text(item, "referring_employee", "employee")
    legacy_id = parsing.integer(item, "legacy_id")
    return SourceLead(
        id=id,
        channel=channel.id,
        lead_id=parse_id(id),
        fields={name: found for name in _FIELDS if (found := parsing.text(item, name))},
        properties=properties,
        attribution=parsing.external_ids(keenpartner=id, keenpartner_legacy=legacy_id)
        | parsing.present({"referred_by": employee, "custom": others}),
        steps=(Step(status=_status_of(item), at=created_at),),
        created_at=created_at,
        updated_at=created_at,
    )


def _status_of(item: Item) -> StatusRef:
    """The id counts: the name beside it may be an older one (section 3)."""
    status = item.get("lead_status")
    nested = parsing.text(status, "status") if isinstance(status, dict) else None
    name = nested or parsing.text(item, "status") or "?"
    return StatusRef(id=_uuid(item, "lead_status_id"), name=name, category=meaning(name))


def _properties(item: Item, channel: SourceChannel) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of the channel's definitions, and those whose definition the channel does not tell."""
    if "property_values" not in item and "lead_status_id" not in item:
        given = {name: value for name, value in item.items() if name not in _OWN}
        names = {definition.name.casefold() for definition in channel.properties}
        return _parted(given, lambda name: name.casefold() in names)
    by_id = {str(definition.id): definition.name for definition in channel.properties}
    values: dict[str, Any] = {}
    for value in parsing.items(item.get("property_values")):
        definition = value.get("property_definitions")
        name = parsing.text(definition, "name") if isinstance(definition, dict) else None
        id = parsing.text(value, "property_definitions_id") or ""
        values[id if id in by_id else name or id] = value.get("value")
    return _parted(values, lambda key: key in by_id)


def _parted(given: dict[str, Any], is_known: Callable[[str], bool]) -> tuple[dict[str, Any], dict[str, Any]]:
    there = parsing.present(given)
    known = {name: value for name, value in there.items() if is_known(name)}
    return known, {name: value for name, value in there.items() if name not in known}


def _uuid(item: Item, name: str) -> UUID | None:
    return parse_id(parsing.text(item, name) or "")
