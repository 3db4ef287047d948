"""The users of the company."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api import examples
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.channels import store as channels
from leadrail.core.companies import store
from leadrail.core.companies.commands import create_user, edit_user
from leadrail.core.companies.model import User, UserRole, UserState
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class UserBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=320)]
    role: UserRole
    name: Name | None = None


class UserPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    role: UserRole | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET
    state: UserState | UnsetType = UNSET


async def list_users(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        rows = await store.users(connection, call.actor.company_id, after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda user: user.id, lambda user: user))


async def add_user(call: Call[UserBody, NoQuery]) -> Response:
    body = call.body

    async def work(connection: Connection) -> Response:
        company_id, now = call.actor.company_id, call.core.clock()
        return json_response(201, await create_user(connection, company_id, body.email, body.role, body.name, now))

    return await write(call, work)


async def read_user(call: Call[None, NoQuery]) -> Response:
    user_id = parse_id(call.request.params["id"])
    async with call.core.database.connection() as connection:
        user = await store.user(connection, call.actor.company_id, user_id) if user_id else None
    if user is None:
        raise refuse(Code.NOT_FOUND, "User not found")
    return json_response(200, user)


async def change_user(call: Call[UserPatch, NoQuery]) -> Response:
    user_id = parse_id(call.request.params["id"])
    given = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not UNSET}

    async def work(connection: Connection) -> Response:
        if user_id is None:
            raise refuse(Code.NOT_FOUND, "User not found")
        user = await edit_user(connection, call.actor.company_id, user_id, given)
        if "state" in given:
            await channels.renew_all(connection, call.actor.company_id)  # who gets leads depends on it
        return json_response(200, user)

    response = await write(call, work)
    call.core.doors.forget()
    return response


_ONE = "/v1/users/{id}"

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/users",
        summary="List users",
        tag="Company",
        scope=Scope.ADMIN,
        handler=list_users,
        query=Paging,
        answer=Page[User],
        answer_example={"data": [examples.USER], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/users",
        summary="Add a user",
        description="What there are of notices by now counts as read.",
        tag="Company",
        scope=Scope.ADMIN,
        handler=add_user,
        body=UserBody,
        answer=User,
        status=201,
        request_example=examples.NEW_USER,
        answer_example=examples.USER,
    ),
    Operation(
        method="GET",
        path=_ONE,
        summary="Read a user",
        tag="Company",
        scope=Scope.ADMIN,
        handler=read_user,
        answer=User,
        answer_example=examples.USER,
    ),
    Operation(
        method="PATCH",
        path=_ONE,
        summary="Edit a user",
        description="A disabled user's keys are refused: at once in this process, within two seconds in others. They"
        " are given no new leads. The last active owner stays one.",
        tag="Company",
        scope=Scope.ADMIN,
        handler=change_user,
        body=UserPatch,
        answer=User,
        request_example={"role": "admin"},
        answer_example=examples.USER | {"role": "admin"},
    ),
)
