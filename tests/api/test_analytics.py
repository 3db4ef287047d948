"""What is counted over the API: it agrees with the lists, with itself, and says what it cannot say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel, StatusRef
from leadrail.core.leads.commands import CreateLead, Origin, Step
from leadrail.core.leads.model import Lead
from leadrail.kit.ids import new_id
from leadrail.worker.counting import count
from tests.api.answers import all_pages, good, refused
from tests.people import NOBODYS, People, Person

NOW = datetime.now(UTC)


@pytest.fixture
async def channel(people: People) -> Channel:
    return await people.shared_channel(currency="EUR")


async def read(person: Person, what: str, **query: Any) -> Any:
    answer = good(await person.http.get(f"/v1/analytics/{what}", params=query))
    assert answer["exact"]
    return answer


async def brought(person: Person, channel: Channel, *steps: tuple[str, timedelta], **fields: Any) -> Lead:
    """A lead with a history: each status, and how long ago it came to it."""
    taken = tuple(Step(status=StatusRef(name=name), at=NOW - ago) for name, ago in steps)
    return await made(person, channel, steps=taken, at=taken[0].at, origin=Origin.IMPORT, fields=fields)


async def made(person: Person, channel: Channel, **wanted: Any) -> Lead:
    actor = await person.core.doors.admit_key(person.key, "api")
    done = await person.core.engine.execute_one(
        CreateLead(actor=actor, channel_id=channel.id, lead_id=new_id(), **wanted)
    )
    lead: Lead = done.lead  # type: ignore[union-attr]  # no idempotency key, so no kept answer
    return lead


async def move(person: Person, lead: Lead, **change: Any) -> None:
    good(await person.http.put(f"/v1/leads/{lead.id}/status", json=change))


def by_name(rows: list[Any], *members: str) -> dict[str, Any]:
    """The members of each row of a status, by the status's name; one that has only zeros is left out."""
    found = {row["status"]["name"]: tuple(row[member] for member in members) for row in rows}
    return {name: values[0] if len(values) == 1 else values for name, values in found.items() if any(values)}


DAY = timedelta(days=1)


# Agreement


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("source", [None, "ads", "nobody's"])
async def test_board_funnel_and_lists_agree_for_the_same_filter(
    people: People, channel: Channel, source: str | None, is_folded: bool
) -> None:
    owner = people.owner
    for n in range(12):
        steps = [("New", 70 * DAY), ("Won", DAY), ("New", DAY / 2)][: 1 + n % 3]
        await brought(owner, channel, *steps[:1], *steps[1:], source=("ads", "fair", None)[n % 3], value=Decimal(n))
    other = await owner.channel()
    await owner.lead(other, source="ads")
    if is_folded:
        await count(owner.core)
    month = (NOW - 75 * DAY).date().replace(day=1).isoformat()
    given = {"source": source} if source else {}

    board = await read(owner, "board", channel=channel.id, since=month, **given)
    funnel = await read(owner, "funnel", channel=channel.id, since=month, **given)
    listed = await all_pages(
        owner.http, "/v1/leads", channel=str(channel.id), created_from=f"{month}T00:00:00Z", limit=5, **given
    )

    names = [lead["status"]["name"] for lead in listed]
    told = {name: names.count(name) for name in set(names)}
    assert by_name(board["data"], "leads") == by_name(funnel["data"], "standing") == told
    assert board["leads"] == funnel["leads"] == len(listed)
    worth = sum(Decimal(row["value"]) for column in board["data"] for row in column["values"])
    assert worth == sum(Decimal(lead["value"]) for lead in listed)


async def test_a_change_is_counted_by_the_very_next_answer(people: People, channel: Channel) -> None:
    lead = await people.owner.lead(channel, value=Decimal("99.5"))
    await count(people.owner.core)

    for turn in range(3):
        await move(people.owner, lead, status=("Won", "Lost", "New")[turn])
        board = await read(people.owner, "board", channel=channel.id)
        assert by_name(board["data"], "leads") == {("Won", "Lost", "New")[turn]: 1}
        assert [row["values"] for row in board["data"] if row["leads"]] == [[{"currency": "EUR", "value": "99.5"}]]


# The funnel and the moves


async def test_the_funnel_follows_leads_whatever_they_passed_in_between(people: People, channel: Channel) -> None:
    owner = people.owner
    await brought(owner, channel, ("New", 9 * DAY), ("Qualified", 5 * DAY), ("Won", DAY))
    await brought(owner, channel, ("New", 9 * DAY), ("Won", DAY))
    await brought(owner, channel, ("New", 9 * DAY), ("Qualified", 5 * DAY), ("New", DAY))
    await brought(owner, channel, ("New", 9 * DAY))
    await brought(owner, channel, ("New", 400 * DAY), ("Won", DAY))  # of another time

    funnel = await read(owner, "funnel", channel=channel.id, since=(NOW - 20 * DAY).date())
    moves = await read(owner, "moves", channel=channel.id, since=(NOW - 2 * DAY).date())

    names = {str(status.id): status.name for status in channel.statuses}
    assert by_name(funnel["data"], "reached", "standing") == {"New": (4, 2), "Qualified": (2, 0), "Won": (2, 2)}
    rates = {(names[row["from_id"]], names[row["to_id"]]): (row["leads"], row["rate"]) for row in funnel["conversions"]}
    assert rates == {("New", "Qualified"): (2, 0.5), ("New", "Won"): (2, 0.5), ("Qualified", "Won"): (1, 0.5)}
    assert by_name(moves["data"], "entered", "left") == {"New": (1, 2), "Qualified": (0, 2), "Won": (3, 0)}
    ways = {(names[row["from_id"]], names[row["to_id"]]): (row["moves"], row["rate"]) for row in moves["ways"]}
    assert ways == {("New", "Won"): (2, 1.0), ("Qualified", "New"): (1, 0.5), ("Qualified", "Won"): (1, 0.5)}


async def test_new_leads_come_from_nowhere(people: People, channel: Channel) -> None:
    await people.owner.lead(channel)

    (way,) = (await read(people.owner, "moves", channel=channel.id))["ways"]

    assert (way["from_id"], way["moves"], way["rate"]) == (None, 1, None)


# Told apart


async def test_leads_count_by_what_they_have_now(people: People, channel: Channel) -> None:
    owner, names = people.owner, dict[str, Any]()
    leads = [await owner.lead(channel, source="ads", value=Decimal(10)) for _ in range(3)]
    await owner.lead(channel)
    await move(owner, leads[0], status="Won")
    await count(owner.core)
    good(await owner.http.patch(f"/v1/leads/{leads[0].id}", json={"source": "fair"}))
    good(await owner.http.delete(f"/v1/leads/{leads[1].id}"))

    for row in (await read(owner, "sources", channel=channel.id))["data"]:
        names[row["name"]] = (row["leads"], row["standing"]["won"], row["rate"], row["values"])

    worth = [{"currency": "EUR", "value": "10"}]
    assert names == {None: (2, 0, 0.0, []), "ads": (1, 0, 0.0, []), "fair": (1, 1, 1.0, worth)}


async def test_campaigns_assignees_and_partners_are_told_apart(people: People, channel: Channel) -> None:
    owner, partner = people.owner, people.partner
    await owner.lead(channel, assignee="sam", attribution={"utm_campaign": "spring"})
    theirs = await partner.lead(channel, assignee="kim", attribution={"utm_campaign": "x" * 300})
    await count(owner.core)
    await partner.lead(channel, assignee="kim")
    await move(owner, theirs, status="Won")  # who brought it is told by its creation alone, which is counted by now

    told = {
        by: {row["name"]: row["leads"] for row in (await read(owner, "sources", by=by))["data"]}
        for by in ("assignee", "campaign", "partner")
    }

    assert told["assignee"] == {"sam": 1, "kim": 2}
    assert told["campaign"] == {"spring": 1, "x" * 200: 1, None: 1}
    assert told["partner"] == {str(partner.company_id): 2, None: 1}
    mine = await read(owner, "board", partner=str(partner.company_id))
    assert (mine["leads"], theirs.company_id) == (2, owner.company_id)


# Won, stays, ages


async def test_what_was_won_counts_by_when_and_only_while_it_is(people: People, channel: Channel) -> None:
    owner = people.owner
    first, second = [await owner.lead(channel, value=Decimal(value)) for value in (100, 50)]
    for lead in (first, second):
        await move(owner, lead, status="Won")
    await move(owner, second, status="Lost")
    await owner.http.patch(f"/v1/leads/{first.id}", json={"value": "120"})

    for interval, day in (("day", NOW.date()), ("month", NOW.date().replace(day=1))):
        (row,) = (await read(owner, "won", interval=interval))["data"]
        assert (row["leads"], row["values"]) == (1, [{"currency": "EUR", "value": "120"}])
        assert row["day"] in (day.isoformat(), (day + DAY).isoformat())  # the test may run over midnight


async def test_stays_are_within_five_percent_of_the_truth(people: People, channel: Channel) -> None:
    lengths = [5, 61, 3_600, 40_000, 86_399, 200_000, 700_000, 1_000_000, 5_000_000, 20_000_000]
    for seconds in lengths:
        await brought(people.owner, channel, ("New", timedelta(seconds=seconds) + DAY), ("Lost", DAY))

    rows = (await read(people.owner, "velocity", channel=channel.id))["data"]

    stays = {row["status"]["name"]: row for row in rows}
    assert stays["New"]["stays"] == 10
    assert stays["New"]["median_s"] == pytest.approx(86_399, rel=0.05)
    assert stays["New"]["p90_s"] == pytest.approx(5_000_000, rel=0.05)
    assert (stays["Lost"]["stays"], stays["Lost"]["median_s"]) == (0, None)


async def test_open_leads_by_how_long_they_have_stood(people: People, channel: Channel) -> None:
    for days in (0, 1, 2, 5, 29, 31, 89, 90, 400):
        await brought(people.owner, channel, ("New", days * DAY))
    await brought(people.owner, channel, ("New", 9 * DAY), ("Lost", 3 * DAY))

    rows = (await read(people.owner, "ageing", channel=channel.id))["data"]

    (new,) = [row for row in rows if row["leads"]]
    assert (new["status"]["name"], new["leads"]) == ("New", 9)
    if datetime.now(UTC).date() == NOW.date():
        assert [age["leads"] for age in new["ages"]] == [1, 2, 1, 0, 1, 2, 2]
        assert [age["from_days"] for age in new["ages"]] == [0, 1, 3, 7, 14, 30, 90]


# Who sees what


async def test_a_key_counts_in_its_channels_only(people: People, channel: Channel) -> None:
    private = await people.owner.channel()
    await people.owner.lead(channel, source="shared")
    await people.owner.lead(private, source="private")
    await count(people.owner.core)
    bound = await people.owner.another_key(scopes=(Scope.READ,), channel_ids=(private.id,))

    async def seen(person: Person, **headers: str) -> set[str]:
        answer = await person.http.get("/v1/analytics/sources", headers={"X-API-Key": person.key} | headers)
        return {row["name"] for row in good(answer)["data"]}

    assert await seen(people.owner) == {"shared", "private"}
    assert await seen(people.owner, **{"X-API-Key": bound}) == {"private"}
    assert await seen(people.partner) == {"shared"}
    assert await seen(people.stranger) == set()
    strange = await people.stranger.http.get("/v1/analytics/board", params={"channel": str(channel.id)})
    assert refused(strange)[:2] == (404, "channel_not_found")


@pytest.mark.parametrize(
    ("what", "query", "field"),
    [
        ("board", {"source": "a", "assignee": "b"}, "?assignee"),
        ("board", {"since": "2026-02-01", "until": "2026-02-01"}, "?until"),
        ("board", {"since": "0001-01-01"}, "?since"),
        ("funnel", {"until": "9999-12-31"}, "?until"),
        ("funnel", {"source": "a", "since": "2026-02-02"}, "?since"),
        ("sources", {"until": "2026-02-02"}, "?until"),
        ("won", {"campaign": "a", "interval": "week"}, "?interval"),
    ],
)
async def test_what_is_not_counted_is_refused(people: People, what: str, query: dict[str, str], field: str) -> None:
    answer = await people.owner.http.get(f"/v1/analytics/{what}", params=query)

    assert refused(answer) == (422, "invalid", field)


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"since": "2026-13-01"}, {"by": "colour"}, {"partner": "x"}])
async def test_what_cannot_be_read_is_refused(people: People, query: dict[str, str]) -> None:
    for what in ("sources", "board"):
        answer = await people.owner.http.get(f"/v1/analytics/{what}", params=query)
        assert refused(answer)[:2] == (400, "malformed")


async def test_nothing_is_counted_where_there_is_nothing(people: People) -> None:
    unknown = await people.owner.http.get("/v1/analytics/board", params={"channel": NOBODYS})

    assert refused(unknown)[:2] == (404, "channel_not_found")
    assert (await read(people.stranger, "board"))["data"] == []
    assert (await read(people.stranger, "sources", by="partner"))["others"] is None
