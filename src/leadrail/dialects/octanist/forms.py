"""The two doors without a key: the older WordPress connector's and the pixel's (contracts/octanist.md, 8.3 and 8.4).

A channel opens them with `public_submissions`. Both are called from browsers too, hence the headers for those.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from leadrail.core.actor import visitor
from leadrail.core.channels.model import Channel
from leadrail.core.core import Core
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.commands import CreateLead, Idempotency
from leadrail.dialects.octanist import formfields, mapping
from leadrail.dialects.octanist.auth import FACE
from leadrail.dialects.octanist.envelope import answered
from leadrail.dialects.octanist.errors import on_error
from leadrail.dialects.octanist.formfields import Form
from leadrail.dialects.octanist.wire import SOURCES
from leadrail.kit import wire
from leadrail.kit.http import BodyTooLarge, Handler, Request, Response, Route
from leadrail.kit.ids import new_id, parse_id
from leadrail.kit.throttle import Throttle, household
from leadrail.kit.wire import BadInput

PER_MINUTE, BURST = 30, 10
BODY_LIMIT = 1 << 16
PREFIX = "oct-"
WORDPRESS, PIXEL = "/api/integrations/incoming/wp/{octanistId}", "/e"


_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ABOUT_THE_PAGE = frozenset({"cookies", "domain", "path"})
_REFUSALS = {
    Code.CHANNEL_NOT_FOUND: "No channel has this id; use the channel's public_id",
    Code.FORBIDDEN: "The channel takes no leads without a key; its public_submissions is off",
}


def routes(core: Core) -> list[Route]:
    """Both doors, under one limit on how often an address may hand in a form."""
    throttle = Throttle(PER_MINUTE, BURST)
    doors = ((WORDPRESS, _wordpress), (PIXEL, _event))
    return [
        route
        for path, operation in doors
        for route in (
            Route("POST", path, _handler(core, throttle, operation)),
            Route("OPTIONS", path, _preflight),
        )
    ]


def _handler(
    core: Core, throttle: Throttle, operation: Callable[[Core, Throttle, Request], Awaitable[Response]]
) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            if len(request.body) > BODY_LIMIT:
                raise BodyTooLarge(BODY_LIMIT)
            response = await operation(core, throttle, request)
        except Exception as error:  # noqa: BLE001 - a browser may read a failure only with the headers below
            response = on_error(request, error, core.clock())
        return msgspec.structs.replace(response, headers=(*response.headers, *_for_browsers(request)))

    return handle


async def _preflight(request: Request) -> Response:
    allowed = (
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type, x-octanist-session-id"),
    )
    return Response(204, headers=(*_for_browsers(request), *allowed, (b"access-control-max-age", b"86400")))


def _for_browsers(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """Pages of every site may call. A beacon always sends cookies along, and then `*` would not do; none are read."""
    origin = (request.header(b"origin") or "*").encode("latin-1")
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
    )


# The doors


async def _wordpress(core: Core, throttle: Throttle, request: Request) -> Response:
    """Section 8.4: any fields of a form, and where it was."""
    body = wire.decode(_OBJECT, request.body)
    form = formfields.read({name: value for name, value in body.items() if name not in _ABOUT_THE_PAGE})
    if form.is_empty:
        raise refuse(Code.INVALID, 'The form is empty; send at least one of "name", "email", "phone" and "custom"')
    _slow_down(throttle, request)
    channel = await _channel(core, request.params["octanistId"])
    visit = formfields.of_cookies(body.get("cookies")) | formfields.of_page(body.get("domain"), body.get("path"))
    done = await core.engine.execute_one(_creation(channel, form, "wordpress", visit))
    assert isinstance(done, Done)  # no idempotency key was given
    return answered(mapping.created(done, core.clock()))


async def _event(core: Core, throttle: Throttle, request: Request) -> Response:
    """Section 8.3: of all that a pixel tells, a form that was handed in makes a lead; the rest is not kept."""
    event = wire.decode(_OBJECT, request.body)
    if event.get("type") != "form_submit":
        return Response(204)
    fields = event.get("form_fields")
    if isinstance(fields, list):  # how PHP writes fields that are numbered from 0, or none
        fields = {str(number): value for number, value in enumerate(fields)}
    if not isinstance(fields, dict):
        raise BadInput('"form_fields" is an object of names and values', "/form_fields")
    form = formfields.read(fields)
    if not form.is_empty:
        _slow_down(throttle, request)
        channel = await _channel(core, event.get("mid"))
        source = next((word for word in SOURCES if word == event.get("source")), "inbound")
        visit = _visit(request, event) | formfields.of_page(event.get("domain"), event.get("path"))
        command = _creation(channel, form, source, visit)
        await core.engine.execute_one(msgspec.structs.replace(command, idempotency=_once(event, request.body)))
    return Response(204)


def _visit(request: Request, event: Mapping[str, Any]) -> dict[str, str]:
    named = {"session_id": "sid", "client_id": "cid", "referrer": "referrer", "form_identifier": "form_identifier"}
    texts = {name: event.get(member) for name, member in named.items()}
    texts["session_id"] = texts["session_id"] or request.header(b"x-octanist-session-id")
    return {name: text[: formfields.LONGEST_TAG] for name, text in texts.items() if isinstance(text, str) and text}


def _once(event: Mapping[str, Any], body: bytes) -> Idempotency | None:
    """The connector sends a form again, up to twelve times, when it has seen no answer: the same bytes are one form."""
    if not isinstance(event.get("timestamp"), int | float):
        return None
    digest = hashlib.sha256(body).digest()
    return Idempotency(f"octanist form {digest.hex()}", digest, lambda _: (204, b""))


def _slow_down(throttle: Throttle, request: Request) -> None:
    if wait_s := throttle.wait_s(household(request.client)):
        seconds = math.ceil(wait_s)
        message = f"Too many forms from this address; try again in {seconds} s"
        raise refuse(Code.RATE_LIMITED, message, retryAfter=seconds)


async def _channel(core: Core, text: Any) -> Channel:
    """The channel with this public id, `OCT-` before it or not, or with the id that it had at Octanist.

    Raises Refused (`channel_not_found`, `forbidden`).
    """
    given = text.strip() if isinstance(text, str) else ""
    bare = given[len(PREFIX) :] if given.casefold().startswith(PREFIX) else given
    try:
        async with core.database.connection() as connection:
            return (await core.reader.public_channel(connection, FACE, bare if parse_id(bare) else given)).channel
    except Refused as error:
        raise refuse(error.refusal.code, _REFUSALS[error.refusal.code]) from None


def _creation(channel: Channel, form: Form, source: str, visit: Mapping[str, str]) -> CreateLead:
    """What is in the form itself wins over what is known of the visit."""
    attribution = {**visit, **form.attribution} | ({"custom": form.custom} if form.custom else {})
    return CreateLead(
        actor=visitor(channel.company_id, channel.id, FACE),
        channel_id=channel.id,
        lead_id=new_id(),
        fields=form.fields | {"source": source, "attribution": attribution},
    )
