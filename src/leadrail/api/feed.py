"""The feed of events: page by page for those who ask, and as a stream of server-sent events."""

import time
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from leadrail.api import examples
from leadrail.api.admission import admit
from leadrail.api.operation import Call, Operation
from leadrail.api.page import DEFAULT_LIMIT, Limit
from leadrail.core import feed
from leadrail.core.actor import Scope
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.events.model import Event, EventType
from leadrail.core.events.places import MOST_CHARACTERS, cursor_of, places_at
from leadrail.core.events.tail import Listener
from leadrail.core.feed import Choice
from leadrail.core.queries import demand
from leadrail.kit.http import Response, Stream, json_response

PAGE = 200
_HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))

FeedCursor = Annotated[
    str, Meta(max_length=MOST_CHARACTERS, description="Where to go on: `next_cursor` of the answer before.")
]


class Start(StrEnum):
    FIRST = "first"
    LATEST = "latest"


class FeedQuery(msgspec.Struct, frozen=True, kw_only=True):
    cursor: FeedCursor | None = None
    start: Annotated[Start, Meta(description="Where to begin without a cursor.")] = Start.FIRST
    type: Annotated[tuple[EventType, ...], Meta(description="Events of this type; may be repeated.")] = ()
    channel: UUID | None = None
    limit: Limit = DEFAULT_LIMIT


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True):
    cursor: FeedCursor | None = None
    type: Annotated[tuple[EventType, ...], Meta(description="Events of this type; may be repeated.")] = ()
    channel: UUID | None = None
    seconds: Annotated[int, Meta(ge=0, le=86400)] | None = None


class FeedPage(msgspec.Struct, frozen=True):
    """Events, oldest first. `next_cursor` is always there: keep it, and ask with it again."""

    data: tuple[Event, ...]
    next_cursor: str
    has_more: bool


async def read_events(call: Call[None, FeedQuery]) -> Response:
    query, reader = call.query, call.actor.company_id
    async with call.core.database.connection() as connection:
        if query.cursor is not None:
            after = places_at(reader, query.cursor)
        elif query.start is Start.LATEST:
            after = await feed.latest(connection, call.actor)
        else:
            after = {}
        found = await feed.read(connection, call.actor, after, Choice(query.type, query.channel), query.limit)
    shown = tuple(one.entry.event for one in found.found)
    return json_response(200, FeedPage(shown, cursor_of(reader, found.places), found.has_more))


async def stream_events(call: Call[None, StreamQuery]) -> Stream:
    """Answers at once; whatever can be refused is refused before the first byte."""
    given = call.request.header(b"last-event-id") or call.query.cursor  # a browser's first header may be empty
    choice, actor = Choice(call.query.type, call.query.channel), call.actor
    if call.core.tail.is_full(actor.company_id):
        raise refuse(Code.RATE_LIMITED, f"{call.core.tail.most} streams of your company are open; close one")
    async with call.core.database.connection() as connection:
        after = places_at(actor.company_id, given) if given is not None else await feed.latest(connection, actor)
        await feed.read(connection, actor, after, choice, 1)
    return Stream(200, _Streaming(call, choice, after).run(), b"text/event-stream", _HEADERS)


class _Streaming:
    """One open stream. It reads a page, sends it, and reads on only when the client has taken it."""

    def __init__(self, call: Call[None, StreamQuery], choice: Choice, places: Mapping[UUID, int]) -> None:
        self._call, self._choice, self._places = call, choice, dict(places)
        self._tail, self._actor = call.core.tail, call.actor
        now = time.monotonic()
        self._beat = now + self._tail.heartbeat_s
        self._end = None if call.query.seconds is None else now + call.query.seconds

    async def run(self) -> AsyncIterator[bytes]:
        if self._tail.is_full(self._actor.company_id):
            return
        with self._tail.listening(self._actor.company_id, self._actor.companies) as listener:
            yield b"retry: 2000\n" + self._quiet("open")
            while not self._tail.ended:
                listener.news.clear()
                # At work, too: whoever reads without a pause is checked as often as whoever waits.
                if time.monotonic() >= self._beat:
                    if not await self._still_admitted(listener):
                        return
                    yield self._quiet("heartbeat")
                chunk, has_more = await self._next()
                if chunk:
                    yield chunk
                if self._end is not None and time.monotonic() >= self._end and not has_more:
                    return
                if not has_more and not self._tail.ended:
                    await listener.wait(min(self._beat, self._end or self._beat) - time.monotonic())

    async def _still_admitted(self, listener: Listener) -> bool:
        self._beat = time.monotonic() + self._tail.heartbeat_s
        try:
            self._actor = await admit(self._call.core, self._call.request)
            demand(self._actor, Scope.READ)
        except Refused:
            return False
        listener.companies = self._actor.companies
        return True

    async def _next(self) -> tuple[bytes, bool]:
        """The next events as they are sent, and whether there are more."""
        async with self._call.core.database.connection() as connection:
            try:
                found = await feed.read(connection, self._actor, self._places, self._choice, PAGE)
            except Refused:  # the channel is no longer the caller's to see
                return b"", False
        parts = []
        for one in found.found:
            self._places[one.company_id] = one.entry.seq
            parts.append(_sent(cursor_of(self._actor.company_id, self._places), one.entry.event))
        self._places = found.places
        return b"".join(parts), found.has_more

    def _quiet(self, word: str) -> bytes:
        """A comment, and the place all the same: who comes again goes on there, though no event has come since."""
        return f": {word}\nid: {cursor_of(self._actor.company_id, self._places)}\n\n".encode()


def _sent(cursor: str, event: Event) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), event.type.encode(), msgspec.json.encode(event))


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/events",
        summary="Read the feed of events, oldest first",
        description=(
            "Every event of your own channels and of those that are shared with you, each exactly once. "
            "Ask again with `next_cursor`: at once while `has_more` is true (also when `data` is empty), else later."
        ),
        tag="Events",
        scope=Scope.READ,
        handler=read_events,
        query=FeedQuery,
        answer=FeedPage,
        answer_example={"data": [examples.EVENT], "next_cursor": "kq2xKAGbX…", "has_more": False},
    ),
    Operation(
        method="GET",
        path="/v1/events/stream",
        summary="Listen to the feed of events",
        description=(
            "Server-sent events: `id` is the cursor after the event, `event` its type, `data` the event. "
            "Goes on after the header `Last-Event-ID`, else after `cursor`, else with what happens from now on. "
            "A comment comes at least every 15 seconds; when the key is revoked, the stream ends."
        ),
        tag="Events",
        scope=Scope.READ,
        handler=stream_events,
        query=StreamQuery,
        answer_example="id: kq2xKAGbX…\nevent: lead.created\ndata: {…}\n\n",
        media_type="text/event-stream",
    ),
)
