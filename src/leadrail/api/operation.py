"""What an operation of the API is: one row that routing, checks and the OpenAPI description all read."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from leadrail.core.actor import Actor, Scope
from leadrail.core.core import Core
from leadrail.core.errors import Code
from leadrail.kit.http import Request, Response, Stream

Body = TypeVar("Body")
Query = TypeVar("Query")


class Call(msgspec.Struct, Generic[Body, Query], frozen=True):
    """An admitted request: who calls, with which body and query, both read and checked."""

    core: Core
    actor: Actor
    request: Request
    body: Body
    query: Query


class NoQuery(msgspec.Struct, frozen=True):
    """An operation that takes no query parameter."""


# What lies below these belongs to one channel, or names what does.
_OF_CHANNELS = ("/v1/channels/{id}", "/v1/rewards/")

Handler = Callable[[Call[Any, Any]], Awaitable[Response | Stream]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`body` None: the request's body is not read. `answer` None: there is none. Examples are JSON values.

    `has_items`: the body is a list of items that the handler reads, and refuses, one by one. `media_type` other than
    JSON: the answer is a text of that kind. `other_status` is that of the same answer when nothing new was made.
    `upload`: the body is a file of that kind, which the handler takes from `Request.chunks`; its example is a text.
    `refusals`: what may be refused beside what the types and the path tell. `only_asks`: it changes nothing, although
    it is a POST.
    """

    method: str
    path: str
    summary: str
    tag: str
    scope: Scope
    handler: Handler
    body: Any = None
    has_items: bool = False
    query: type = NoQuery
    answer: Any = None
    status: int = 200
    other_status: int | None = None
    description: str = ""
    request_example: Any = None
    answer_example: Any = None
    media_type: str = "application/json"
    upload: str = ""
    refusals: tuple[Code, ...] = ()
    only_asks: bool = False

    @property
    def is_beside_channels(self) -> bool:
        """Whether it changes what belongs to the company as a whole: a key that is bound to channels may not."""
        return self.scope is Scope.ADMIN and not self.path.startswith(_OF_CHANNELS)
