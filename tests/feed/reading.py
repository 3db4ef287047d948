"""Readers of the feed: one that polls and one that listens."""

import asyncio
import json
from typing import Any, Self

from tests.api.answers import good
from tests.people import Person


async def poll(person: Person, cursor: str | None = None, **query: Any) -> dict[str, Any]:
    given = query | ({"cursor": cursor} if cursor else {})
    page: dict[str, Any] = good(await person.http.get("/v1/events", params=given))
    return page


async def poll_all(person: Person, **query: Any) -> list[dict[str, Any]]:
    page = await poll(person, **query)
    events = page["data"]
    while page["has_more"]:
        page = await poll(person, page["next_cursor"], **query)
        events += page["data"]
    return list(events)


class Listening:
    """An open stream, as a browser's EventSource reads it. `last` is sent as Last-Event-ID."""

    def __init__(self, person: Person, *, last: str | None = None, key: str | None = None, **query: Any) -> None:
        headers = {"X-API-Key": key or person.key} | ({"Last-Event-ID": last} if last else {})
        self._stream = person.http.stream("GET", "/v1/events/stream", params=query, headers=headers)
        self.last_id = last
        self.beats = 0

    async def __aenter__(self) -> Self:
        self.answer = await self._stream.__aenter__()
        self._lines = self.answer.aiter_lines()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.__aexit__(None, None, None)

    async def block(self) -> dict[str, str] | None:
        """The next block's fields; a comment stands under the empty name; None when the stream has ended."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        return None

    async def opened(self) -> Self:
        """Waits until the server listens for this stream."""
        first = await asyncio.wait_for(self.block(), 30)
        assert first is not None
        self.last_id = first["id"]
        return self

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The next events, so many."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            block = await asyncio.wait_for(self.block(), 30)
            assert block is not None, "the stream ended"
            self.last_id = block.get("id", self.last_id)
            if "data" in block:
                found.append(json.loads(block["data"]))
                assert block["event"] == found[-1]["type"]
        return found
