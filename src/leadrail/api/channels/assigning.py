"""Who gets a channel's new leads."""

from typing import Annotated

import msgspec
from msgspec import Meta

from leadrail.api.channels.finding import change, setup_of
from leadrail.api.leads.shapes import Moment
from leadrail.api.operation import Call, NoQuery
from leadrail.core.channels import assignment, assignment_store, store
from leadrail.core.channels.assignment import Absence, Assignee, Assignment, Plan, SourceRule
from leadrail.core.channels.model import Channel
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection
from leadrail.kit.http import Response, json_response


class GivenAbsence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    assignee: str
    start: Moment
    end: Moment


class AssignmentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole plan; what is left out is empty. Nobody named: leads are nobody's unless they say so."""

    assignees: Annotated[tuple[Assignee, ...], Meta(max_length=assignment.MOST_ASSIGNEES)] = ()
    rules: Annotated[tuple[SourceRule, ...], Meta(max_length=assignment.MOST_RULES)] = ()
    absences: Annotated[tuple[GivenAbsence, ...], Meta(max_length=assignment.MOST_ABSENCES)] = ()


class ShownAssignment(msgspec.Struct, frozen=True):
    """The plan, and which of those that it names get no leads because they are users who are disabled."""

    assignees: tuple[Assignee, ...]
    rules: tuple[SourceRule, ...]
    absences: tuple[Absence, ...]
    inactive: list[str]


async def read_assignment(call: Call[None, NoQuery]) -> Response:
    channel = (await setup_of(call)).channel
    if channel.company_id != call.actor.company_id:
        raise refuse(Code.FORBIDDEN, "Only the company that owns the channel sees who gets its leads")
    return json_response(200, _shown(channel))


async def put_assignment(call: Call[AssignmentBody, NoQuery]) -> Response:
    body = call.body
    absences = tuple(Absence(one.assignee, one.start, one.end) for one in body.absences)
    plan = assignment.checked(Plan(assignees=body.assignees, rules=body.rules, absences=absences))

    async def work(connection: Connection, channel: Channel) -> None:
        await assignment_store.put(connection, channel.company_id, channel.id, plan)
        await store.renew(connection, channel.company_id, channel.id)

    return await change(call, 200, work, lambda setup, _: _shown(setup.channel))


def _shown(channel: Channel) -> ShownAssignment:
    plan = channel.assignment or Assignment()
    pools = (plan.assignees, *(rule.assignees for rule in plan.rules))
    named = dict.fromkeys(one.assignee for pool in pools for one in pool)
    inactive = [name for name in named if plan.is_inactive(name)]
    return ShownAssignment(plan.assignees, plan.rules, plan.absences, inactive)
