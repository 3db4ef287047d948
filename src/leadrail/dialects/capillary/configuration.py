"""The company's reasons and sub-statuses (contracts/capillary.md, sections 5.9 and 5.10).

On a lead those of the company that owns its channel count. A till is shown what counts in the channels that it may use
and, unless it is bound to some, what its own company has.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from leadrail.core.channels import reason_store, reasons
from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.dialects.capillary.call import Call
from leadrail.dialects.capillary.faults import is_blank, missing, one_of, require
from leadrail.dialects.capillary.wire import (
    AddedSubStatus,
    ListedReason,
    ListedSubStatus,
    Listing,
    NewReason,
    NewSubStatus,
)
from leadrail.dialects.words import CAPILLARY
from leadrail.kit import wire
from leadrail.kit.http import Response, json_response

_NEW_REASONS = msgspec.json.Decoder(Annotated[list[NewReason], msgspec.Meta(max_length=100)] | NewReason)
_NEW_SUB_STATUS = msgspec.json.Decoder(NewSubStatus)
_WORDS = {category: CAPILLARY.shown_as[category] for category in CAPILLARY.stands_for.values()}


async def list_reasons(call: Call) -> Response:
    """Section 5.9. A number names one reason of one company, so lists of several can stand together."""
    async with call.core.database.connection() as connection:
        known = [] if call.actor.channel_ids else await reason_store.reasons(connection, call.actor.company_id)
        shown = {reason.number: reason for reason in known}
        for channel in await _one_of_each_owner(connection, call):
            shown |= {reason.number: reason for reason in channel.reasons if not reason.archived}
    rows = [ListedReason(number, reason.text) for number, reason in sorted(shown.items())]
    return json_response(200, Listing(rows))


async def add_reasons(call: Call) -> Response:
    """Section 5.9: an array or one alone; answers those that were sent, in their order, new or not."""
    body = wire.decode(_NEW_REASONS, call.request.body)
    given = body if isinstance(body, list) else [body]
    if not given or any(is_blank(one.reason) for one in given):
        raise missing("reason")
    _demand_unbound(call)
    texts, company_id = [(one.reason or "").strip() for one in given], call.actor.company_id
    async with call.core.database.transaction() as connection:
        added = await reasons.offer_reasons(connection, company_id, texts)
    return json_response(200, Listing([ListedReason(reason.number, reason.text) for reason in added]))


async def list_sub_statuses(call: Call) -> Response:
    """Section 5.10: those that belong to one of the vendor's statuses, each name once."""
    async with call.core.database.connection() as connection:
        known = [] if call.actor.channel_ids else await reason_store.sub_statuses(connection, call.actor.company_id)
        for channel in await _one_of_each_owner(connection, call):
            known += [one for one in channel.sub_statuses if not one.archived]
    shown = {(_WORDS[one.category], one.name.casefold()): one.name for one in known if one.category in _WORDS}
    return json_response(200, Listing([ListedSubStatus(word, name) for (word, _), name in sorted(shown.items())]))


async def add_sub_status(call: Call) -> Response:
    """Section 5.10; one that there is already is answered as it is."""
    body = wire.decode(_NEW_SUB_STATUS, call.request.body)
    require(status=body.status, subStatus=body.sub_status)
    _demand_unbound(call)
    word = one_of(body.status or "", _WORDS.values(), "status")
    category, name = CAPILLARY.stands_for[word.casefold()], (body.sub_status or "").strip()
    company_id = call.actor.company_id
    async with call.core.database.transaction() as connection:
        added = await reasons.offer_sub_status(connection, company_id, category, name)
    return json_response(200, AddedSubStatus(word, added.name))


async def _one_of_each_owner(connection: Connection, call: Call) -> Iterable[Channel]:
    """A channel of each company that owns one that the till may use: it has all its company's words."""
    setups = await call.core.reader.channels(connection, call.actor)
    return {setup.channel.company_id: setup.channel for setup in setups}.values()


def _demand_unbound(call: Call) -> None:
    """Reasons and sub-statuses are the whole company's: not for a key that is bound to some channels."""
    if call.actor.channel_ids:
        raise refuse(Code.FORBIDDEN, "This till is bound to its channels; this takes one that is not")
