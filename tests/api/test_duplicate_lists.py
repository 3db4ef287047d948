"""What several leads have in common: by channel and company, page by page, and nothing that another may not see."""

from typing import Any
from uuid import UUID

import pytest

from leadrail.core.core import Core
from leadrail.core.leads import duplicates
from tests.api.answers import all_pages, good, refused
from tests.people import People, Person


async def groups(person: Person, **query: Any) -> list[tuple[str, str, list[str]]]:
    found = await all_pages(person.http, "/v1/duplicates", **query)
    return [(group["kind"], group["key"], group["lead_ids"]) for group in found]


async def test_a_key_is_listed_once_with_all_that_have_it(people: People) -> None:
    channel = await people.owner.channel()
    janes = [await people.owner.lead(channel, email=email) for email in ("JANE@example.com", "jane@example.com")]
    joes = [await people.owner.lead(channel, phone="+45 20 12 34 56", email=f"{n}@example.com") for n in range(3)]
    await people.owner.lead(channel, email="alone@example.com", phone="+4520123457")

    for limit in (1, 2, 50):
        assert await groups(people.owner, channel=str(channel.id), limit=limit) == [
            ("email", "jane@example.com", [str(lead.id) for lead in janes]),
            ("phone", "+4520123456", [str(lead.id) for lead in joes]),
        ]
    twins = good(await people.owner.http.get(f"/v1/leads/{joes[0].id}/duplicates"))["data"]
    assert [(one["matched"], one["lead"]["id"]) for one in twins] == [(["phone"], str(lead.id)) for lead in joes[1:]]


async def test_a_channel_has_its_own_and_the_company_those_of_all(people: People) -> None:
    one, other = await people.owner.channel(), await people.shared_channel()
    leads = [await people.owner.lead(channel, email="jane@example.com") for channel in (one, other)]
    await people.stranger.lead(await people.stranger.channel(), email="jane@example.com")

    assert await groups(people.owner, channel=str(one.id)) == []
    assert await groups(people.owner) == [("email", "jane@example.com", [str(lead.id) for lead in leads])]
    assert await groups(people.stranger) == await groups(people.partner) == []
    bound = {"X-API-Key": await people.owner.another_key(scopes=("read",), channel_ids=(one.id,))}
    assert good(await people.owner.http.get("/v1/duplicates", headers=bound))["data"] == []
    theirs = await people.stranger.http.get("/v1/duplicates", params={"channel": str(one.id)})
    assert refused(theirs)[:2] == (404, "channel_not_found")


async def test_a_partner_sees_those_of_a_shared_channel(people: People) -> None:
    channel = await people.shared_channel()
    leads = [await people.owner.lead(channel, business_id="7") for _ in range(2)]

    assert await groups(people.partner, channel=str(channel.id)) == [
        ("business_id", "7", [str(lead.id) for lead in leads])
    ]


async def test_a_cursor_that_no_page_gave_is_refused(people: People) -> None:
    for cursor in ("?", "ZW1haWw", "eA"):
        answer = await people.owner.http.get("/v1/duplicates", params={"cursor": cursor})
        assert answer.status_code == 200 or refused(answer) == (422, "invalid", "?cursor")


@pytest.mark.parametrize("walked", [2, 3, 5, 1000])
async def test_short_stretches_miss_nothing_and_repeat_nothing(
    walked: int, people: People, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "WALKED", walked)
    channel = await people.owner.channel()
    expected = []
    for n, many in enumerate((1, 2, 1, 1, 3, 1, 2, 4, 1)):
        ids = [(await people.owner.lead(channel, email=f"{n}@example.com", business_id="b")).id for _ in range(many)]
        expected += [(f"{n}@example.com", ids)] if many > 1 else []

    found, after = list[tuple[str, list[UUID]]](), None
    async with core.database.connection() as connection:
        while True:
            part = await duplicates.groups(connection, channel.company_id, [channel.id], after=after, limit=2)
            found += [(group.key, group.lead_ids) for group in part.found if group.kind == "email"]
            if (after := part.after) is None:
                break

    assert found == expected
