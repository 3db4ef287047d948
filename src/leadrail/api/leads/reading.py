"""Leads read: one, many, their history, their follow-ups, where they may go."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from leadrail.api.leads.commands import lead_id_of
from leadrail.api.leads.shapes import ConsentPage, LeadFilter, NestedFilter, Transition
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import Page, Paging, id_at, number_at, page
from leadrail.api.writes import etag
from leadrail.core.actor import Actor
from leadrail.core.channels.model import Named
from leadrail.core.consents import store as consents
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.core.events import store as events
from leadrail.core.followups import store as followups
from leadrail.core.identity import KeyKind, business_key, email_key, phone_key
from leadrail.core.leads.fields import checked_amount, checked_time
from leadrail.core.leads.filters import Condition, Filter, Operator, Term
from leadrail.core.leads.language import terms_of
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.leads.standing import missing_requirements, next_statuses
from leadrail.core.notes import store as notes
from leadrail.core.purchases import store as purchases
from leadrail.core.queries import Seen
from leadrail.core.setup import Setup
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response


def _document(seen: Seen) -> LeadDocument:
    return document(seen.lead, seen.setup.channel)


async def _seen(call: Call[Any, Any]) -> Seen:
    async with call.core.database.connection() as connection:
        return await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))


async def read(call: Call[None, NoQuery]) -> Response:
    seen = await _seen(call)
    return json_response(200, _document(seen), (etag(seen.lead.version),))


async def channels_of(core: Core, connection: Connection, actor: Actor, query: LeadFilter) -> list[Setup]:
    """The channels that the actor may use and the filter speaks of. Raises Refused (`channel_not_found`)."""
    if query.channel is not None:
        return [await core.reader.channel(connection, actor, query.channel)]
    return await core.reader.channels(connection, actor)


def filter_of(actor: Actor, query: LeadFilter, setups: list[Setup]) -> Filter:
    """What was asked for, as the core has it; `setups` are its channels. Raises Refused (`invalid`)."""
    return Filter(
        channel_ids=tuple(setup.channel.id for setup in setups),
        conditions=terms_in(query, setups),
        key=key_in(actor, query, setups),
    )


def terms_in(query: LeadFilter, setups: list[Setup]) -> tuple[Term, ...]:
    """Its conditions; `setups` are its channels. Raises Refused (`invalid`, `unknown_property`)."""
    wanted = (
        Condition("status_id", Operator.IN, _status_ids(query, setups)),
        Condition("source", Operator.EQ, query.source),
        Condition("assignee", Operator.EQ, query.assignee),
        *(Condition(field, operator, getattr(query, name)) for name, (field, operator) in _RANGES.items()),
    )
    terms: tuple[Term, ...] = tuple(_checked(condition) for condition in wanted if condition.value is not None)
    if isinstance(query, NestedFilter) and query.where is not None:
        terms += terms_of(query.where, [setup.channel for setup in setups], "/where")
    return terms


_RANGES = {
    "created_from": ("created_at", Operator.GTE),
    "created_before": ("created_at", Operator.LT),
    "updated_from": ("updated_at", Operator.GTE),
    "updated_before": ("updated_at", Operator.LT),
    "value_from": ("value", Operator.GTE),
    "value_to": ("value", Operator.LTE),
}


def _checked(condition: Condition) -> Condition:
    """Raises Refused (`invalid`) for a time or an amount that no lead can have."""
    if condition.field == "value":
        checked_amount(condition.field, condition.value)
    elif isinstance(condition.value, datetime):
        checked_time(condition.field, condition.value)
    return condition


def _status_ids(query: LeadFilter, setups: list[Setup]) -> tuple[UUID, ...] | None:
    if query.status is None and query.category is None:
        return None
    name = query.status.casefold() if query.status is not None else None
    return tuple(
        status.id
        for setup in setups
        for status in setup.channel.statuses
        if (name is None or setup.channel.is_called(status, name)) and query.category in (None, status.category)
    )


def key_in(actor: Actor, query: LeadFilter, setups: list[Setup]) -> tuple[KeyKind, str] | None:
    """Its identity key, if it names one; a phone number is read as of the actor's own channels.

    Raises Refused (`invalid`).
    """
    given: Mapping[KeyKind, str | None] = {
        KeyKind.EMAIL: query.email,
        KeyKind.PHONE: query.phone,
        KeyKind.BUSINESS_ID: query.business_id,
    }
    wanted = {kind: text for kind, text in given.items() if text is not None}
    if len(wanted) > 1:
        raise refuse(Code.INVALID, "Give one of email, phone and business_id", "?email")
    for kind, text in wanted.items():
        if kind is KeyKind.PHONE:
            own = (setup.channel for setup in setups if setup.channel.company_id == actor.company_id)
            country = next((channel.country for channel in own), None)
            return kind, phone_key(text, country) or ""
        return kind, (email_key(text) if kind is KeyKind.EMAIL else business_key(text)) or ""
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


async def list_follow_ups(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, number_at(call.query.cursor) or 0
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await followups.of_lead(connection, seen.lead.company_id, seen.lead.id, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.number, lambda row: row))


async def list_notes(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await notes.of_lead(connection, seen.lead.company_id, seen.lead.id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))


async def read_consents(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        key = connection, seen.lead.company_id, seen.lead.id
        rows = await consents.of_lead(*key, before=before, limit=limit + 1)
        current = await consents.current(*key)
    ledger = page(rows, limit, lambda row: row.id, lambda row: row)
    return json_response(200, ConsentPage(current, ledger.data, ledger.next_cursor))


async def list_purchases(call: Call[None, Paging]) -> Response:
    limit, before = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        seen = await call.core.reader.lead(connection, call.actor, lead_id_of(call.request))
        rows = await purchases.of_lead(connection, seen.lead.company_id, seen.lead.id, before=before, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda row: row.id, lambda row: row))
