"""The list of leads with all its filters (contracts/capillary.md, section 5.3)."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from leadrail.core.channels.model import Channel, Status
from leadrail.core.leads.filters import Condition, Filter, Operator, Sort
from leadrail.core.leads.model import called
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.capillary.answers import whole_lead
from leadrail.dialects.capillary.call import Call
from leadrail.dialects.capillary.faults import Fault, Faulty, one_of
from leadrail.dialects.capillary.mapping import CUSTOMER, customer_of, customers_key
from leadrail.dialects.capillary.reading import stories
from leadrail.dialects.capillary.wire import (
    DEFAULT_TYPE,
    ENTITY_TYPES,
    IN_STORE,
    LEAD_TYPES,
    OWNERS,
    STORE,
    TILL,
    LeadQuery,
    Listing,
)
from leadrail.dialects.words import CAPILLARY
from leadrail.kit.http import Response, json_response
from leadrail.kit.wire import QueryReader

_NAMES = frozenset(field.encode_name for field in msgspec.structs.fields(LeadQuery))
_read = QueryReader(LeadQuery)

_ALL_TYPES = "ALL"
_NEWEST_FIRST = Sort("number", descending=True)
_SORTS = {"createdon": "created_at", "lastUpdatedOn": "updated_at"}
_ENTITIES = {TILL: [TILL], STORE: [name for name in ENTITY_TYPES if name.startswith(STORE)]}
"""By which of the kept words an owner of the filter's type is found; of the other types no lead has one."""


async def list_leads(call: Call) -> Response:
    """Whole leads, in the order in which they came in if no other is wanted."""
    query = _read([(name, value) for name, value in call.request.query() if name in _NAMES and value.strip()])
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
        channels = [setup.channel for setup in setups]
        filter = Filter(
            channel_ids=tuple(channel.id for channel in channels),
            conditions=tuple(_conditions(query, channels)),
            sort=_sort(query),
            offset=query.offset,
            limit=query.limit,
        )
        page = await _page(connection, call, filter, query.user_id)
        told = await stories(connection, call.actor, page) if page else []
    return json_response(200, Listing([whole_lead(call.actor, story) for story in told]))


# Filters


def _conditions(query: LeadQuery, channels: Sequence[Channel]) -> list[Condition]:
    """Raises Faulty for a word that is none, and for half an entity."""
    found = [_of_status(query.status, channels)]
    if query.substatus:
        found.append(_of_sub_status(query.substatus, channels))
    if query.type and (type := one_of(query.type, (*LEAD_TYPES, _ALL_TYPES), "type")) != _ALL_TYPES:
        found.append(_shown_as("lead_type", type, DEFAULT_TYPE))
    if query.org_source_id is not None:
        found.append(_shown_as("org_source_id", str(query.org_source_id), str(IN_STORE)))
    if query.owner:
        found.append(Condition("assignee", Operator.EQ, query.owner.strip()))
    return found + _of_entity(query)


def _of_status(word: str | None, channels: Sequence[Channel]) -> Condition:
    """By the word by which a status is shown; without one, all but the deleted."""
    wanted = one_of(word, [name.upper() for name in CAPILLARY.stands_for], "status") if word else None

    def fits(status: Status) -> bool:
        shown = CAPILLARY.word(status)
        return shown == wanted if wanted else shown != "DELETED"

    ids = [status.id for channel in channels for status in channel.statuses if fits(status)]
    return Condition("status_id", Operator.IN, ids)


def _of_sub_status(name: str, channels: Sequence[Channel]) -> Condition:
    """In any case, of whichever company; also an archived one, which leads may still have."""
    wanted = name.strip().casefold()
    known = {one.id for channel in channels for one in channel.sub_statuses if one.name.casefold() == wanted}
    return Condition("sub_status_id", Operator.IN, sorted(known))


def _shown_as(member: str, value: str, default: str) -> Condition:
    """A lead without the member is shown with the default."""
    return Condition(f"attribution.{member}", Operator.IN, [value, None] if value == default else [value])


def _of_entity(query: LeadQuery) -> list[Condition]:
    if not query.entity_type and not query.entity_code:
        return []
    if not query.entity_type or not query.entity_code:
        raise Faulty(Fault.HALF_AN_ENTITY, "entityType and entityCode go together; send both or none")
    kept = _ENTITIES.get(one_of(query.entity_type, OWNERS, "entityType"), [])
    return [
        Condition("attribution.entity_type", Operator.IN, kept),
        Condition("attribution.entity_code", Operator.EQ, query.entity_code.strip()),
    ]


def _sort(query: LeadQuery) -> tuple[Sort, ...]:
    """Nothing for the core's own order, by number from the newest on, which an index has."""
    order = one_of(query.sort_order, ("ASC", "DESC"), "sortOrder") if query.sort_order else "ASC"
    field = _SORTS[one_of(query.sort_by, _SORTS, "sortBy")] if query.sort_by else "number"
    sort = Sort(field, descending=order == "DESC")
    return () if sort == _NEWEST_FIRST else (sort,)


# The page


async def _page(connection: Connection, call: Call, filter: Filter, customer: int | None) -> Sequence[Seen]:
    if any(
        term.operator is Operator.IN and not term.value for term in filter.conditions if isinstance(term, Condition)
    ):
        return []
    if customer is None:
        return await call.core.reader.leads(connection, call.actor, filter)
    return await _of_customer(connection, call, filter, customer)


async def _of_customer(connection: Connection, call: Call, filter: Filter, customer: int) -> Sequence[Seen]:
    """The leads that have the customer's key, and the one lead of another face that is shown as its own customer.

    That one is merged in where the order has it: the window is one lead wider to the left, which then drops out again.
    """
    alone = await _numbered(connection, call, filter, customer)
    keyed = replace(filter, key=customers_key(customer))
    if alone is None:
        return await call.core.reader.leads(connection, call.actor, keyed)
    wider = min(filter.offset, 1)
    window = replace(keyed, offset=filter.offset - wider, limit=filter.limit + wider)
    found = [*await call.core.reader.leads(connection, call.actor, window), alone]
    for sort in (_NEWEST_FIRST, *filter.sort):  # the last counts most, and ties keep the order before it
        found.sort(key=_field(sort), reverse=sort.descending)
    return found[wider : wider + filter.limit]


def _field(sort: Sort) -> Callable[[Seen], Any]:
    return lambda seen: getattr(seen.lead, sort.field)


async def _numbered(connection: Connection, call: Call, filter: Filter, number: int) -> Seen | None:
    """The lead with this number, if its customer is shown by it and no key says so."""
    numbered = (*filter.conditions, Condition("number", Operator.EQ, number))
    one = replace(filter, conditions=numbered, sort=(), offset=0, limit=1)
    for seen in await call.core.reader.leads(connection, call.actor, one):
        if customer_of(seen.lead) == number and called(seen.lead.attribution, CUSTOMER) != str(number):
            return seen
    return None
