"""Saved views: lists of leads under a name."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadrail.api import examples
from leadrail.api.leads.listing import checked_fields
from leadrail.api.leads.shapes import Sort
from leadrail.api.operation import Call, NoQuery, Operation
from leadrail.api.page import Page, Paging, id_at, page
from leadrail.api.writes import write
from leadrail.core.actor import Scope
from leadrail.core.errors import Code
from leadrail.core.leads.language import terms_of
from leadrail.core.leads.orders import sorting
from leadrail.core.views import store
from leadrail.core.views.commands import change_view, delete_view, save_view, visible_view
from leadrail.core.views.model import Eyes, View
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import parse_id

Name = Annotated[str, Meta(min_length=1, max_length=200)]
OneSort = Annotated[tuple[Sort, ...], Meta(max_length=1)]
Members = Annotated[tuple[str, ...], Meta(max_length=50)]


class ViewBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    filter: dict[str, Any] = {}
    sort: OneSort = ()
    fields: Members = ()
    shared: bool | None = None


class ViewPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    filter: dict[str, Any] | UnsetType = UNSET
    sort: OneSort | UnsetType = UNSET
    fields: Members | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


async def list_views(call: Call[None, Paging]) -> Response:
    limit, after = call.query.limit, id_at(call.query.cursor)
    async with call.core.database.connection() as connection:
        rows = await store.views(connection, Eyes.of(call.actor), after=after, limit=limit + 1)
    return json_response(200, page(rows, limit, lambda view: view.id, lambda view: view))


async def add_view(call: Call[ViewBody, NoQuery]) -> Response:
    given = msgspec.structs.asdict(call.body)
    shared = given.pop("shared")

    async def work(connection: Connection) -> Response:
        checked = await _checked(call, connection, given)
        return json_response(201, await save_view(connection, call.actor, checked, shared, call.core.clock()))

    return await write(call, work, of_user=True)


async def read_view(call: Call[None, NoQuery]) -> Response:
    async with call.core.database.connection() as connection:
        return json_response(200, await visible_view(connection, call.actor, parse_id(call.request.params["id"])))


async def edit_view(call: Call[ViewPatch, NoQuery]) -> Response:
    given = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not UNSET}

    async def work(connection: Connection) -> Response:
        view = await visible_view(connection, call.actor, parse_id(call.request.params["id"]), lock=True)
        checked = await _checked(call, connection, given)
        return json_response(200, await change_view(connection, call.actor, view, checked, call.core.clock()))

    return await write(call, work)


async def remove_view(call: Call[None, NoQuery]) -> Response:
    async def work(connection: Connection) -> Response:
        await delete_view(connection, call.actor, parse_id(call.request.params["id"]))
        return Response(204)

    return await write(call, work)


async def _checked(call: Call[Any, Any], connection: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, if a list can be made of it. Raises Refused as the list would."""
    setups = await call.core.reader.channels(connection, call.actor)
    terms_of(given.get("filter", {}), [setup.channel for setup in setups])
    for place, text in enumerate(given.get("sort", ())):
        sorting(text, f"/sort/{place}")
    checked = dict(given)
    if "fields" in given:
        checked["fields"] = checked_fields(given["fields"], "/fields")
    return checked


_ONE = "/v1/views/{id}"

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/views",
        summary="List saved views",
        description="Those that are shared, and those of the key's user.",
        tag="Leads",
        scope=Scope.READ,
        handler=list_views,
        query=Paging,
        answer=Page[View],
        answer_example={"data": [examples.VIEW], "next_cursor": None},
    ),
    Operation(
        method="POST",
        path="/v1/views",
        summary="Save a view",
        description="The user's own unless `shared`; one of a key that is no user's is always shared. The filter is"
        " that of `POST /v1/leads/search`, and is checked now and whenever it is used.",
        tag="Leads",
        scope=Scope.WRITE,
        handler=add_view,
        body=ViewBody,
        answer=View,
        status=201,
        request_example=examples.NEW_VIEW,
        answer_example=examples.VIEW,
        refusals=(Code.USER_REQUIRED,),
    ),
    Operation(
        method="GET",
        path=_ONE,
        summary="Read a saved view",
        tag="Leads",
        scope=Scope.READ,
        handler=read_view,
        answer=View,
        answer_example=examples.VIEW,
    ),
    Operation(
        method="PATCH",
        path=_ONE,
        summary="Change a saved view",
        description="A shared one by whoever may write; only the user who made it takes it back from the others.",
        tag="Leads",
        scope=Scope.WRITE,
        handler=edit_view,
        body=ViewPatch,
        answer=View,
        request_example={"name": "Large and open"},
        answer_example=examples.VIEW | {"name": "Large and open"},
        refusals=(Code.USER_REQUIRED,),
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        summary="Delete a saved view",
        tag="Leads",
        scope=Scope.WRITE,
        handler=remove_view,
        status=204,
    ),
)
