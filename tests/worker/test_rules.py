"""Leads that a rule moves when nobody touched them, over days of a movable clock."""

import asyncio
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from leadrail.core.actor import system
from leadrail.core.automation import move_due, place_leads, run_rules
from leadrail.core.channels import rules
from leadrail.core.channels.commands import NewStatus
from leadrail.core.channels.model import Category, Channel, Requirement, Rule, RuleCause, RuleState
from leadrail.core.channels.rules import NewRule
from leadrail.core.core import Core
from leadrail.core.leads.commands import UpdateLead
from leadrail.core.leads.model import Lead
from leadrail.db.database import Database
from tests.people import People, Person
from tests.worker.stage import FakeClock


async def rule(person: Person, channel: Channel) -> Rule:
    new = NewRule(name="Cold", cause=RuleCause.UNTOUCHED, from_status="New", to_status="Lost", after_days=3)
    async with person.core.database.transaction() as connection:
        id = await rules.add_rule(connection, channel, new)
    (made,) = (await person.channel_now(channel.id)).rules
    assert made.id == id
    return made


async def set_state(person: Person, channel: Channel, changed: Rule, state: RuleState) -> None:
    async with person.core.database.transaction() as connection:
        await rules.change_rule(connection, await person.channel_now(channel.id), replace(changed, state=state))


async def remove(person: Person, channel: Channel, gone: Rule) -> None:
    async with person.core.database.transaction() as connection:
        await rules.archive_rule(connection, channel, gone)


async def status_of(person: Person, channel: Channel, lead: Lead) -> str:
    (row,) = await person.rows("SELECT status_id FROM leads WHERE id = $1", lead.id)
    return channel.status_by_id[row["status_id"]].name


async def moves(person: Person) -> list[dict[str, Any]]:
    statement = "SELECT data FROM events WHERE company_id = $1 AND type = 'lead.status_changed' ORDER BY seq"
    return await person.rows(statement, person.company_id)


async def due(person: Person) -> int:
    return len(await person.rows("SELECT 1 FROM leads WHERE rule_due_at IS NOT NULL"))


async def test_a_lead_that_nobody_touches_is_moved_in_its_time(core: Core, people: People, clock: FakeClock) -> None:
    channel = await people.owner.channel()
    await rule(people.owner, channel)
    lead = await people.owner.lead(channel)

    clock.advance(days=2)
    await run_rules(core)
    assert await status_of(people.owner, channel, lead) == "New"

    clock.advance(days=1)
    await run_rules(core)
    assert await status_of(people.owner, channel, lead) == "Lost"


async def test_two_processes_move_it_once(core: Core, own_url: str, people: People, clock: FakeClock) -> None:
    channel = await people.owner.channel()
    await rule(people.owner, channel)
    for _ in range(20):
        await people.owner.lead(channel)
    clock.advance(days=3)
    other = Core(await Database.open(own_url), clock=clock)

    await asyncio.gather(move_due(core, 7), move_due(other, 7), run_rules(core), run_rules(other))
    await other.close()

    assert (len(await moves(people.owner)), await due(people.owner)) == (20, 0)


async def test_leads_that_were_there_before_the_rule_are_placed_in_chunks(
    core: Core, people: People, clock: FakeClock
) -> None:
    channel = await people.owner.channel()
    for _ in range(5):
        await people.owner.lead(channel)
    await rule(people.owner, channel)
    assert await due(people.owner) == 0

    await asyncio.gather(place_leads(core, 2), place_leads(core, 2))
    assert await due(people.owner) == 5
    placed = await people.owner.rows("SELECT placed_at FROM channel_rules")
    assert placed[0]["placed_at"] is not None


async def test_a_rule_that_is_paused_or_removed_lets_its_leads_be(core: Core, people: People, clock: FakeClock) -> None:
    channel = await people.owner.channel()
    made = await rule(people.owner, channel)
    lead = await people.owner.lead(channel)

    await set_state(people.owner, channel, made, RuleState.PAUSED)
    await place_leads(core)
    assert await due(people.owner) == 0

    await set_state(people.owner, channel, made, RuleState.ACTIVE)
    await place_leads(core)
    assert await due(people.owner) == 1

    await remove(people.owner, channel, made)
    clock.advance(days=9)
    await run_rules(core)
    assert (await due(people.owner), await status_of(people.owner, channel, lead)) == (0, "New")


async def test_a_removed_rule_moves_nothing_even_before_its_leads_are_placed_anew(
    core: Core, people: People, clock: FakeClock
) -> None:
    channel = await people.owner.channel()
    made = await rule(people.owner, channel)
    await people.owner.lead(channel)
    await remove(people.owner, channel, made)
    clock.advance(days=9)

    await move_due(core)
    assert (await due(people.owner), await moves(people.owner)) == (0, [])


async def test_a_lead_that_may_not_move_is_not_tried_again(core: Core, people: People, clock: FakeClock) -> None:
    lost = NewStatus(name="Lost", category=Category.LOST, requires=(Requirement.VALUE,))
    channel = await people.owner.channel(statuses=(NewStatus(name="New"), lost))
    await rule(people.owner, channel)
    lead = await people.owner.lead(channel)
    clock.advance(days=3)

    await run_rules(core)
    assert (await due(people.owner), await moves(people.owner)) == (0, [])

    by = system(people.owner.company_id, "test")
    await core.engine.execute([UpdateLead(actor=by, lead_id=lead.id, fields={"value": Decimal(5)})])
    clock.advance(days=3)
    await run_rules(core)
    assert await status_of(people.owner, channel, lead) == "Lost"
