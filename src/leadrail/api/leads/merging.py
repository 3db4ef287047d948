"""Leads of one person made one, with a preview, and apart again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.leads.commands import lead_id_of
from leadrail.api.leads.shapes import DryRunQuery
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.writes import idempotent, replay
from leadrail.core.actor import Scope
from leadrail.core.engine import Done
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import Event, EventType
from leadrail.core.idempotency import Answer
from leadrail.core.leads import merge_store
from leadrail.core.leads.automatic import REVERSIBLE
from leadrail.core.leads.commands import MergeCommand, MergeLeads, UndoMerge
from leadrail.core.leads.merge_store import Merge
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.rewards.model import Reward
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import new_id, parse_id

_UNTOLD = frozenset({"updated_at", "version"})


class MergeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which leads become one. `into` stays and gets what it lacks; `take` names another lead for a field."""

    into: UUID
    leads: Annotated[list[UUID], Meta(min_length=1, max_length=50)]
    take: dict[str, UUID] = {}
    dry_run: bool = False


class MergeResult(msgspec.Struct, frozen=True):
    """What a merge did, or would do. `id` null: nothing was written, or they are one lead already."""

    dry_run: bool
    id: UUID | None
    merged: list[UUID]
    lead: LeadDocument
    changed: dict[str, Any]
    taken: dict[str, UUID]
    withdrawn: list[Reward]
    reversible_until: datetime | None


class UnmergeResult(msgspec.Struct, frozen=True):
    """What taking a merge back did, or would do."""

    dry_run: bool
    id: UUID
    restored: list[UUID]
    lead: LeadDocument
    changed: dict[str, Any]
    kept: list[str]
    given_back: list[Reward]


class ShownMerge(msgspec.Struct, frozen=True):
    id: UUID
    lead_id: UUID
    merged: list[UUID]
    merged_at: datetime
    reversible_until: datetime | None
    undone_at: datetime | None


async def merge(call: Call[MergeBody, NoQuery]) -> Response:
    body = call.body
    command = MergeLeads(
        actor=call.actor,
        lead_id=body.into,
        lead_ids=tuple(body.leads),
        merge_id=new_id(),
        take=body.take,
        idempotency=None if body.dry_run else idempotent(call, _merged_answer),
    )
    return await _carried_out(call, command, dry_run=body.dry_run)


async def undo(call: Call[None, DryRunQuery]) -> Response:
    if (merge_id := parse_id(call.request.params["item"])) is None:
        raise _no_such_merge()
    async with call.core.database.connection() as connection:
        lead = (await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))).lead
        found = await merge_store.one_of_lead(connection, lead.company_id, lead.id, merge_id)
    if found is None:
        raise _no_such_merge()
    command = UndoMerge(
        actor=call.actor,
        lead_id=found.lead_id,
        lead_ids=tuple(found.merged_ids),
        merge_id=merge_id,
        idempotency=None if call.query.dry_run else idempotent(call, _undone_answer),
    )
    return await _carried_out(call, command, dry_run=call.query.dry_run)


def _no_such_merge() -> Exception:
    return refuse(Code.NOT_FOUND, "The lead has no such merge")


async def _carried_out(call: Call[Any, Any], command: MergeCommand, *, dry_run: bool) -> Response:
    result = _merged if isinstance(command, MergeLeads) else _undone
    if dry_run:
        return json_response(200, result((await call.core.engine.rehearse(command)).done, dry_run=True))
    outcome = await call.core.engine.execute_one(command)
    return replay(outcome) if isinstance(outcome, Answer) else json_response(200, result(outcome))


def _merged_answer(done: Done) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(_merged(done))


def _undone_answer(done: Done) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(_undone(done))


def _merged(done: Done, *, dry_run: bool = False) -> MergeResult:
    told = _told(done, EventType.LEAD_MERGED)
    return MergeResult(
        dry_run=dry_run,
        id=told.data["merge_id"] if told and not dry_run else None,
        merged=told.data["leads"] if told else [],
        lead=document(done.lead, done.setup.channel),
        changed=_changed(done),
        taken=told.data["taken"] if told else {},
        withdrawn=_rewards(done),
        reversible_until=told.occurred_at + REVERSIBLE if told else None,
    )


def _undone(done: Done, *, dry_run: bool = False) -> UnmergeResult:
    told = _told(done, EventType.LEAD_UNMERGED)
    assert told is not None  # an undo that does nothing is refused
    return UnmergeResult(
        dry_run=dry_run,
        id=told.data["merge_id"],
        restored=told.data["leads"],
        lead=document(done.lead, done.setup.channel),
        changed=_changed(done),
        kept=told.data["kept"],
        given_back=_rewards(done),
    )


def _told(done: Done, type: EventType) -> Event | None:
    return next((event for event in done.events if event.type is type), None)


def _rewards(done: Done) -> list[Reward]:
    return [event.data["reward"] for event in done.events if event.type is EventType.REWARD_CHANGED]


def _changed(done: Done) -> dict[str, Any]:
    """What is shown of the lead that stays and is not what it was; properties and attribution by member."""
    assert done.before is not None
    before, after = (document(lead, done.setup.channel) for lead in (done.before, done.lead))
    changed: dict[str, Any] = {}
    for name in LeadDocument.__struct_fields__:
        former, now = getattr(before, name), getattr(after, name)
        if former == now or name in _UNTOLD:
            continue
        if isinstance(now, dict):
            members = sorted(key for key in former | now if former.get(key) != now.get(key))
            changed[name] = {key: {"from": former.get(key), "to": now.get(key)} for key in members}
        else:
            changed[name] = {"from": former, "to": now}
    return changed


async def list_merges(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        lead = (await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))).lead
        rows = await merge_store.of_lead(connection, lead.company_id, lead.id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, _shown))


def _shown(row: Merge) -> ShownMerge:
    until = row.merged_at + REVERSIBLE if row.kept is not None else None
    return ShownMerge(row.id, row.lead_id, row.merged_ids, row.merged_at, until, row.undone_at)


_MERGED_LEAD = examples.LEAD | {"title": "Head of Operations", "version": 2}

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/leads/merge",
        summary="Merge leads of one person",
        description="`into` stays and gets what it lacks from the others, in their order. They leave every list and"
        " count; what was recorded of them is read with it, and their ids answer with it. With `dry_run` the answer"
        " says what would happen and nothing is written. With an `Idempotency-Key` a repeat within 24 hours gets the"
        " first answer and does nothing.",
        tag="Leads",
        scope=Scope.WRITE,
        handler=merge,
        body=MergeBody,
        answer=MergeResult,
        request_example={"into": examples.LEAD_ID, "leads": [examples.OTHER_LEAD_ID]},
        answer_example={
            "dry_run": False,
            "id": examples.MERGE_ID,
            "merged": [examples.OTHER_LEAD_ID],
            "lead": _MERGED_LEAD,
            "changed": {"title": {"from": None, "to": "Head of Operations"}},
            "taken": {"title": examples.OTHER_LEAD_ID},
            "withdrawn": [],
            "reversible_until": "2026-12-21T12:05:00Z",
        },
    ),
    Operation(
        method="GET",
        path="/v1/leads/{id}/merges",
        summary="List the merges into a lead, newest first",
        tag="Leads",
        scope=Scope.READ,
        handler=list_merges,
        query=Paging,
        answer=Page[ShownMerge],
        answer_example={
            "data": [
                {
                    "id": examples.MERGE_ID,
                    "lead_id": examples.LEAD_ID,
                    "merged": [examples.OTHER_LEAD_ID],
                    "merged_at": examples.LATER,
                    "reversible_until": "2026-12-21T12:05:00Z",
                    "undone_at": None,
                }
            ],
            "next_cursor": None,
        },
    ),
    Operation(
        method="POST",
        path="/v1/leads/{id}/merges/{item}/undo",
        summary="Take a merge back",
        description="Within 30 days, the newest merge into a lead first. The leads are as they were; the one that"
        " stayed loses what it was given and keeps what was changed since. With an `Idempotency-Key` a repeat within"
        " 24 hours gets the first answer and does nothing.",
        tag="Leads",
        scope=Scope.WRITE,
        handler=undo,
        query=DryRunQuery,
        answer=UnmergeResult,
        answer_example={
            "dry_run": False,
            "id": examples.MERGE_ID,
            "restored": [examples.OTHER_LEAD_ID],
            "lead": examples.LEAD | {"version": 3},
            "changed": {"title": {"from": "Head of Operations", "to": None}},
            "kept": [],
            "given_back": [],
        },
    ),
)
