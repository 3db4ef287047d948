"""Rows become leads by the engine's own rules, once each, whatever comes twice."""

import asyncio

import pytest

from leadrail.core.channels.commands import NewProperty
from leadrail.core.channels.model import PropertyType
from leadrail.core.imports.model import Counts, ImportState, OnDuplicate, Undone
from tests.api.answers import good
from tests.imports.stage import begun, brought, draft, finished, leads, refusals, undone
from tests.people import People

SIZE = NewProperty(name="Deal size", type=PropertyType.NUMBER)


async def test_rows_become_leads_with_their_keys_properties_and_history(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(properties=(SIZE,), currency="EUR")
    text = (
        "Vorname;Nachname;E-Mail;Telefon;Betrag;Deal size;Status;Erstellt am;Abschlussdatum\r\n"
        "Joan;Müller;Joan@Example.com;+49 30 901820;1.234,50 €;3,5;Won;30.01.2026;17.02.2026 13:30\r\n"
        "\r\n"
        "Bo;;bo@example.com;;;;;;\r\n"
    )

    done = await brought(owner, channel, text.encode("windows-1252"))

    assert done.counts == Counts(created=2)
    joan, bo = await leads(owner, channel)
    assert (joan["first_name"], joan["last_name"], joan["value"], joan["properties"]) == (
        "Joan",
        "Müller",
        "1234.5",
        {"Deal size": 3.5},
    )
    assert (joan["status"]["name"], joan["created_at"], joan["closed_at"]) == (
        "Won",
        "2026-01-30T00:00:00Z",
        "2026-02-17T13:30:00Z",
    )
    assert (bo["status"]["name"], bo["email"]) == ("New", "bo@example.com")
    found = await owner.http.get("/v1/leads", params={"phone": "+4930901820"})
    assert [row["id"] for row in found.json()["data"]] == [joan["id"]]
    history = (await owner.http.get(f"/v1/leads/{joan['id']}/events")).json()["data"]
    assert [(event["type"], event["occurred_at"]) for event in history] == [
        ("lead.created", "2026-01-30T00:00:00Z"),
        ("lead.status_changed", "2026-02-17T13:30:00Z"),
    ]


async def test_nothing_follows_unless_it_is_told(people: People) -> None:
    owner = people.owner
    channel = await people.shared_channel()
    await owner.endpoint("https://example.com/hook")
    await owner.trigger(channel, cause="new_lead", kind="fixed", amount=5)

    await brought(owner, channel, "email,status\na@example.com,Won\n")
    assert (await owner.count("deliveries"), await owner.count("rewards")) == (0, 0)

    await brought(owner, channel, "email\nb@example.com\n", tell=True)
    assert (await owner.count("deliveries"), await owner.count("rewards")) == (2, 1)


@pytest.mark.parametrize(
    ("duplicates", "counts", "names"),
    [
        (OnDuplicate.CREATE, Counts(created=4), ["Old", "New", "Ann", "Newer", "Anne"]),
        (OnDuplicate.SKIP, Counts(created=1, skipped=3), ["Old", "Ann"]),
        (OnDuplicate.UPDATE, Counts(created=1, updated=3), ["Newer", "Anne"]),
    ],
)
async def test_who_is_here_already_is_made_again_passed_over_or_changed(
    duplicates: OnDuplicate, counts: Counts, names: list[str], people: People
) -> None:
    owner = people.owner
    channel, elsewhere = await owner.channel(), await owner.channel(title="Elsewhere")
    await owner.lead(channel, first_name="Old", phone="+49 30 901820", title="Captain")
    await owner.lead(elsewhere, first_name="Other", email="ann@example.com")
    text = (
        "first name,phone,email,title\nNew,+4930901820,,\nAnn,,ann@example.com,\n"
        "Newer,+4930 90 18 20,,\nAnne,,ANN@example.com,Doctor\n"
    )

    done = await brought(owner, channel, text, duplicates=duplicates)

    assert done.counts == counts
    found = await leads(owner, channel)
    assert [row["first_name"] for row in found] == names
    assert found[0]["title"] == "Captain"


async def test_a_row_that_several_leads_answer_to_is_refused(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    twins = [await owner.lead(channel, email="joan@example.com") for _ in range(2)]

    done = await brought(owner, channel, "email,name\njoan@example.com,Joan\n", duplicates=OnDuplicate.UPDATE)

    assert done.counts == Counts(refused=1)
    (refusal,) = await refusals(owner, done)
    assert all(str(twin.id) in refusal.error for twin in twins)


async def test_an_update_changes_nothing_when_its_status_is_refused(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(properties=(SIZE,))
    await owner.lead(channel, email="joan@example.com")
    text = "email,name,Deal size,status\njoan@example.com,Joan,7,Nowhere\n"

    done = await brought(owner, channel, text, duplicates=OnDuplicate.UPDATE)

    assert done.counts == Counts(refused=1)
    (lead,) = await leads(owner, channel)
    assert (lead["name"], lead["properties"], lead["version"]) == (None, {}, 1)


async def test_rows_that_are_no_leads_are_kept_with_the_reason_and_leave_the_others_alone(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(properties=(SIZE,))
    text = (
        "email,value,status,Deal size,created\n"
        "a@example.com,much,,,\n"
        "b@example.com,,Nowhere,,\n"
        "c@example.com,,,huge,\n"
        "d@example.com,,,,03/04/2026\n"
        "e@example.com,1,,,,,surplus\n"
        'f@example.com,1,,"2",\n'
        "\x00@example.com,1,,,\n"
    )

    done = await brought(owner, channel, text)

    assert done.counts == Counts(created=1, refused=6)
    kept = await refusals(owner, done)
    assert [one.row for one in kept] == [2, 3, 4, 5, 6, 8]
    assert kept[0].error == 'Column "value": "much" is no amount'
    assert kept[0].cells == ("a@example.com", "much", "", "", "")
    assert kept[0].keys == ("email:a@example.com",)
    words = ("Nowhere", "huge", "date_order", "7 cells", "stored")
    assert [word in one.error for word, one in zip(words, kept[1:], strict=True)] == [True] * 5


async def test_a_batch_that_is_interrupted_leaves_nothing_and_is_gone_on_with(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = people.owner
    channel = await owner.channel()
    monkeypatch.setattr("leadrail.core.imports.bringing.BATCH", 2)
    text = "email\n" + "".join(f"n{n}@example.com\n" for n in range(5))
    made = await begun(owner, await draft(owner, channel, text.encode()))
    from leadrail.core.imports import store

    real, calls = store.update, 0

    async def update(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise asyncio.CancelledError
        await real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "update", update)
    with pytest.raises(asyncio.CancelledError):
        await finished(owner, made)
    assert len(await leads(owner, channel)) == 2

    done = await finished(owner, made)

    assert (done.state, done.counts) == (ImportState.DONE, Counts(created=5))
    assert [row["email"] for row in await leads(owner, channel)] == [f"n{n}@example.com" for n in range(5)]
    assert (await owner.rows("SELECT count(*) AS n FROM import_chunks WHERE company_id = $1", owner.company_id)) == [
        {"n": 0}
    ]


async def test_undo_takes_away_and_puts_back_and_spares_what_was_touched(people: People) -> None:
    owner = people.owner
    channel = await owner.channel(properties=(SIZE,))
    await owner.lead(channel, {"Deal size": 1}, email="old@example.com", name="Old", notes="as it was")
    await owner.lead(channel, email="older@example.com", name="Older")
    text = (
        "email,name,notes,Deal size,status,utm_source\n"
        "old@example.com,Newer,changed,2,Won,x\nolder@example.com,Newest,,,,\n"
        "old@example.com,Newest,,3,,y\n"
        "a@example.com,A,,,,\nb@example.com,B,,,,\nc@example.com,C,,,,\n"
    )
    done = await brought(owner, channel, text, duplicates=OnDuplicate.UPDATE)
    assert done.counts == Counts(created=3, updated=3)
    old, older, a, b, c = await leads(owner, channel)
    assert (old["name"], old["properties"], old["attribution"]) == ("Newest", {"Deal size": 3}, {"utm_source": "y"})
    await owner.http.patch(f"/v1/leads/{older['id']}", json={"title": "Captain"})
    await owner.http.patch(f"/v1/leads/{b['id']}", json={"title": "Captain"})
    await owner.http.post(f"/v1/leads/{c['id']}/notes", json={"text": "called"})

    back = await undone(owner, done)

    assert (back.state, back.undo and (back.undo.removed, back.undo.restored, back.undo.kept)) == (
        ImportState.UNDONE,
        (1, 1, 3),
    )
    now = {row["id"]: row for row in await leads(owner, channel)}
    restored = now[old["id"]]
    shown = ("name", "notes", "properties", "attribution", "closed_at")
    assert [restored[name] for name in shown] == ["Old", "as it was", {"Deal size": 1}, {}, None]
    assert restored["status"]["name"] == "New"
    assert now[a["id"]]["status"]["category"] == "deleted"
    assert [now[row["id"]]["name"] for row in (older, b, c)] == ["Newest", "B", "C"]
    history = (await owner.http.get(f"/v1/leads/{old['id']}/events")).json()["data"]
    steps = [(e["data"]["from"]["name"], e["data"]["to"]["name"]) for e in history if e["type"].endswith("changed")]
    assert steps == [("New", "Won"), ("Won", "New")]


async def test_what_was_taken_back_may_come_again(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    text = "email\na@example.com\n"
    done = await brought(owner, channel, text)
    await undone(owner, done)

    again = await brought(owner, channel, text)

    assert again.counts == Counts(created=1)


@pytest.mark.parametrize("tell", [True, False])
async def test_imported_leads_are_given_out_evenly_and_told_once_if_at_all(people: People, tell: bool) -> None:
    owner, channel = people.owner, await people.owner.channel(duplicates="reject")
    away = await owner.user()
    good(await owner.http.patch(f"/v1/users/{away.id}", json={"state": "disabled"}))
    plan = [{"assignee": name} for name in ("Ann", "Bo", away.email, "Cy")]
    good(await owner.http.put(f"/v1/channels/{channel.id}/assignment", json={"assignees": plan}))
    rows = "".join(f"n{n}@example.com,{'Zoe' if n == 7 else ''}\n" for n in range(1_000))

    await brought(owner, channel, f"email,assignee\n{rows}", tell=tell)

    counted = await owner.rows("SELECT assignee, count(*) FROM leads WHERE channel_id = $1 GROUP BY 1", channel.id)
    assert {row["assignee"]: row["count"] for row in counted} == {"Zoe": 1, "Ann": 333, "Bo": 333, "Cy": 333}
    notices = await owner.rows(
        "SELECT data ->> 'assignee' AS who FROM events WHERE company_id = $1 AND type = 'leads.assigned'",
        owner.company_id,
    )
    assert sorted(row["who"] for row in notices) == (["Ann", "Bo", "Cy"] if tell else [])


async def test_who_is_blocked_is_refused_and_nothing_of_the_row_is_kept(people: People) -> None:
    owner, channel = people.owner, await people.owner.channel()
    good(await owner.http.post("/v1/blocks", json={"email": "no@example.com"}), 201)
    body = b"email,name\nno@example.com,No One\nyes@example.com,Yes\n"

    tried = await finished(owner, await begun(owner, await draft(owner, channel, body), ImportState.CHECKING))
    done = await brought(owner, channel, body)

    assert tried.checked == done.counts == Counts(created=1, refused=1)
    for made in (tried, done):
        (row,) = await refusals(owner, made)
        assert (row.row, row.cells, row.keys) == (2, ("", ""), ())
        assert "block list" in row.error


async def test_an_undo_counts_a_lead_that_went_to_another_channel_as_kept(people: People) -> None:
    owner = people.owner
    channel, other = await owner.channel(), await owner.channel()
    done = await brought(owner, channel, "email\na@example.com\nb@example.com\n")
    gone, _ = await leads(owner, channel)
    good(await owner.http.put(f"/v1/leads/{gone['id']}/channel", json={"channel_id": str(other.id)}))

    back = (await undone(owner, done)).undo

    assert back == Undone(removed=1, kept=1)
    assert [lead["id"] for lead in await leads(owner, other)] == [gone["id"]]
