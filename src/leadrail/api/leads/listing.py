"""Lists of leads: by parameters, by a nested filter, by a saved view."""

from collections.abc import Sequence
from typing import Any

import msgspec

from leadrail.api.leads.reading import channels_of, key_in, terms_in
from leadrail.api.leads.shapes import LeadQuery, LeadSearch, PageOfLeads
from leadrail.api.operation import Call, NoQuery
from leadrail.api.page import cursor_of, item_at
from leadrail.core.errors import Code, refuse
from leadrail.core.leads.filters import Term
from leadrail.core.leads.language import terms_of
from leadrail.core.leads.model import LeadDocument, document
from leadrail.core.leads.orders import place_at, sorting
from leadrail.core.leads.search import Wanted, newest_first
from leadrail.core.leads.words import Asked, asked_in
from leadrail.core.queries import Seen, are_all, lanes_of
from leadrail.core.setup import Setup
from leadrail.core.views.commands import visible_view
from leadrail.core.views.model import View
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response

MEMBERS: tuple[str, ...] = LeadDocument.__struct_fields__


class _List(msgspec.Struct, frozen=True, kw_only=True):
    """What both doors come to."""

    wanted: Wanted
    fields: tuple[str, ...]
    limit: int
    cursor: str | None
    count: bool


async def listed(call: Call[None, LeadQuery]) -> Response:
    query = call.query
    async with call.core.database.connection() as connection:
        setups = await channels_of(call.core, connection, call.actor, query)
        view = await visible_view(connection, call.actor, query.view) if query.view is not None else None
        sort = query.sort or (view.sort[0] if view is not None and view.sort else None)
        fields = tuple(query.fields.split(",")) if query.fields is not None else view.fields if view else ()
        terms = (
            *terms_in(query, setups),
            *(_terms_of_view(view, await call.core.reader.channels(connection, call.actor)) if view else ()),
        )
        wanted = Wanted(
            lanes=lanes_of(setups),
            has_all=query.channel is None and are_all(call.actor, setups),
            terms=terms,
            words=_words(query.q, setups, "?q"),
            key=key_in(call.actor, query, setups),
            sorting=sorting(sort, "?sort") if sort is not None else newest_first(terms),
        )
        checked = checked_fields(fields, "?fields")
        limit, cursor, count = query.limit, query.cursor, query.count
        chosen = _List(wanted=wanted, fields=checked, limit=limit, cursor=cursor, count=count)
        return await _answer(call, connection, chosen)


async def searched(call: Call[LeadSearch, NoQuery]) -> Response:
    body = call.body
    async with call.core.database.connection() as connection:
        setups = await call.core.reader.channels(connection, call.actor)
        terms = terms_of(body.filter, [setup.channel for setup in setups])
        wanted = Wanted(
            lanes=lanes_of(setups),
            has_all=are_all(call.actor, setups),
            terms=terms,
            words=_words(body.q, setups, "/q"),
            sorting=sorting(body.sort[0], "/sort/0") if body.sort else newest_first(terms),
        )
        fields = checked_fields(body.fields, "/fields")
        chosen = _List(wanted=wanted, fields=fields, limit=body.limit, cursor=body.cursor, count=body.count)
        return await _answer(call, connection, chosen)


async def _answer(call: Call[Any, Any], connection: Connection, chosen: _List) -> Response:
    order = chosen.wanted.sorting
    after = item_at(chosen.cursor, lambda text: place_at(text, order)) if chosen.cursor is not None else None
    found = await call.core.reader.search(
        connection, call.actor, chosen.wanted, after=after, limit=chosen.limit, with_count=chosen.count
    )
    return json_response(
        200,
        PageOfLeads(
            data=[_shown(seen, chosen.fields) for seen in found.seen],
            next_cursor=cursor_of(str(found.next)) if found.next is not None else None,
            count=found.counted.count if chosen.count else None,
            count_is_estimate=found.counted.is_estimate if chosen.count else None,
        ),
    )


def _shown(seen: Seen, fields: Sequence[str]) -> LeadDocument | msgspec.Raw:
    whole = document(seen.lead, seen.setup.channel)
    if not fields:
        return whole
    return msgspec.Raw(msgspec.json.encode({name: getattr(whole, name) for name in fields}))


def checked_fields(fields: Sequence[str], pointer: str) -> tuple[str, ...]:
    """The members of a lead that are wanted, with its id; none for all. Raises Refused (`invalid`)."""
    wanted = [name.strip() for name in fields]
    if unknown := [name for name in wanted if name not in MEMBERS]:
        raise refuse(Code.INVALID, f'A lead has no "{unknown[0]}"; it has {", ".join(MEMBERS)}', pointer)
    return tuple(dict.fromkeys(("id", *wanted))) if wanted else ()


def _words(text: str | None, setups: Sequence[Setup], pointer: str) -> tuple[Asked, ...]:
    if text is None:
        return ()
    return asked_in(text, dict.fromkeys(setup.channel.country for setup in setups), pointer)


def _terms_of_view(view: View, setups: Sequence[Setup]) -> tuple[Term, ...]:
    return terms_of(view.filter, [setup.channel for setup in setups], "?view")
