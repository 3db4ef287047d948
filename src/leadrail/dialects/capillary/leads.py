"""The calls about one lead (contracts/capillary.md, sections 5.2 and 5.4 to 5.8)."""

import msgspec

from leadrail.core.channels.model import Channel, only_one
from leadrail.core.companies.store import credential_with_id
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.filters import Filter
from leadrail.core.leads.rules import decide
from leadrail.core.queries import Seen
from leadrail.db.database import Connection
from leadrail.dialects.capillary import creation, mapping, store
from leadrail.dialects.capillary.answers import follow_ups, status_log
from leadrail.dialects.capillary.auth import Attribution
from leadrail.dialects.capillary.call import Call
from leadrail.dialects.capillary.creation import Making, Person
from leadrail.dialects.capillary.reading import carry_out, contacts_of, log_of
from leadrail.dialects.capillary.wire import (
    TILL,
    LeadUpdate,
    Listing,
    NewFollowUp,
    NewLead,
    StatusUpdate,
)
from leadrail.kit import wire
from leadrail.kit.http import Response, json_response

_NEW_LEAD = msgspec.json.Decoder(NewLead)
_LEAD_UPDATE = msgspec.json.Decoder(LeadUpdate)
_STATUS_UPDATE = msgspec.json.Decoder(StatusUpdate)
_NEW_FOLLOW_UP = msgspec.json.Decoder(NewFollowUp)

_TEMPLATE = "capillary"
_TRIES = 50


async def add_lead(call: Call) -> Response:
    """Section 5.2, by POST as by PATCH."""
    body = wire.decode(_NEW_LEAD, call.request.body)
    creation.check(body)
    async with call.core.database.connection() as connection:
        channel = await _channel(connection, call)
        person = creation.person(body, channel)
        reach = {person.field: person.identifier} if person else await _reach(connection, call, body.user_id or None)
        making = Making(call.actor, body, channel, await _entity(connection, call), reach)
        customer = body.user_id or await _customer(connection, call, making, person)
    return await carry_out(call, creation.command(making, customer))


async def _channel(connection: Connection, call: Call) -> Channel:
    """Where a till's leads go. Raises Refused."""
    actor, reader = call.actor, call.core.reader
    if actor.default_channel is not None:
        return (await reader.channel(connection, actor, actor.default_channel)).channel
    channels = [setup.channel for setup in await reader.channels(connection, actor)]
    usable = [channel for channel in channels if channel.archived_at is None]
    if (channel := only_one(usable, _TEMPLATE)) is not None:
        return channel
    message = (
        f"The till may use {len(usable)} channels and says in none where its leads go; make its key with a"
        " default_channel, or have one channel of the template capillary"
    )
    raise refuse(Code.CHANNEL_REQUIRED, message)


async def _reach(connection: Connection, call: Call, customer: int | None) -> dict[str, str | None]:
    """The e-mail and phone of a customer, as the newest of the leads made for him that the till may see has them."""
    if customer is None:
        return {}
    setups = await call.core.reader.channels(connection, call.actor)
    channel_ids = tuple(setup.channel.id for setup in setups)
    filter = Filter(channel_ids=channel_ids, key=mapping.customers_key(customer), limit=1)
    for seen in await call.core.reader.leads(connection, call.actor, filter):
        return {"email": seen.lead.email, "phone": seen.lead.phone}
    return {}


async def _entity(connection: Connection, call: Call) -> Attribution:
    """In whose name the lead is made: the till's own, unless the headers name another."""
    if call.attribution is not None:
        return call.attribution
    credential = await credential_with_id(connection, call.actor.id) if call.actor.id else None
    name = credential.key.till if credential else None
    return Attribution(TILL, name or str(call.actor.number))


async def _customer(connection: Connection, call: Call, making: Making, person: Person | None) -> int:
    """The number of the customer that the identifier names, who may be new. Raises Refused."""
    assert person is not None  # `check_lead` demands a userId or an identifier
    company_id = call.actor.company_id
    known = await store.customer(connection, company_id, person.id_type, person.key)
    if known is not None:
        return known
    # A lead that the rules refuse leaves no customer behind.
    decide(None, making.channel, creation.command(making, customer=0), call.core.clock())
    return await store.add_customer(connection, company_id, person.id_type, person.key)


async def update_lead(call: Call) -> Response:
    """Section 5.4. What others change in the meantime is kept: the update is then made anew."""
    number = mapping.number_of(call.request.params["leadId"])
    body = wire.decode(_LEAD_UPDATE, call.request.body)
    for _ in range(_TRIES):
        command = mapping.edit(call.actor, body, await _seen(call, number))
        try:
            return await carry_out(call, command)
        except Refused as error:
            if error.refusal.code is not Code.VERSION_CONFLICT:
                raise
    raise refuse(Code.CONFLICT, "The lead is being changed all the time; repeat the call")


async def _seen(call: Call, number: int) -> Seen:
    async with call.core.database.connection() as connection:
        return await call.core.reader.lead_numbered(connection, call.actor, number)


async def update_status(call: Call) -> Response:
    """Section 5.5."""
    number = mapping.number_of(call.request.params["leadId"])
    body = wire.decode(_STATUS_UPDATE, call.request.body)
    mapping.check_status(body)
    return await carry_out(call, mapping.change(call.actor, body, await _seen(call, number)))


async def list_status_log(call: Call) -> Response:
    """Section 5.6."""
    number = mapping.number_of(call.request.params["leadId"])
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead_numbered(connection, call.actor, number)
        story = await log_of(connection, call.actor, seen)
    return json_response(200, Listing(status_log(call.actor, story)))


async def record_follow_up(call: Call) -> Response:
    """Section 5.7."""
    number = mapping.number_of(call.request.params["leadId"])
    body = wire.decode(_NEW_FOLLOW_UP, call.request.body)
    mapping.check_follow_up(body)
    return await carry_out(call, mapping.follow_up(call.actor, body, await _seen(call, number)))


async def list_follow_ups(call: Call) -> Response:
    """Section 5.8."""
    number = mapping.number_of(call.request.params["leadId"])
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead_numbered(connection, call.actor, number)
        story = await contacts_of(connection, seen)
    return json_response(200, Listing(follow_ups(call.actor, story)))
