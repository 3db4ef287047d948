"""A channel's assignment over the API: read, replaced, refused, and users who come and go."""

from typing import Any

import pytest

from leadrail.core.channels.model import Channel
from leadrail.core.companies.model import UserState
from tests.api.answers import good, refused
from tests.people import People, Person

EMPTY: dict[str, Any] = {"assignees": [], "rules": [], "absences": [], "inactive": []}


def path(channel: Channel) -> str:
    return f"/v1/channels/{channel.id}/assignment"


async def put(person: Person, channel: Channel, **plan: Any) -> dict[str, Any]:
    return dict(good(await person.http.put(path(channel), json=plan)))


async def assignee_of_next(person: Person, channel: Channel, **fields: Any) -> str | None:
    made = good(await person.http.post("/v1/leads", json={"channel_id": str(channel.id)} | fields), 201)
    name: str | None = made["assignee"]
    return name


async def test_a_plan_is_empty_then_replaced_as_a_whole(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    fresh = good(await owner.http.get(path(channel)))

    one = [{"assignee": "Sam", "weight": 3}]
    absence = {"assignee": "sam", "from": "2026-12-24T00:00:00+01:00", "to": "2026-12-27T00:00:00+01:00"}
    put_first = await put(owner, channel, assignees=one, absences=[absence])
    put_second = await put(owner, channel, rules=[{"source": "fair", "assignees": [{"assignee": "Kim"}]}])

    assert fresh == EMPTY
    assert put_first["assignees"] == one
    assert put_second == EMPTY | {"rules": [{"source": "fair", "assignees": [{"assignee": "Kim", "weight": 1}]}]}
    assert good(await owner.http.get(path(channel))) == put_second


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"assignees": [{"assignee": " "}]}, "/assignees/0/assignee"),
        ({"assignees": [{"assignee": "a" * 201}]}, "/assignees/0/assignee"),
        ({"assignees": [{"assignee": "a", "weight": 0}]}, "/assignees/0/weight"),
        ({"assignees": [{"assignee": "a", "weight": 101}]}, "/assignees/0/weight"),
        ({"assignees": [{"assignee": "Sam"}, {"assignee": "sam"}]}, "/assignees/1/assignee"),
        ({"rules": [{"source": "", "assignees": [{"assignee": "a"}]}]}, "/rules/0/source"),
        ({"rules": [{"source": "a", "assignees": []}]}, "/rules/0/assignees"),
        ({"rules": [{"source": s, "assignees": [{"assignee": "a"}]} for s in ("Ads", "ADS")]}, "/rules/1/source"),
        (
            {"absences": [{"assignee": "a", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}]},
            "/absences/0/assignee",
        ),
        (
            {
                "assignees": [{"assignee": "a"}],
                "absences": [{"assignee": "a", "from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"}],
            },
            "/absences/0/to",
        ),
    ],
)
async def test_a_plan_that_means_nothing_is_refused_and_changes_nothing(
    people: People, plan: dict[str, Any], field: str
) -> None:
    owner = people.owner
    channel = await owner.channel()
    before = await put(owner, channel, assignees=[{"assignee": "Sam"}])

    assert refused(await owner.http.put(path(channel), json=plan)) == (422, "invalid", field)
    assert good(await owner.http.get(path(channel))) == before


@pytest.mark.parametrize(
    "plan",
    [
        {"assignees": [{"assignee": f"{n}"} for n in range(51)]},
        {"assignees": [{"assignee": "a", "weight": 1.5}]},
        {"assignees": [{"name": "a"}]},
        {"absences": [{"assignee": "a", "from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"}]},
        {"assignees": None},
    ],
)
async def test_a_plan_of_another_shape_is_malformed(people: People, plan: dict[str, Any]) -> None:
    channel = await people.owner.channel()

    assert (await people.owner.http.put(path(channel), json=plan)).status_code == 400


async def test_a_user_who_is_disabled_gets_no_lead_from_then_on(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    sam, kim = await owner.user(), await owner.user()
    await put(owner, channel, assignees=[{"assignee": sam.email.upper()}, {"assignee": kim.email}])
    first = [await assignee_of_next(owner, channel) for _ in range(2)]

    good(await owner.http.patch(f"/v1/users/{sam.id}", json={"state": "disabled"}))
    without = [await assignee_of_next(owner, channel) for _ in range(3)]
    shown = good(await owner.http.get(path(channel)))["inactive"]
    good(await owner.http.patch(f"/v1/users/{sam.id}", json={"state": "active"}))
    again = {await assignee_of_next(owner, channel) for _ in range(2)}

    assert first == [sam.email.upper(), kim.email]
    assert without == [kim.email] * 3
    assert shown == [sam.email.upper()]
    assert again == {sam.email.upper(), kim.email}


async def test_a_user_of_another_company_with_the_same_address_does_not_count(people: People) -> None:
    owner, stranger = people.owner, people.stranger
    theirs = await stranger.user(state=UserState.DISABLED)
    channel = await owner.channel()
    await put(owner, channel, assignees=[{"assignee": theirs.email}])

    assert await assignee_of_next(owner, channel) == theirs.email


async def test_when_nobody_is_there_a_lead_is_nobody_s(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    gone = await owner.user(state=UserState.DISABLED)
    await put(owner, channel, assignees=[{"assignee": gone.email}])

    assert await assignee_of_next(owner, channel) is None


async def test_forms_and_vendors_calls_are_given_out_too(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(public_submissions=True)
    await put(
        owner,
        channel,
        assignees=[{"assignee": "Sam"}],
        rules=[{"source": "wordpress", "assignees": [{"assignee": "Web"}]}],
    )
    body = {"name": "Eve", "email": "eve@example.com"}

    good(await people.stranger.http.post(f"/octanist/api/integrations/incoming/wp/{channel.public_id}", json=body))
    good(await owner.http.post("/octanist/api/leads", json=body))

    rows = await owner.rows("SELECT assignee FROM leads WHERE company_id = $1 ORDER BY number", owner.company_id)
    assert [row["assignee"] for row in rows] == ["Web", "Sam"]
