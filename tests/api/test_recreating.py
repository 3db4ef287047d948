"""Deleted, in again, restored; and in again when erased or merged: each has its answer."""

from typing import Any
from uuid import UUID

import pytest

from leadrail.core.channels.commands import NewStatus
from leadrail.core.channels.model import Category, Channel
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refused
from leadrail.core.identity import KeyKind
from leadrail.core.leads.commands import CreateLead
from leadrail.kit.ids import new_id
from tests.api.answers import good, refused
from tests.people import People, Person

JANE = "jane@example.com"
STATUSES = tuple(
    NewStatus(name=name, category=category)
    for name, category in (("New", Category.OPEN), ("Won", Category.WON), ("Trash", Category.DELETED))
)


async def come_in(person: Person, channel: Channel, email: str = JANE) -> UUID:
    """The id of the new lead. Raises Refused (`duplicate`) when the person is there."""
    actor = await person.core.doors.admit_key(person.key, "api")
    command = CreateLead(
        actor=actor, channel_id=channel.id, lead_id=new_id(), fields={"email": email}, unique_by=KeyKind.EMAIL
    )
    done = await person.core.engine.execute_one(command)
    assert isinstance(done, Done)
    return done.lead.id


async def there_already(person: Person, channel: Channel, email: str = JANE) -> str:
    with pytest.raises(Refused) as refusal:
        await come_in(person, channel, email)
    assert refusal.value.refusal.code is Code.DUPLICATE
    return str(refusal.value.refusal.details["lead_id"])


async def move(person: Person, lead_id: UUID, status: str) -> Any:
    return good(await person.http.put(f"/v1/leads/{lead_id}/status", json={"status": status}))


async def groups(person: Person, channel: Channel) -> list[set[str]]:
    found = good(await person.http.get("/v1/duplicates", params={"channel": str(channel.id)}))["data"]
    return [set(group["lead_ids"]) for group in found]


async def test_who_is_there_does_not_come_in_again(people: People) -> None:
    channel = await people.owner.channel(statuses=STATUSES)
    first = await come_in(people.owner, channel)

    assert await there_already(people.owner, channel) == str(first)


async def test_a_deleted_lead_keeps_nobody_out_and_is_restored_beside_the_new_one(people: People) -> None:
    channel = await people.owner.channel(statuses=STATUSES)
    first = await come_in(people.owner, channel)
    await move(people.owner, first, "Trash")

    second = await come_in(people.owner, channel)
    assert second != first
    assert await there_already(people.owner, channel) == str(second)
    assert await groups(people.owner, channel) == []
    restored = await move(people.owner, first, "New")

    assert (restored["id"], restored["email"]) == (str(first), JANE)
    assert await groups(people.owner, channel) == [{str(first), str(second)}]
    body = {"into": str(first), "leads": [str(second)]}
    good(await people.owner.http.post("/v1/leads/merge", json=body))
    assert await groups(people.owner, channel) == []
    assert await there_already(people.owner, channel) == str(first)


async def test_a_deleted_lead_goes_into_a_living_one_and_not_the_other_way(people: People) -> None:
    channel = await people.owner.channel(statuses=STATUSES)
    first = await come_in(people.owner, channel)
    await move(people.owner, first, "Trash")
    second = await come_in(people.owner, channel)

    back = await people.owner.http.post("/v1/leads/merge", json={"into": str(first), "leads": [str(second)]})
    merged = await people.owner.http.post("/v1/leads/merge", json={"into": str(second), "leads": [str(first)]})

    assert refused(back) == (409, "conflict", "/into")
    assert good(merged)["lead"]["status"]["name"] == "New"


async def test_who_was_erased_comes_in_as_somebody_new_and_is_not_restored(people: People) -> None:
    channel = await people.owner.channel(statuses=STATUSES)
    first = await come_in(people.owner, channel)
    good(await people.owner.http.delete(f"/v1/leads/{first}"))

    second = await come_in(people.owner, channel)
    restored = await people.owner.http.put(f"/v1/leads/{first}/status", json={"status": "Won"})

    assert second != first
    assert refused(restored)[:2] == (409, "conflict")
    assert await groups(people.owner, channel) == []


async def test_who_was_merged_is_there_by_every_address_that_was_theirs(people: People) -> None:
    channel = await people.owner.channel(statuses=STATUSES)
    stays, goes = await come_in(people.owner, channel), await come_in(people.owner, channel, "jane@example.org")
    merged = good(await people.owner.http.post("/v1/leads/merge", json={"into": str(stays), "leads": [str(goes)]}))

    assert await there_already(people.owner, channel, "jane@example.org") == str(stays)
    await move(people.owner, stays, "Trash")
    again = await come_in(people.owner, channel, "jane@example.org")
    good(await people.owner.http.post(f"/v1/leads/{stays}/merges/{merged['id']}/undo"))

    assert await groups(people.owner, channel) == [{str(goes), str(again)}]
