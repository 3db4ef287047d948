"""POST /api/leads: what is kept, where, and what follows (contracts/octanist.md, section 4)."""

from decimal import Decimal
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Channel
from leadrail.core.leads.model import Lead
from tests.dialects.octanist.conftest import API, JANE, PATH, listed, nothing_changes, post
from tests.people import People, Person

VISIT = {
    name: f"{name} value"
    for name in ("website", "path", "gclid", "dclid", "wbraid", "gbraid", "fbc", "fbp", "ga4cid", "ga4sid", "epik")
    + ("li_fat_id", "msclkid", "ttclid", "twclid", "rdt_cid", "sccid", "utm_source", "utm_medium", "utm_campaign")
}
CONSENTS = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")


async def shown(person: Person, id: str) -> dict[str, Any]:
    lead: dict[str, Any] = (await person.http.get(f"{PATH}/{id}")).json()["data"]
    return lead


async def test_creation_is_recorded_with_all_that_follows(people: People, channel: Channel) -> None:
    await people.owner.trigger(channel, cause="new_lead", kind="fixed", amount=Decimal(10))
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await post(people.owner, "/leads", email=JANE)

    assert answer.status_code == 200
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 2, "rewards": 1}
    rows = await people.owner.rows(
        "SELECT type, face, actor_kind FROM events WHERE lead_id = $1::uuid ORDER BY seq", answer.json()["id"]
    )
    assert rows[0] == {"type": "lead.created", "face": "octanist", "actor_kind": "api_key"}


async def test_every_attribution_and_consent_field_comes_back(people: People, channel: Channel) -> None:
    given: dict[str, Any] = {**VISIT, **dict.fromkeys(CONSENTS, True), "note": "Asked for a quote"}

    answer = await post(people.owner, "/leads", name="John Doe", **given)

    told = await shown(people.owner, answer.json()["id"])
    assert {name: told[name] for name in given} == given
    assert (told["status"], told["source"], told["value"]) == ("open", "api", None)


async def test_no_word_of_consent_is_none(people: People, channel: Channel) -> None:
    answer = await post(people.owner, "/leads", email=JANE, ad_user_data="granted", ad_storage="DENIED")

    told = await shown(people.owner, answer.json()["id"])
    assert {name: told[name] for name in CONSENTS} == dict.fromkeys(CONSENTS, False) | {"ad_user_data": True}


@pytest.mark.parametrize(
    ("custom", "told"),
    [
        ({"company": "Acme Inc", "seats": 3}, '{"company":"Acme Inc","seats":3}'),
        ([1, "zwei", None], '[1,"zwei",null]'),
        ({"größe": "1.10"}, '{"größe":"1.10"}'),
        ("free text", "free text"),
        ('{"as": "text"}', '{"as": "text"}'),
    ],
)
async def test_custom_comes_back_as_text(people: People, channel: Channel, custom: Any, told: str) -> None:
    answer = await post(people.owner, "/leads", custom=custom)

    assert (await shown(people.owner, answer.json()["id"]))["custom"] == told


async def test_blank_attribution_is_none(people: People, channel: Channel) -> None:
    answer = await post(people.owner, "/leads", email=JANE, gclid=" ", website="")

    told = await shown(people.owner, answer.json()["id"])
    assert (told["gclid"], told["website"]) == (None, None)


async def test_session_is_kept_and_what_comes_beside_it_counts(people: People, channel: Channel) -> None:
    answer = await post(people.owner, "/leads", email=JANE, sessionId="550e8400", gclid="abc")

    native = (await people.owner.http.get(f"/v1/leads/{answer.json()['id']}")).json()
    assert native["attribution"] == {"session_id": "550e8400", "gclid": "abc"}


async def test_same_email_twice_makes_two_leads(people: People, channel: Channel) -> None:
    first, second = [await post(people.owner, "/leads", email=JANE) for _ in range(2)]

    assert first.json()["id"] != second.json()["id"]
    assert await people.owner.count("leads") == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " ", "email": "", "phone": None, "custom": {}}, "name"),
        ({"note": "Only a note", "gclid": "abc"}, "name"),
        ({"email": 5}, "email"),
        ({"custom": " \n"}, "name"),
        ({"email": JANE, "custom": 5}, "custom"),
        ({"email": JANE, "gclid": ["abc"]}, "gclid"),
        ({"email": JANE, "ad_storage": "yes"}, "ad_storage"),
        ({"email": "x" * 321}, "email"),
        ({"email": JANE, "note": "x" * 20_001}, "note"),
        ({"email": JANE, "custom": "x" * 17_000}, "attribution"),
    ],
)
async def test_bad_lead_is_refused_and_names_the_member(
    people: People, channel: Channel, body: dict[str, Any], field: str
) -> None:
    async with nothing_changes(people.owner):
        answer = await post(people.owner, "/leads", **body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize("depth", [900, 960, 980, 990, 1_000, 50_000])
async def test_endless_nesting_is_refused_and_never_a_fault(people: People, channel: Channel, depth: int) -> None:
    answer = await people.owner.http.post(PATH, content=b'{"custom": ' + b"[" * depth + b"]" * depth + b"}")

    assert answer.status_code == (400 if depth == 50_000 or await people.owner.count("leads") == 0 else 200)


# Which channel takes the lead


async def channel_of(person: Person, key: str | None = None) -> Any:
    answer = await post(person, "/leads", key=key, email=JANE)
    rows = await person.rows("SELECT channel_id FROM leads WHERE id = $1::uuid", answer.json()["id"])
    return rows[0]["channel_id"]


async def test_default_channel_of_the_key_takes_the_lead(people: People, channel: Channel) -> None:
    wanted = await people.owner.channel(template="sales")

    assert await channel_of(people.owner, await people.owner.another_key(default_channel=wanted.id)) == wanted.id


async def test_only_channel_of_the_key_takes_the_lead(people: People, channel: Channel) -> None:
    wanted = await people.owner.channel(template="sales")

    assert await channel_of(people.owner, await people.owner.another_key(channel_ids=(wanted.id,))) == wanted.id


async def test_only_octanist_channel_takes_the_lead(people: People, channel: Channel) -> None:
    await people.owner.channel(template="sales")
    await people.owner.channel(template="sendpilot")

    assert await channel_of(people.owner) == channel.id


async def test_archived_channel_is_not_meant(people: People, channel: Channel) -> None:
    archived = await people.owner.channel(template="octanist")
    await people.owner.rows("UPDATE channels SET archived_at = now() WHERE id = $1 RETURNING id", archived.id)
    await people.owner.rows("UPDATE channels SET config_version = 9 WHERE id = $1 RETURNING id", archived.id)

    assert await channel_of(people.owner) == channel.id


@pytest.mark.parametrize("channels", [0, 2])
async def test_lead_without_a_clear_channel_is_refused(people: People, channels: int) -> None:
    for _ in range(channels):
        await people.owner.channel(template="octanist")

    async with nothing_changes(people.owner):
        answer = await post(people.owner, "/leads", email=JANE)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "default_channel" in answer.json()["message"]


async def test_key_that_may_only_read_makes_nothing(people: People, channel: Channel) -> None:
    key = await people.owner.another_key(scopes=(Scope.READ,))

    async with nothing_changes(people.owner):
        answer = await post(people.owner, "/leads", key=key, email=JANE)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


async def test_key_that_may_only_write_can_be_checked_and_reads_nothing(people: People, lead: Lead) -> None:
    headers = {"X-API-KEY": await people.owner.another_key(scopes=(Scope.WRITE,))}

    checked = await people.owner.http.post(f"{API}/check", headers=headers)
    read = [await people.owner.http.get(path, headers=headers) for path in (PATH, f"{PATH}/{lead.id}")]

    assert (checked.status_code, [answer.status_code for answer in read]) == (200, [403, 403])


async def test_partner_of_a_shared_channel_makes_a_lead_that_both_see(people: People) -> None:
    shared = await people.shared_channel(template="octanist")

    answer = await post(people.partner, "/leads", email=JANE)

    assert [lead["id"] for lead in await listed(people.owner)] == [answer.json()["id"]]
    assert await people.owner.rows("SELECT company_id FROM leads WHERE channel_id = $1", shared.id) == [
        {"company_id": people.owner.company_id}
    ]
