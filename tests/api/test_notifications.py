"""Notifications as a user sees them: what is read, what is muted, and what a key may see of them."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.disabling import disable_endpoint
from leadrail.core.notifications import store
from leadrail.core.reactions import NOTICES
from leadrail.core.webhooks.model import Why
from tests.api.answers import good, refused
from tests.people import NOBODYS, People, Person

PATH = "/v1/notifications"


class Eyes:
    """Notifications as one key shows and marks them; leads stand for the notices of their coming."""

    def __init__(self, person: Person, key: str) -> None:
        self._http, self._headers = person.http, {"X-API-Key": key}

    async def page(self, **query: Any) -> Any:
        return good(await self._http.get(PATH, params=query, headers=self._headers))

    async def all(self, **query: Any) -> list[Any]:
        rows, more = [], dict[str, str]()
        while True:
            page = await self.page(**query, **more)
            rows += page["data"]
            if page["next_cursor"] is None:
                return rows
            more = {"cursor": page["next_cursor"]}

    async def marks(self) -> list[bool | None]:
        """Whether each is read, oldest first."""
        return [row["read"] for row in await self.all(limit=200)][::-1]

    async def ids(self, **query: Any) -> list[str]:
        """Oldest first."""
        return [row["id"] for row in await self.all(limit=200, **query)][::-1]

    async def unread(self) -> Any:
        page = await self.page(limit=1)
        return page["unread"], page["unread_is_more"]

    async def send(self, body: Any, **headers: str) -> httpx.Response:
        return await self._http.post(f"{PATH}/read", json=body, headers=self._headers | headers)

    async def read(self, **body: Any) -> Any:
        counted = good(await self.send(body))
        return counted["unread"], counted["unread_is_more"]

    async def mute(self, *kinds: str) -> Any:
        body = {"muted": list(kinds)}
        return good(await self._http.put(f"{PATH}/settings", json=body, headers=self._headers))["muted"]

    async def muted(self) -> Any:
        return good(await self._http.get(f"{PATH}/settings", headers=self._headers))["muted"]


async def eyes_of(person: Person, *channels: Channel, user_id: UUID | None = None) -> Eyes:
    """Those of a further key of a user (the owner, if nobody is named), bound to these channels, if any."""
    ids = tuple(channel.id for channel in channels)
    return Eyes(person, await person.another_key(user_id=user_id or person.user_id, channel_ids=ids))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """One reading looks at so many notices only."""
    monkeypatch.setattr(store, "LOOKED_AT", 4)
    return 4


# Marks


async def test_notices_come_unread_and_are_marked_one_by_one_or_up_to_one_or_all(people: People) -> None:
    channel = await people.owner.channel()
    for _ in range(6):
        await people.owner.lead(channel)
    eyes = Eyes(people.owner, people.owner.key)
    first, second, third, _, fifth, _ = await eyes.ids()

    assert (await eyes.marks(), await eyes.unread()) == ([False] * 6, (6, False))
    assert await eyes.read(ids=[fifth, first]) == (4, False)
    assert await eyes.marks() == [True, False, False, False, True, False]
    assert await eyes.read(ids=[second, first, second]) == (3, False)
    assert await eyes.read(up_to=third) == (2, False)
    assert await eyes.marks() == [True, True, True, False, True, False]
    assert await eyes.read(up_to=first) == (2, False)
    assert await eyes.read(all=True) == (0, False)
    assert await eyes.marks() == [True] * 6
    await people.owner.lead(channel)
    assert (await eyes.marks(), await eyes.unread()) == ([True] * 6 + [False], (1, False))


async def test_the_unread_alone_are_listed_page_by_page(people: People) -> None:
    channel = await people.owner.channel()
    for _ in range(9):
        await people.owner.lead(channel)
    eyes = Eyes(people.owner, people.owner.key)
    ids = await eyes.ids()
    await eyes.read(up_to=ids[1])
    await eyes.read(ids=[ids[4], ids[5], ids[8]])

    pages = [row["id"] for row in await eyes.all(unread="true", limit=2)]

    assert pages == [ids[7], ids[6], ids[3], ids[2]]
    assert await eyes.ids(unread="false") == ids


async def test_each_user_has_marks_and_a_choice_of_their_own(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    sam = await eyes_of(owner, user_id=(await owner.user()).id)
    mine, my_other_key = Eyes(owner, owner.key), await eyes_of(owner)
    await owner.lead(channel)
    (id,) = await mine.ids()

    await mine.read(ids=[id])
    await mine.mute("lead.status_changed")

    assert (await mine.marks(), await my_other_key.marks(), await sam.marks()) == ([True], [True], [False])
    assert (await my_other_key.muted(), await sam.muted()) == (["lead.status_changed"], [])


async def test_a_new_user_has_nothing_to_catch_up_with(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await owner.lead(channel)

    sam = await eyes_of(owner, user_id=(await owner.user()).id)
    await owner.lead(channel)

    assert (await sam.marks(), await sam.unread()) == ([True, False], (1, False))


async def test_unread_are_counted_up_to_a_hundred(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    leads = [{"channel_id": str(channel.id), "email": f"{n}@example.com"} for n in range(101)]
    good(await owner.http.post("/v1/leads/batch", json={"leads": leads}))

    assert await eyes.unread() == (100, True)
    assert await eyes.read(ids=[(await eyes.ids())[50]]) == (100, False)
    assert await eyes.read(ids=[(await eyes.ids())[0]]) == (99, False)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (422, "invalid", None)),
        ({"all": False}, (422, "invalid", None)),
        ({"all": True, "up_to": NOBODYS}, (422, "invalid", None)),
        ({"ids": []}, (400, "malformed", "/ids")),
        ({"ids": [NOBODYS] * 201}, (400, "malformed", "/ids")),
        ({"ids": ["1"]}, (400, "malformed", "/ids/0")),
        ({"ids": None}, (400, "malformed", "/ids")),
        ({"up_to": NOBODYS}, (404, "not_found", "/up_to")),
        ({"unread": True}, (400, "malformed", "/unread")),
    ],
)
async def test_marks_that_cannot_be_are_refused(people: People, body: Any, answer: Any) -> None:
    assert refused(await Eyes(people.owner, people.owner.key).send(body)) == answer


async def test_of_what_one_may_not_see_nothing_is_marked(people: People) -> None:
    channel, elsewhere = await people.owner.channel(), await people.owner.channel()
    await people.owner.lead(channel)
    edited = await people.owner.lead(elsewhere)
    good(await people.owner.http.patch(f"/v1/leads/{edited.id}", json={"title": "CEO"}))
    history = good(await people.owner.http.get(f"/v1/leads/{edited.id}/events"))["data"]
    eyes, bound = Eyes(people.owner, people.owner.key), await eyes_of(people.owner, channel)
    seen, hidden = await eyes.ids()

    for who, id in ((bound, hidden), (Eyes(people.stranger, people.stranger.key), seen), (eyes, history[1]["id"])):
        assert refused(await who.send({"ids": [seen, id]}))[:2] == (404, "not_found")
        assert refused(await who.send({"up_to": id})) == (404, "not_found", "/up_to")
    assert history[1]["type"] == "lead.updated"
    assert await eyes.marks() == [False, False]


async def test_the_same_idempotency_key_marks_for_each_user(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    sam, mine = await eyes_of(owner, user_id=(await owner.user()).id), Eyes(owner, owner.key)
    await owner.lead(channel)

    first, again, other = [await who.send({"all": True}, **{"Idempotency-Key": "once"}) for who in (mine, mine, sam)]

    assert (good(first), again.headers["idempotent-replayed"]) == (good(again), "true")
    assert refused(other)[:2] == (422, "idempotency_mismatch")
    assert await sam.marks() == [False]


async def test_what_is_read_one_by_one_is_kept_in_as_many_stretches_as_there_are_gaps(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    for _ in range(8):
        lead = await owner.lead(channel)
        good(await owner.http.patch(f"/v1/leads/{lead.id}", json={"title": "CEO"}))  # an event that is no notice
    ids = await eyes.ids()

    await eyes.read(ids=ids[1:4])
    for id in (ids[6], ids[5]):
        await eyes.read(ids=[id])

    stretches = "SELECT unnest(seqs)::text AS seqs FROM notice_reads WHERE company_id = $1"
    assert [row["seqs"] for row in await owner.rows(stretches, owner.company_id)] == ["[2,8)", "[10,14)"]
    await eyes.read(up_to=ids[5])
    assert [row["seqs"] for row in await owner.rows(stretches, owner.company_id)] == ["[12,14)"]
    await eyes.read(up_to=ids[7])
    assert await owner.count("notice_reads") == 0


# Muted kinds


async def test_what_is_muted_is_neither_shown_nor_counted_and_comes_back(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    for _ in range(3):
        lead = await owner.lead(channel)
        good(await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))

    assert await eyes.mute("lead.status_changed", "lead.created", "lead.created") == [
        "lead.created",
        "lead.status_changed",
    ]
    assert (await eyes.all(), await eyes.unread()) == ([], (0, False))
    assert await eyes.mute("lead.created") == ["lead.created"] == await eyes.muted()
    shown = await eyes.all(unread="true", limit=1)
    assert [row["event"]["type"] for row in shown] == ["lead.status_changed"] * 3
    assert await eyes.unread() == (3, False)
    await eyes.read(ids=[shown[0]["id"], shown[1]["id"]])
    assert await eyes.mute() == []
    # What was muted before a notice that was read went with it.
    assert await eyes.marks() == [False, False, True, True, True, True]


@pytest.mark.parametrize("kind", ["lead.updated", "lead", "LEAD.CREATED", ""])
async def test_a_kind_that_is_no_notice_is_refused_with_those_that_are(people: People, kind: str) -> None:
    body = {"muted": ["lead.created", kind]}

    answer = await people.owner.http.put(f"{PATH}/settings", json=body)

    assert refused(answer) == (422, "invalid", "/muted/1")
    assert answer.json()["details"]["kinds"] == [str(kind) for kind in NOTICES]
    assert await Eyes(people.owner, people.owner.key).muted() == []


async def test_a_rare_kind_is_found_behind_many_muted_ones_in_bounded_steps(people: People, few: int) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    old = await owner.lead(channel)
    good(await owner.http.put(f"/v1/leads/{old.id}/status", json={"status": "Won"}))
    for _ in range(2 * few):
        await owner.lead(channel)
    await eyes.mute("lead.created")

    first = await eyes.page()

    assert (first["data"], first["unread"], first["unread_is_more"]) == ([], 0, True)
    assert first["next_cursor"] is not None
    for query in ({}, {"unread": "true"}):
        assert [row["event"]["lead_id"] for row in await eyes.all(**query)] == [str(old.id)]


async def test_unread_ones_are_found_however_much_was_read_after_them(people: People, few: int) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    for _ in range(3 * few):
        await owner.lead(channel)
    ids = await eyes.ids()

    await eyes.read(ids=ids[1:])

    page = await eyes.page(unread="true")
    assert ([row["id"] for row in page["data"]], page["next_cursor"]) == ([ids[0]], None)
    assert (page["unread"], page["unread_is_more"]) == (1, False)


async def test_more_gaps_than_are_looked_at_are_gone_through_page_by_page(people: People, few: int) -> None:
    owner, channel = people.owner, await people.owner.channel()
    eyes = Eyes(owner, owner.key)
    for _ in range(6 * few):
        await owner.lead(channel)
    ids = await eyes.ids()
    await eyes.read(ids=ids[1::2])

    assert await eyes.ids(unread="true") == ids[::2]
    # The uppermost gap is the one in which nothing is yet.
    assert await eyes.unread() == (few - 1, True)


# Keys that are bound to channels, or no user's


async def test_a_bound_key_sees_and_marks_its_channels_alone(people: People) -> None:
    owner = people.owner
    one, other, third = [await owner.channel() for _ in range(3)]
    whole, bound, both = Eyes(owner, owner.key), await eyes_of(owner, one), await eyes_of(owner, one, other)
    for channel in (one, other, one, other, third):
        await owner.lead(channel)

    ids = await whole.ids()
    assert await bound.ids() == [ids[0], ids[2]]
    assert (await bound.unread(), await both.unread()) == ((2, False), (4, False))
    assert await bound.read(up_to=ids[0]) == (1, False)
    assert await bound.read(all=True) == (0, False)
    assert await whole.marks() == [True, False, True, False, False]
    assert await whole.ids(unread="true") == [ids[1], ids[3], ids[4]]
    assert (await both.marks(), await both.unread()) == ([True, False, True, False], (2, False))
    assert await whole.unread() == (3, False)
    assert await both.read(all=True) == (0, False)
    assert await both.ids(unread="true") == []
    assert await whole.ids(unread="true") == [ids[4]]
    await owner.lead(one)
    assert (await bound.unread(), await both.unread(), await whole.unread()) == ((1, False), (1, False), (2, False))


async def test_a_bound_key_finds_its_unread_ones_behind_what_it_has_read(people: People, few: int) -> None:
    owner, one, other = people.owner, await people.owner.channel(), await people.owner.channel()
    bound = await eyes_of(owner, one)
    for _ in range(2 * few):
        await owner.lead(other)
        await owner.lead(one)

    await bound.read(all=True)

    page = await bound.page(unread="true")
    assert (page["data"], page["next_cursor"], page["unread"], page["unread_is_more"]) == ([], None, 0, False)
    assert len(await bound.all()) == 2 * few


async def test_a_key_of_no_user_sees_the_teams_list_and_marks_nothing(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    await owner.lead(channel)
    await Eyes(owner, owner.key).mute("lead.created")
    team = Eyes(owner, await owner.another_key())

    page = await team.page()

    assert [(row["event"]["type"], row["read"]) for row in page["data"]] == [("lead.created", None)]
    assert (page["unread"], page["unread_is_more"]) == (None, False)
    headers = {"X-API-Key": await owner.another_key()}
    assert refused(await team.send({"all": True})) == (422, "user_required", None)
    unread = await owner.http.get(PATH, params={"unread": "true"}, headers=headers)
    assert refused(unread) == (422, "user_required", "?unread")
    for method, body in (("GET", None), ("PUT", {"muted": []})):
        answer = await owner.http.request(method, f"{PATH}/settings", json=body, headers=headers)
        assert refused(answer) == (422, "user_required", None)


async def test_marking_takes_the_scope_write(people: People) -> None:
    key = await people.owner.another_key(scopes=(Scope.READ,), user_id=people.owner.user_id)

    assert refused(await Eyes(people.owner, key).send({"all": True})) == (403, "forbidden", None)


async def test_notices_are_those_of_the_company_whose_channel_it_is(people: People) -> None:
    lead = await people.partner.lead(await people.shared_channel())
    owner, partner = [Eyes(person, person.key) for person in (people.owner, people.partner)]

    assert [row["event"]["lead_id"] for row in await owner.all()] == [str(lead.id)]
    assert (await partner.all(), await partner.read(all=True)) == ([], (0, False))
    assert await owner.marks() == [False]


async def test_what_concerns_no_channel_is_for_keys_that_are_bound_to_none(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    endpoint, now = await owner.endpoint("https://example.com/hook"), owner.core.clock()
    async with owner.core.database.transaction() as connection:
        await disable_endpoint(connection, owner.company_id, endpoint.id, Why.GONE, now, now)
    eyes, bound = Eyes(owner, owner.key), await eyes_of(owner, channel)

    (row,) = await eyes.all(unread="true")

    assert (row["event"]["type"], row["event"]["channel_id"], row["read"]) == ("endpoint.disabled", None, False)
    assert (await bound.all(), await bound.read(all=True)) == ([], (0, False))
    assert await eyes.marks() == [False]
    assert await eyes.read(ids=[row["id"]]) == (0, False)
    assert await eyes.marks() == [True]


# What it costs others


async def test_a_change_of_a_lead_writes_nothing_for_its_readers(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    lead = await owner.lead(channel)
    await Eyes(owner, owner.key).read(all=True)
    before = await owner.digests()

    good(await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"}))

    after = await owner.digests()
    assert {table for table in after if after[table] != before[table]} == {"leads", "events", "event_counters"}
