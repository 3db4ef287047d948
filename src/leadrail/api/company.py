"""The company and its keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.channels import store as channels
from leadrail.core.companies import store
from leadrail.core.companies.commands import NewKey, create_key
from leadrail.core.companies.model import ApiKey, Company
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class CompanyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`country` is where a phone number without a country code belongs; `time_zone` is an IANA name."""

    name: Name | UnsetType = UNSET
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)] | None | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


class KeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`channel_ids` empty means every channel. `till` and `password` make a Basic login of it.

    `time_zone` (an IANA name) is where its user stands, null where the company does. `user_id` is whose key it is, null
    for a key of the company's own, as a website's form has one.
    """

    name: Name
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)] = (Scope.READ, Scope.WRITE)
    channel_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    default_channel: UUID | None = None
    till: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    password: Annotated[str, Meta(min_length=8, max_length=200)] | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    time_zone: str | None = None
    user_id: UUID | None = None


class MadeKey(ApiKey, frozen=True):
    """A new key, with the secret that is shown this once (null for a till, and when the call is repeated)."""

    api_key: str | None


async def read_company(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        return json_response(200, await store.company(connection, call.actor.company_id))


async def edit_company(call: Call[CompanyPatch, NoQuery]) -> Response:
    given = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not UNSET}
    if given.get("time_zone", "UTC") not in available_timezones():
        raise refuse(Code.INVALID, "time_zone is an IANA name such as Europe/Copenhagen", "/time_zone")
    if not given.get("name", "x").strip():
        raise refuse(Code.INVALID, "name must have 1 to 200 characters", "/name")

    async def work(connection: Connection) -> Response:
        before = await store.company(connection, call.actor.company_id)
        other = await store.company_named(connection, given.get("name", before.name))
        if other is not None and other.id != before.id:
            raise refuse(Code.CONFLICT, "Another company has this name", "/name")
        after = replace(before, **given)
        await store.update_company(connection, after)
        await channels.renew_all(connection, after.id)
        return json_response(200, after)

    return await write(call, work)


async def list_keys(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        rows = await store.keys(connection, call.actor.company_id, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda key: key.id, lambda key: key))


async def add_key(call: Call[KeyBody, NoQuery]) -> Response:
    wanted = NewKey(**msgspec.structs.asdict(call.body))
    named = {*wanted.channel_ids, *([wanted.default_channel] if wanted.default_channel else [])}

    async def work(connection: Connection) -> Response:
        usable = set(await channels.accessible(connection, call.actor.company_id)) if named else set()
        if not named <= usable:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_ids")
        key, token = await create_key(connection, call.actor.company_id, wanted, call.core.clock())
        return json_response(201, MadeKey(**msgspec.structs.asdict(key), api_key=token))

    return await write(call, work)


async def revoke_key(call: Call[None, NoQuery]) -> Response:
    key_id = parse_id(call.request.params["id"])

    async def work(connection: Connection) -> Response:
        if key_id is None or not await store.revoke_key(connection, call.actor.company_id, key_id):
            raise refuse(Code.NOT_FOUND, "There is no such key in force")
        return Response(204)

    response = await write(call, work)
    call.core.doors.forget()
    return response


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/company",
        summary="Read the company of the key",
        tag="Company",
        scope=Scope.READ,
        handler=read_company,
        answer=Company,
        answer_example=examples.COMPANY,
    ),
    Operation(
        method="PATCH",
        path="/v1/company",
        summary="Edit the company",
        tag="Company",
        scope=Scope.ADMIN,
        handler=edit_company,
        body=CompanyPatch,
        answer=Company,
        request_example={"country": "DK", "time_zone": "Europe/Copenhagen"},
        answer_example=examples.COMPANY,
    ),
    Operation(
        method="GET",
        path="/v1/keys",
        summary="List API keys",
        tag="Company",
        scope=Scope.ADMIN,
        handler=list_keys,
        query=Paging,
        answer=Page[ApiKey],
        answer_example={"data": [examples.KEY], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/keys",
        summary="Make an API key",
        description="The key itself is in this answer only.",
        tag="Company",
        scope=Scope.ADMIN,
        handler=add_key,
        body=KeyBody,
        answer=MadeKey,
        status=201,
        request_example=examples.NEW_KEY,
        answer_example=examples.KEY | {"api_key": "lr_…"},
    ),
    Operation(
        method="DELETE",
        path="/v1/keys/{id}",
        summary="Revoke an API key",
        description="At once in this process, within two seconds in others.",
        tag="Company",
        scope=Scope.ADMIN,
        handler=revoke_key,
        status=204,
    ),
)
