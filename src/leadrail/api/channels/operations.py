"""The rows of the channel operations."""

from typing import Any

from leadrail.api import examples
from leadrail.api.channels import channel, parts
from leadrail.api.channels.shapes import (
    ChannelBody,
    ChannelPatch,
    ChannelQuery,
    MemberBody,
    MoveQuery,
    PropertyBody,
    PropertyPatch,
    RoleQuery,
    ShownChannel,
    ShownProperty,
    ShownStatus,
    StatusBody,
    StatusPatch,
    TriggerBody,
    TriggerPatch,
)
from leadrail.api.operation import Operation
from leadrail.api.page import Page
from leadrail.core.actor import Scope
from leadrail.core.channels.model import (
    Member,
)
from leadrail.core.rewards.model import Trigger


def _row(method: str, path: str, summary: str, handler: Any, **rest: Any) -> Operation:
    scope = Scope.READ if method == "GET" else Scope.ADMIN
    return Operation(method=method, path=path, summary=summary, tag="Channels", scope=scope, handler=handler, **rest)


def _many(example: Any) -> dict[str, Any]:
    return {"data": [example], "next_cursor": None}


_ONE = "/v1/channels/{id}"

OPERATIONS = (
    _row(
        "GET",
        "/v1/channels",
        "List channels, oldest first",
        channel.listed,
        query=ChannelQuery,
        answer=Page[ShownChannel],
        answer_example=_many(examples.CHANNEL),
    ),
    _row(
        "POST",
        "/v1/channels",
        "Create a channel",
        channel.create,
        body=ChannelBody,
        answer=ShownChannel,
        status=201,
        request_example=examples.NEW_CHANNEL,
        answer_example=examples.CHANNEL,
    ),
    _row("GET", _ONE, "Read a channel", channel.read, answer=ShownChannel, answer_example=examples.CHANNEL),
    _row(
        "PATCH",
        _ONE,
        "Edit a channel",
        channel.edit,
        body=ChannelPatch,
        answer=ShownChannel,
        request_example={"title": "Website and ads"},
        answer_example=examples.CHANNEL | {"title": "Website and ads"},
    ),
    _row(
        "POST",
        f"{_ONE}/archive",
        "Archive a channel",
        channel.archive,
        description="It takes no new leads; those that it has may still be read and moved.",
        answer=ShownChannel,
        answer_example=examples.CHANNEL | {"archived_at": examples.LATER},
    ),
    _row(
        "POST",
        f"{_ONE}/pause",
        "Pause a channel",
        channel.pause,
        description="A mark and an event: whoever works on its leads is to stop. They may still come in and move.",
        answer=ShownChannel,
        answer_example=examples.CHANNEL | {"paused_at": examples.LATER},
    ),
    _row(
        "POST",
        f"{_ONE}/resume",
        "Let a paused channel go on",
        channel.resume,
        answer=ShownChannel,
        answer_example=examples.CHANNEL,
    ),
    _row(
        "GET",
        f"{_ONE}/statuses",
        "List a channel's statuses",
        parts.list_statuses,
        answer=Page[ShownStatus],
        answer_example=_many(examples.STATUS),
    ),
    _row(
        "POST",
        f"{_ONE}/statuses",
        "Add a status",
        parts.add_status,
        body=StatusBody,
        answer=ShownStatus,
        status=201,
        request_example=examples.NEW_STATUS,
        answer_example=examples.STATUS | examples.NEW_STATUS,
    ),
    _row(
        "PATCH",
        f"{_ONE}/statuses/{{item}}",
        "Edit a status",
        parts.edit_status,
        description="The id stays, so callers that hold it are not broken by a new name.",
        body=StatusPatch,
        answer=ShownStatus,
        request_example={"name": "Offer sent", "requires": ["value"]},
        answer_example=examples.STATUS | {"name": "Offer sent", "requires": ["value"]},
    ),
    _row(
        "DELETE",
        f"{_ONE}/statuses/{{item}}",
        "Remove a status",
        parts.delete_status,
        description="A status in use is refused (`in_use`) unless `move_to` says where its leads go; each of them"
        " is moved like any other lead, so a rule may refuse one when others have moved; the call may be repeated.",
        query=MoveQuery,
        status=204,
    ),
    _row(
        "GET",
        f"{_ONE}/properties",
        "List a channel's property definitions",
        parts.list_properties,
        answer=Page[ShownProperty],
        answer_example=_many(examples.PROPERTY),
    ),
    _row(
        "POST",
        f"{_ONE}/properties",
        "Define a property",
        parts.add_property,
        body=PropertyBody,
        answer=ShownProperty,
        status=201,
        request_example=examples.NEW_PROPERTY,
        answer_example=examples.PROPERTY | examples.NEW_PROPERTY,
    ),
    _row(
        "PATCH",
        f"{_ONE}/properties/{{item}}",
        "Edit a property definition",
        parts.edit_property,
        body=PropertyPatch,
        answer=ShownProperty,
        request_example={"name": "Deal volume"},
        answer_example=examples.PROPERTY | {"name": "Deal volume"},
    ),
    _row("DELETE", f"{_ONE}/properties/{{item}}", "Remove a property definition", parts.delete_property, status=204),
    _row(
        "GET",
        f"{_ONE}/members",
        "List a channel's members",
        parts.list_members,
        answer=Page[Member],
        answer_example=_many({"company_id": examples.PARTNER_ID, "role": "referring"}),
    ),
    _row(
        "POST",
        f"{_ONE}/members",
        "Share the channel with a company",
        parts.add_member,
        body=MemberBody,
        answer=Member,
        status=201,
        request_example={"company_id": examples.PARTNER_ID, "role": "referring"},
        answer_example={"company_id": examples.PARTNER_ID, "role": "referring"},
    ),
    _row(
        "DELETE",
        f"{_ONE}/members/{{item}}",
        "End a company's role in the channel",
        parts.delete_member,
        query=RoleQuery,
        status=204,
    ),
    _row(
        "GET",
        f"{_ONE}/reward-triggers",
        "List a channel's reward triggers",
        parts.list_triggers,
        answer=Page[Trigger],
        answer_example=_many(examples.TRIGGER),
    ),
    _row(
        "POST",
        f"{_ONE}/reward-triggers",
        "Add a reward trigger",
        parts.add_trigger,
        body=TriggerBody,
        answer=Trigger,
        status=201,
        request_example=examples.NEW_TRIGGER,
        answer_example=examples.TRIGGER,
    ),
    _row(
        "PATCH",
        f"{_ONE}/reward-triggers/{{item}}",
        "Edit, pause or resume a reward trigger",
        parts.edit_trigger,
        description="The rewards that it has made stay as they are.",
        body=TriggerPatch,
        answer=Trigger,
        request_example={"state": "paused"},
        answer_example=examples.TRIGGER | {"state": "paused"},
    ),
    _row("DELETE", f"{_ONE}/reward-triggers/{{item}}", "Remove a reward trigger", parts.delete_trigger, status=204),
)
