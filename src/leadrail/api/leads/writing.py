"""One lead made, edited, moved, rehearsed, followed up."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from leadrail.api.leads.commands import change, creation, lead_id_of, patch_of, relocation
from leadrail.api.leads.shapes import (
    ArrivedLead,
    ChannelChange,
    DryRunQuery,
    LeadPatch,
    NewConsent,
    NewFollowUp,
    NewLead,
    NewNote,
    NewPurchase,
    PlannedDelivery,
    Preview,
    ReverseQuery,
    StatusChange,
)
from leadrail.api.operation import Call, NoQuery
from leadrail.api.writes import demanded_version, etag, idempotent, replay
from leadrail.core.actor import Actor
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import (
    AddNote,
    Command,
    EraseLead,
    Idempotency,
    RecordConsent,
    RecordFollowUp,
    RecordPurchase,
    ReverseMove,
    UpdateLead,
)
from leadrail.core.leads.model import document
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import new_id, parse_id

Body = TypeVar("Body")


def _shown(done: Done) -> bytes:
    return msgspec.json.encode(document(done.lead, done.setup.channel))


def _arrived_answer(done: Done) -> tuple[int, bytes]:
    lead = document(done.lead, done.setup.channel)
    arrived = ArrivedLead(**msgspec.structs.asdict(lead), outcome=done.arrival)
    return 201 if done.before is None else 200, msgspec.json.encode(arrived)


def _created_answer(done: Done) -> tuple[int, bytes]:
    return 201, _shown(done)


def _changed_answer(done: Done) -> tuple[int, bytes]:
    return 200, _shown(done)


def _lead_response(outcome: Done | Answer, status: int) -> Response:
    if isinstance(outcome, Answer):
        return replay(outcome)
    return Response(status, _shown(outcome), headers=(etag(outcome.lead.version),))


async def create(call: Call[NewLead, NoQuery]) -> Response:
    command = creation(call.actor, call.body, idempotent(call, _arrived_answer))
    outcome = await call.core.engine.execute_one(command)
    if isinstance(outcome, Answer):
        return replay(outcome)
    location = (b"location", f"/v1/leads/{outcome.lead.id}".encode())
    return Response(*_arrived_answer(outcome), headers=(etag(outcome.lead.version), location))


async def edit(call: Call[LeadPatch, NoQuery]) -> Response:
    command = UpdateLead(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        fields=patch_of(call.body),
        properties=call.body.properties,
        version=demanded_version(call.request),
        idempotency=idempotent(call, _changed_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 200)


async def change_status(call: Call[StatusChange, DryRunQuery]) -> Response:
    return await _done_or_rehearsed(call, change)


async def change_channel(call: Call[ChannelChange, DryRunQuery]) -> Response:
    return await _done_or_rehearsed(call, relocation)


async def _done_or_rehearsed(
    call: Call[Body, DryRunQuery], command_of: Callable[[Actor, UUID, Body, Idempotency | None, int | None], Command]
) -> Response:
    lead_id, version = lead_id_of(call.request), demanded_version(call.request)
    if call.query.dry_run:
        return await _rehearse(call, command_of(call.actor, lead_id, call.body, None, version))
    command = command_of(call.actor, lead_id, call.body, idempotent(call, _changed_answer), version)
    return _lead_response(await call.core.engine.execute_one(command), 200)


async def _rehearse(call: Call[Any, Any], command: Command) -> Response:
    rehearsal = await call.core.engine.rehearse(command)
    done, change = rehearsal.done, rehearsal.change
    planned = [PlannedDelivery(hearer.endpoint_id, told.event.type) for told in change.told for hearer in told.hearers]
    rewards = [line.reward for line in change.lines]
    shown = document(done.lead, done.setup.channel)
    return json_response(200, Preview(True, bool(done.events), shown, done.events, rewards, planned))


async def add_follow_up(call: Call[NewFollowUp, NoQuery]) -> Response:
    command = RecordFollowUp(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        follow_up_id=new_id(),
        scheduled_at=call.body.scheduled_at,
        done_at=call.body.done_at,
        done_by=call.body.done_by,
        next_at=call.body.next_at,
        notes=call.body.notes,
        version=demanded_version(call.request),
        idempotency=idempotent(call, _created_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 201)


async def add_purchase(call: Call[NewPurchase, NoQuery]) -> Response:
    body = call.body
    command = RecordPurchase(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        purchase_id=new_id(),
        name=body.name,
        description=body.description,
        amount=body.amount,
        currency=body.currency,
        at=body.at,
        trigger_ids=None if body.trigger_ids is None else frozenset(body.trigger_ids),
        version=demanded_version(call.request),
        idempotency=idempotent(call, _created_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 201)


async def erase(call: Call[None, NoQuery]) -> Response:
    """Answers the lead as it is now: without the person."""
    command = EraseLead(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        version=demanded_version(call.request),
        idempotency=idempotent(call, _changed_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 200)


async def reverse(call: Call[None, ReverseQuery]) -> Response:
    if (event_id := parse_id(call.request.params["item"])) is None:
        raise refuse(Code.NOT_FOUND, "The lead has no such event")
    command = ReverseMove(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        event_id=event_id,
        version=demanded_version(call.request),
        idempotency=idempotent(call, _changed_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 200)


def _note_answer(done: Done) -> tuple[int, bytes]:
    return 201, msgspec.json.encode(done.events[0].data["note"])


async def add_note(call: Call[NewNote, NoQuery]) -> Response:
    command = AddNote(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        note_id=new_id(),
        text=call.body.text,
        author=call.body.author,
        idempotency=idempotent(call, _note_answer),
    )
    return await _recorded(call, command, _note_answer)


def _consent_answer(done: Done) -> tuple[int, bytes]:
    return 201, msgspec.json.encode(done.events[0].data["consent"])


async def add_consent(call: Call[NewConsent, NoQuery]) -> Response:
    command = RecordConsent(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        consent_id=new_id(),
        idempotency=idempotent(call, _consent_answer),
        **msgspec.structs.asdict(call.body),
    )
    return await _recorded(call, command, _consent_answer)


async def _recorded(call: Call[Any, Any], command: Command, answer: Callable[[Done], tuple[int, bytes]]) -> Response:
    """Carries out a command whose answer is what it wrote, not the lead."""
    outcome = await call.core.engine.execute_one(command)
    return replay(outcome) if isinstance(outcome, Answer) else Response(*answer(outcome))
