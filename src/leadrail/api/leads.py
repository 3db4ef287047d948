"""Leads: create, read, edit, move, rehearse, and the same for many at once."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Cursor, Limit, Page, Paging, number_at, page
from leadrail.api.problems import Problem, bad_input_problem, problem_of
from leadrail.api.writes import demanded_version, etag, fingerprint, idempotency_key, idempotent, replay
from leadrail.core.actor import Actor, Scope
from leadrail.core.channels.model import Category, Named, Requirement, StatusRef
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.events import store as events
from leadrail.core.events.model import Event
from leadrail.core.followups import store as followups
from leadrail.core.followups.store import FollowUpRow
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, Idempotency, RecordFollowUp, UpdateLead
from leadrail.core.leads.identity import KeyKind, email_key, phone_key
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.leads.rules import missing_requirements, next_statuses
from leadrail.core.leads.store import Filter
from leadrail.core.queries import Seen
from leadrail.core.rewards.model import Reward
from leadrail.kit import wire
from leadrail.kit.http import Request, Response, json_response
from leadrail.kit.ids import new_id, parse_id
from leadrail.kit.wire import BadInput

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]
MOST_IN_A_BATCH = 1000


class NewLead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lead to be made. `channel_id` may be left out by a key with a default channel."""

    channel_id: UUID | None = None
    status: str | None = None
    status_id: UUID | None = None
    email: str | None = None
    phone: str | None = None
    linkedin_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    title: str | None = None
    company_name: str | None = None
    source: str | None = None
    assignee: str | None = None
    notes: str | None = None
    business_id: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    next_follow_up_at: Moment | None = None
    properties: dict[str, Any] = {}
    attribution: dict[str, Any] = {}


class LeadPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is left out stays, null removes. The status has a call of its own."""

    email: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    linkedin_url: str | None | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    title: str | None | UnsetType = UNSET
    company_name: str | None | UnsetType = UNSET
    source: str | None | UnsetType = UNSET
    assignee: str | None | UnsetType = UNSET
    notes: str | None | UnsetType = UNSET
    business_id: str | None | UnsetType = UNSET
    value: Decimal | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    next_follow_up_at: Moment | None | UnsetType = UNSET
    properties: dict[str, Any] = {}
    attribution: dict[str, Any] | UnsetType = UNSET


class StatusChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move. One of `status` (a name), `status_id` or `category` says where to."""

    status: str | None = None
    status_id: UUID | None = None
    category: Category | None = None
    value: Decimal | None = None
    currency: str | None = None
    reason: str | None = None
    reason_id: UUID | None = None
    note: str | None = None
    sub_status: str | None = None
    also_qualified: bool = False
    at: Moment | None = None


class BatchedChange(StatusChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lead_id: UUID


class LeadBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    leads: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class StatusBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    changes: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class BatchOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one item: created, changed, unchanged, or refused with its problem."""

    outcome: str
    lead: LeadDocument | None = None
    error: Problem | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    data: list[BatchOutcome | msgspec.Raw]


class Transition(msgspec.Struct, frozen=True):
    """A status that may follow, all that it requires, and what of that the lead does not have yet."""

    status: Named
    requires: tuple[Requirement, ...]
    missing: list[Requirement]


class PlannedDelivery(msgspec.Struct, frozen=True):
    endpoint_id: UUID
    event_type: str


class Preview(msgspec.Struct, frozen=True):
    """What a change would do. Nothing was written."""

    dry_run: bool
    changed: bool
    lead: LeadDocument
    events: tuple[Event, ...]
    rewards: list[Reward]
    deliveries: list[PlannedDelivery]


class NewFollowUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact that was done (`done_at`), planned (`scheduled_at`), and the next one (`next_at`)."""

    done_at: Moment | None = None
    done_by: str | None = None
    scheduled_at: Moment | None = None
    next_at: Moment | None = None
    notes: str | None = None


class LeadQuery(msgspec.Struct, frozen=True, kw_only=True):
    channel: UUID | None = None
    status: str | None = None
    category: Category | None = None
    email: str | None = None
    phone: str | None = None
    business_id: str | None = None
    source: str | None = None
    assignee: str | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None
    updated_from: Moment | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class DryRunQuery(msgspec.Struct, frozen=True):
    dry_run: bool = False


# Reading what was sent

_FIELDS = tuple(name for name in LeadPatch.__struct_fields__ if name not in ("properties", "attribution"))


def _fields_of(body: NewLead) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(body, name)) is not None}
    return given | {"attribution": body.attribution} if body.attribution else given


def _patch_of(body: LeadPatch) -> dict[str, Any]:
    given = {name: value for name in _FIELDS if (value := getattr(body, name)) is not UNSET}
    return given if body.attribution is UNSET else given | {"attribution": body.attribution}


def _reference(status: str | None, status_id: UUID | None, category: Category | None = None) -> StatusRef | None:
    if status is None and status_id is None and category is None:
        return None
    return StatusRef(status_id, status, category if status is None else None)


def _creation(actor: Actor, body: NewLead, keep: Idempotency | None) -> CreateLead:
    channel_id = body.channel_id or actor.default_channel
    if channel_id is None:
        raise refuse(Code.CHANNEL_REQUIRED, "Say which channel: the key has no default channel", "/channel_id")
    return CreateLead(
        actor=actor,
        channel_id=channel_id,
        lead_id=new_id(),
        fields=_fields_of(body),
        properties=body.properties,
        status=_reference(body.status, body.status_id),
        idempotency=keep,
    )


def _change(
    actor: Actor, lead_id: UUID, body: StatusChange, keep: Idempotency | None, version: int | None = None
) -> ChangeStatus:
    reference = _reference(body.status, body.status_id, body.category)
    if reference is None:
        raise refuse(Code.INVALID, "Say where to: status, status_id or category", "/status")
    fields = {"value": body.value, "currency": body.currency}
    return ChangeStatus(
        actor=actor,
        lead_id=lead_id,
        status=reference,
        fields={name: value for name, value in fields.items() if value is not None},
        sub_status=body.sub_status,
        reason=body.reason,
        reason_id=body.reason_id,
        note=body.note,
        also_qualified=body.also_qualified,
        at=body.at,
        version=version,
        idempotency=keep,
    )


def lead_id_of(request: Request) -> UUID:
    """The lead that the path names. Raises Refused (`lead_not_found`) when it is no id at all."""
    if (id := parse_id(request.params["id"])) is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return id


# Single writes


def _shown(done: Done) -> bytes:
    return msgspec.json.encode(document(done.lead, done.setup.channel))


def _created_answer(done: Done) -> tuple[int, bytes]:
    return 201, _shown(done)


def _changed_answer(done: Done) -> tuple[int, bytes]:
    return 200, _shown(done)


def _lead_response(outcome: Done | Answer, status: int) -> Response:
    if isinstance(outcome, Answer):
        return replay(outcome)
    headers: tuple[tuple[bytes, bytes], ...] = (etag(outcome.lead.version),)
    if status == 201:
        headers += ((b"location", f"/v1/leads/{outcome.lead.id}".encode()),)
    return Response(status, _shown(outcome), headers=headers)


async def create(call: Call[NewLead, NoQuery]) -> Response:
    command = _creation(call.actor, call.body, idempotent(call.request, _created_answer))
    return _lead_response(await call.core.engine.execute_one(command), 201)


async def edit(call: Call[LeadPatch, NoQuery]) -> Response:
    command = UpdateLead(
        actor=call.actor,
        lead_id=lead_id_of(call.request),
        fields=_patch_of(call.body),
        properties=call.body.properties,
        version=demanded_version(call.request),
        idempotency=idempotent(call.request, _changed_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 200)


async def change_status(call: Call[StatusChange, DryRunQuery]) -> Response:
    lead_id, version = lead_id_of(call.request), demanded_version(call.request)
    if call.query.dry_run:
        return await _rehearse(call, _change(call.actor, lead_id, call.body, None, version))
    command = _change(call.actor, lead_id, call.body, idempotent(call.request, _changed_answer), version)
    return _lead_response(await call.core.engine.execute_one(command), 200)


async def _rehearse(call: Call[Any, Any], command: Command) -> Response:
    rehearsal = await call.core.engine.rehearse(command)
    done, change = rehearsal.done, rehearsal.change
    planned = [PlannedDelivery(hearer.endpoint_id, told.event.type) for told in change.told for hearer in told.hearers]
    rewards = [reward for _, reward in change.rewards]
    shown = document(done.lead, done.setup.channel)
    return json_response(200, Preview(True, bool(done.events), shown, done.events, rewards, planned))


# Many at once


async def create_batch(call: Call[LeadBatch, NoQuery]) -> Response:
    def command(raw: msgspec.Raw, place: int, at: str) -> Command:
        keep = _item_key(call.request, raw, place, "created")
        return _creation(call.actor, wire.decode(_NEW_LEAD, bytes(raw), at), keep)

    return await _batch(call, call.body.leads, "/leads", "created", command)


async def change_batch(call: Call[StatusBatch, NoQuery]) -> Response:
    def command(raw: msgspec.Raw, place: int, at: str) -> Command:
        body = wire.decode(_BATCHED_CHANGE, bytes(raw), at)
        return _change(call.actor, body.lead_id, body, _item_key(call.request, raw, place, "changed"))

    return await _batch(call, call.body.changes, "/changes", "changed", command)


_NEW_LEAD = msgspec.json.Decoder(NewLead)
_BATCHED_CHANGE = msgspec.json.Decoder(BatchedChange)


def _item_key(request: Request, raw: msgspec.Raw, place: int, word: str) -> Idempotency | None:
    """Each item of a batch is kept under a key of its own, so a repeat of a batch that was cut short finishes it."""
    key = idempotency_key(request)
    if key is None:
        return None

    def render(done: Done) -> tuple[int, bytes]:
        return 200, msgspec.json.encode(_outcome(done, word))

    return Idempotency(f"{key}/{place}", fingerprint(request, bytes(raw)), render)


async def _batch(call: Call[Any, Any], items: list[msgspec.Raw], list_at: str, word: str, make: Any) -> Response:
    """One outcome per item, in order. An item that cannot be read is refused like one that breaks a rule."""
    outcomes: dict[int, BatchOutcome | msgspec.Raw] = {}
    commands: dict[int, Command] = {}
    for place, raw in enumerate(items):
        at = f"{list_at}/{place}"
        try:
            commands[place] = make(raw, place, at)
        except BadInput as error:
            outcomes[place] = BatchOutcome("refused", error=bad_input_problem(error))
        except Refused as error:
            outcomes[place] = BatchOutcome("refused", error=problem_of(error.refusal, at))
    results = await call.core.engine.execute(list(commands.values()))
    for place, result in zip(commands, results, strict=True):
        outcomes[place] = _batch_outcome(result, word, f"{list_at}/{place}")
    return json_response(200, BatchAnswer([outcomes[place] for place in range(len(items))]))


def _batch_outcome(result: Outcome, word: str, at: str) -> BatchOutcome | msgspec.Raw:
    if isinstance(result, Refusal):
        return BatchOutcome("refused", error=problem_of(result, at))
    return msgspec.Raw(result.body) if isinstance(result, Answer) else _outcome(result, word)


def _outcome(done: Done, word: str) -> BatchOutcome:
    return BatchOutcome(word if done.events else "unchanged", document(done.lead, done.setup.channel))


# Reading


def _document(seen: Seen) -> LeadDocument:
    return document(seen.lead, seen.setup.channel)


async def _seen(call: Call[Any, Any]) -> Seen:
    async with call.core.database.connection() as connection:
        return await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))


async def read(call: Call[None, NoQuery]) -> Response:
    seen = await _seen(call)
    return json_response(200, _document(seen), (etag(seen.lead.version),))


async def search(call: Call[None, LeadQuery]) -> Response:
    query = call.query
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
        if query.channel is not None:
            setups = [await call.core.reader.channel(connection, call.actor, query.channel)]
        country = next((setup.channel.country for setup in setups), None)
        chosen = Filter(
            channel_ids=tuple(setup.channel.id for setup in setups),
            status_ids=_status_ids(query, setups),
            source=query.source,
            assignee=query.assignee,
            created_from=query.created_from,
            created_before=query.created_before,
            updated_from=query.updated_from,
            key=_key(query, country),
            below=number_at(query.cursor),
            limit=query.limit + 1,
        )
        seen = await call.core.reader.leads(connection, call.actor, chosen)
    return json_response(200, page(seen, query.limit, lambda row: row.lead.number, _document))


def _status_ids(query: LeadQuery, setups: list[Any]) -> tuple[UUID, ...] | None:
    if query.status is None and query.category is None:
        return None
    name = query.status.casefold() if query.status is not None else None
    return tuple(
        status.id
        for setup in setups
        for status in setup.channel.statuses
        if name in (None, status.name.casefold()) and query.category in (None, status.category)
    )


def _key(query: LeadQuery, country: str | None) -> tuple[KeyKind, str] | None:
    given: Mapping[KeyKind, str | None] = {
        KeyKind.EMAIL: query.email,
        KeyKind.PHONE: query.phone,
        KeyKind.BUSINESS_ID: query.business_id,
    }
    wanted = {kind: text for kind, text in given.items() if text is not None}
    if len(wanted) > 1:
        raise refuse(Code.INVALID, "Give one of email, phone and business_id", "?email")
    for kind, text in wanted.items():
        folded = {KeyKind.EMAIL: email_key(text), KeyKind.PHONE: phone_key(text, country)}.get(kind, text)
        return kind, folded or ""
    return None


async def transitions(call: Call[None, NoQuery]) -> Response:
    seen = await _seen(call)
    data = [
        Transition(Named.of(status), status.requires, missing_requirements(status, seen.lead))
        for status in next_statuses(seen.lead, seen.setup.channel)
    ]
    return json_response(200, Page(data, None))


async def history(call: Call[None, Paging]) -> Response:
    after = number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        entries = await events.of_lead(
            connection, seen.lead.company_id, seen.lead.id, after=after, limit=call.query.limit + 1
        )
    return json_response(200, page(entries, call.query.limit, lambda row: row.seq, lambda row: row.event))


async def list_follow_ups(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await followups.of_lead(connection, seen.lead.company_id, seen.lead.id)
    return json_response(200, Page(rows, None))


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
        idempotency=idempotent(call.request, _created_answer),
    )
    return _lead_response(await call.core.engine.execute_one(command), 201)


_IDEMPOTENCY = "With an `Idempotency-Key` a repeat within 24 hours gets the first answer and does nothing."
_IF_MATCH = "With `If-Match` a lead that has moved on is refused with 412."

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/leads",
        summary="Create a lead",
        description=f"The lead starts in the channel's first status unless one is named. {_IDEMPOTENCY}",
        tag="Leads",
        scope=Scope.WRITE,
        handler=create,
        body=NewLead,
        answer=LeadDocument,
        status=201,
        request_example=examples.NEW_LEAD,
        answer_example=examples.LEAD,
    ),
    Operation(
        method="GET",
        path="/v1/leads",
        summary="List leads, newest first",
        tag="Leads",
        scope=Scope.READ,
        handler=search,
        query=LeadQuery,
        answer=Page[LeadDocument],
        answer_example={"data": [examples.LEAD], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/leads/batch",
        summary="Create 1 to 1,000 leads",
        description=f"Answers one outcome per lead, in order; a refused one leaves the others alone. {_IDEMPOTENCY}",
        tag="Leads",
        scope=Scope.WRITE,
        handler=create_batch,
        body=LeadBatch,
        answer=BatchAnswer,
        request_example={"leads": [examples.NEW_LEAD]},
        answer_example={"data": [{"outcome": "created", "lead": examples.LEAD}]},
    ),
    Operation(
        method="POST",
        path="/v1/leads/status/batch",
        summary="Change the status of 1 to 1,000 leads",
        description=f"Each item is a status change with its `lead_id`. {_IDEMPOTENCY}",
        tag="Leads",
        scope=Scope.WRITE,
        handler=change_batch,
        body=StatusBatch,
        answer=BatchAnswer,
        request_example={"changes": [examples.STATUS_CHANGE | {"lead_id": examples.LEAD_ID}]},
        answer_example={"data": [{"outcome": "changed", "lead": examples.QUALIFIED_LEAD}]},
    ),
    Operation(
        method="GET",
        path="/v1/leads/{id}",
        summary="Read a lead",
        description="The answer's `ETag` is what `If-Match` takes.",
        tag="Leads",
        scope=Scope.READ,
        handler=read,
        answer=LeadDocument,
        answer_example=examples.LEAD,
    ),
    Operation(
        method="PATCH",
        path="/v1/leads/{id}",
        summary="Edit a lead",
        description=f"A merge patch: what is left out stays, null removes. {_IF_MATCH}",
        tag="Leads",
        scope=Scope.WRITE,
        handler=edit,
        body=LeadPatch,
        answer=LeadDocument,
        request_example=examples.LEAD_PATCH,
        answer_example=examples.LEAD,
    ),
    Operation(
        method="PUT",
        path="/v1/leads/{id}/status",
        summary="Change a lead's status",
        description="History, webhooks, rewards and notices follow in the same transaction. With `dry_run=true`"
        f" the answer says what would happen and nothing is written. {_IF_MATCH}",
        tag="Leads",
        scope=Scope.WRITE,
        handler=change_status,
        body=StatusChange,
        query=DryRunQuery,
        answer=LeadDocument | Preview,
        request_example=examples.STATUS_CHANGE,
        answer_example=examples.QUALIFIED_LEAD,
    ),
    Operation(
        method="GET",
        path="/v1/leads/{id}/transitions",
        summary="List the statuses that may follow",
        description="Each with what it requires and what of that the lead lacks.",
        tag="Leads",
        scope=Scope.READ,
        handler=transitions,
        answer=Page[Transition],
        answer_example=examples.TRANSITIONS,
    ),
    Operation(
        method="GET",
        path="/v1/leads/{id}/events",
        summary="Read a lead's history, oldest first",
        tag="Leads",
        scope=Scope.READ,
        handler=history,
        query=Paging,
        answer=Page[Event],
        answer_example={"data": [examples.EVENT], "next_cursor": None},
    ),
    Operation(
        method="GET",
        path="/v1/leads/{id}/follow-ups",
        summary="List a lead's follow-ups",
        tag="Leads",
        scope=Scope.READ,
        handler=list_follow_ups,
        answer=Page[FollowUpRow],
        answer_example={"data": [examples.FOLLOW_UP], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/leads/{id}/follow-ups",
        summary="Record a contact that was planned or done",
        description=_IDEMPOTENCY,
        tag="Leads",
        scope=Scope.WRITE,
        handler=add_follow_up,
        body=NewFollowUp,
        answer=LeadDocument,
        status=201,
        request_example=examples.NEW_FOLLOW_UP,
        answer_example=examples.LEAD,
    ),
)
