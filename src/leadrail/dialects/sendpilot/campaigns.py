"""Campaigns, which are channels: list, one with its counters, pause and resume (contract section 5)."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core import pausing
from leadrail.core.actor import Actor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.filters import Filter
from leadrail.core.leads.store import Tally
from leadrail.db.database import Connection
from leadrail.dialects.sendpilot.auth import FACE
from leadrail.dialects.sendpilot.errors import not_among
from leadrail.dialects.sendpilot.wire import (
    Action,
    ActionAnswer,
    ActionPatch,
    Campaign,
    CampaignList,
    CampaignsQuery,
    Metrics,
    Paging,
    WholeCampaign,
    query_reader,
)
from leadrail.dialects.words import SENDPILOT
from leadrail.kit import wire
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.http import Request, Response

OUTREACH = "OUTREACH"

_read_list = query_reader(CampaignsQuery)
_ACTION_PATCH = msgspec.json.Decoder(ActionPatch)
_encoder = msgspec.json.Encoder()


class State(StrEnum):
    """A campaign's status, as the newest generation spells it."""

    STARTED = "started"
    PAUSED = "paused"
    DRAFT = "draft"
    FINISHED = "finished"


FILTERS: dict[str, frozenset[State]] = {
    "all": frozenset(State),
    "active": frozenset({State.STARTED}),
    **{state.value: frozenset({state}) for state in State},
}
"""What the words of both generations let through."""

_DONE = {Action.PAUSE: pausing.pause, Action.RESUME: pausing.resume}
_SAID = {Action.PAUSE: "Campaign paused successfully", Action.RESUME: "Campaign resumed successfully"}

# How far a lead has come that stands here now, from the last stage to the first. Who has left the sequence, by whatever
# door, stands in none: how far it came before is not known from where it is.
_REPLIED = frozenset({"REPLY_RECEIVED"})
_WRITTEN_TO = _REPLIED | {"MESSAGE_SENT", "FOLLOWUP_SENT"}
_CONNECTED = _WRITTEN_TO | {"CONNECTION_ACCEPTED", "CONNECTED", "MESSAGE_SCHEDULED"}
_WITHDRAWN = frozenset({"WITHDRAWAL_SCHEDULED", "WITHDRAWAL_NOT_POSSIBLE", "CONNECTION_WITHDRAWN"})
_ASKED = _CONNECTED | _WITHDRAWN | {"CONNECTION_SENT", "CONNECTION_ALREADY_SENT"}


async def found(core: Core, connection: Connection, actor: Actor, id: str) -> Channel:
    """The campaign of this id. Raises Refused (`channel_not_found`, `channel_forbidden`)."""
    # No id of ours or the vendor's has control characters, and the database refuses some of them.
    if not id.isprintable():
        raise refuse(Code.CHANNEL_NOT_FOUND, "Campaign not found")
    return (await core.reader.channel_called(connection, actor, FACE, id)).channel


async def list_campaigns(core: Core, actor: Actor, request: Request) -> Response:
    """The newest first, in both envelopes. Refused: 400 query."""
    asked = _read_list(request)
    wanted = FILTERS.get(asked.status.lower())
    if wanted is None:
        raise not_among("status", FILTERS)
    first = (asked.page - 1) * asked.limit
    async with core.database.connection() as connection:
        setups = await core.reader.channels(connection, actor)
        channels = [setup.channel for setup in reversed(setups) if state_of(setup.channel) in wanted]
        page = channels[first : first + asked.limit]
        tally = await _tally(core, connection, actor, page)
    totals = _totals(tally)
    campaigns = [Campaign(**_members(channel, totals.get(channel.id, 0))) for channel in page]
    in_capitals = [msgspec.structs.replace(campaign, status=campaign.status.upper()) for campaign in campaigns]
    paging = Paging.of(len(channels), asked.page, asked.limit)
    answer = CampaignList(data=in_capitals, meta=paging, campaigns=campaigns, pagination=paging)
    return Response(200, _encoder.encode(answer))


async def one_campaign(core: Core, actor: Actor, request: Request) -> Response:
    """With its counters. Refused: 403, 404."""
    async with core.database.connection() as connection:
        channel = await found(core, connection, actor, request.params["id"])
        tally = await _tally(core, connection, actor, [channel])
    return Response(200, _encoder.encode(_whole(channel, tally)))


async def pause_or_resume(core: Core, actor: Actor, request: Request) -> Response:
    """Refused: 400 body or archived campaign, 403 when another company owns it, 404."""
    asked = wire.decode(_ACTION_PATCH, request.body).action
    if asked not in _DONE:
        raise not_among("action", Action)
    action = Action(asked)
    async with core.database.connection() as connection:
        channel = await found(core, connection, actor, request.params["id"])
    channel = (await _DONE[action](core, actor, channel.id)).channel
    answer = ActionAnswer(
        success=True,
        campaign_id=channel.called(FACE),
        action=action,
        new_status=state_of(channel),
        message=_SAID[action],
    )
    return Response(200, _encoder.encode(answer))


def state_of(channel: Channel) -> State:
    """Never a draft: a channel is made ready for leads."""
    if channel.archived_at is not None:
        return State.FINISHED
    return State.STARTED if channel.paused_at is None else State.PAUSED


async def _tally(core: Core, connection: Connection, actor: Actor, channels: Sequence[Channel]) -> list[Tally]:
    """The leads of these channels, counted in one statement."""
    if not channels:
        return []
    return await core.reader.tally(connection, actor, Filter(channel_ids=tuple(channel.id for channel in channels)))


def _totals(tally: Iterable[Tally]) -> dict[UUID, int]:
    totals: dict[UUID, int] = {}
    for row in tally:
        totals[row.channel_id] = totals.get(row.channel_id, 0) + row.leads
    return totals


def _members(channel: Channel, leads: int) -> dict[str, Any]:
    changed_at = max(filter(None, (channel.created_at, channel.paused_at, channel.archived_at)))
    return {
        "id": channel.called(FACE),
        "name": channel.title,
        "status": state_of(channel),
        "total_leads": leads,
        "created_at": with_milliseconds(channel.created_at),
        "updated_at": with_milliseconds(changed_at),
    }


def _whole(channel: Channel, tally: Sequence[Tally]) -> WholeCampaign:
    words = {status.id: SENDPILOT.word(status) for status in channel.statuses}

    def standing_in(stages: frozenset[str]) -> int:
        return sum(row.leads for row in tally if words.get(row.status_id) in stages)

    metrics = Metrics(
        connections_sent=standing_in(_ASKED),
        connections_accepted=standing_in(_CONNECTED),
        messages_sent=standing_in(_WRITTEN_TO),
        replies_received=standing_in(_REPLIED),
    )
    return WholeCampaign(
        **_members(channel, sum(row.leads for row in tally)),
        metrics=metrics,
        description=None,
        type=OUTREACH,
        connections_sent=metrics.connections_sent,
        messages_sent=metrics.messages_sent,
        replies_received=metrics.replies_received,
        leads_contacted=metrics.connections_sent,
    )
