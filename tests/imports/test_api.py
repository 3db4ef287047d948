"""Imports over the API: taken in as they come, corrected, tried, begun by the worker, looked at, taken back."""

from collections.abc import AsyncIterator
from typing import Any

from leadrail.core.channels.commands import NewProperty
from leadrail.core.imports import jobs
from tests.api.answers import good, refused
from tests.imports.stage import leads
from tests.people import People

TEXT = "Vorname;Mail des Kunden;Stufe;Region\nJoan;joan@example.com;gewonnen;Nord\nBo;bo@example.com;?;Süd\n"


def counts(**some: int) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "skipped", "refused")
    return {"rows": sum(some.values())} | dict.fromkeys(names, 0) | some


async def uploaded(people: People, channel_id: Any, text: Any, **query: Any) -> Any:
    query = {"channel_id": str(channel_id)} | query
    return await people.owner.http.post("/v1/imports", params=query, content=text)


async def test_a_file_is_understood_corrected_tried_and_brought_in(people: People) -> None:
    owner, http = people.owner, people.owner.http
    channel = await owner.channel(properties=(NewProperty(name="Region"),))

    made = good(await uploaded(people, channel.id, TEXT), 201)
    assert (made["state"], made["rows"], made["delimiter"]) == ("draft", 2, ";")
    assert made["columns"][:2] == [
        {"name": "Vorname", "field": "first_name", "samples": ["Joan", "Bo"]},
        {"name": "Mail des Kunden", "field": None, "samples": ["joan@example.com", "bo@example.com"]},
    ]
    path = f"/v1/imports/{made['id']}"
    patch = {"mapping": {"Mail des Kunden": "email"}, "statuses": {"Gewonnen": "Won"}, "save_as": "Fair"}
    edited = good(await http.patch(path, json=patch))
    assert [column["field"] for column in edited["columns"]] == ["first_name", "email", "status", "properties.Region"]

    assert good(await http.post(f"{path}/start", json={"dry_run": True}), 202)["state"] == "checking"
    assert refused(await http.post(f"{path}/start", json={}))[:2] == (409, "conflict")
    await jobs.run_waiting(owner.core)
    tried = good(await http.get(path))
    assert (tried["state"], tried["checked"]) == ("draft", counts(created=1, refused=1))
    assert await leads(owner, channel) == []

    good(await http.post(f"{path}/start", json={}), 202)
    await jobs.run_waiting(owner.core)
    done = good(await http.get(path))
    assert (done["state"], done["done"]) == ("done", counts(created=1, refused=1))
    (joan,) = await leads(owner, channel)
    assert (joan["status"]["name"], joan["properties"]) == ("Won", {"Region": "Nord"})

    rest = await http.get(f"{path}/refused.csv")
    assert rest.text.splitlines()[0] == "Vorname;Mail des Kunden;Stufe;Region;import_error"
    mended = rest.text.replace(";?;", ";gewonnen;")
    again = good(await uploaded(people, channel.id, mended, preset="Fair", start="true"), 201)
    assert again["columns"][-1]["field"] is None
    await jobs.run_waiting(owner.core)
    assert good(await http.get(f"/v1/imports/{again['id']}"))["done"] == counts(created=1)

    good(await http.post(f"{path}/undo"), 202)
    await jobs.run_waiting(owner.core)
    undone = good(await http.get(path))
    assert (undone["state"], undone["undo"]) == ("undone", {"removed": 1, "restored": 0, "kept": 0})


async def test_a_dry_run_says_what_the_import_then_does(people: People) -> None:
    owner, http = people.owner, people.owner.http
    channel = await owner.channel()
    await owner.lead(channel, email="old@example.com", first_name="Old")
    await owner.lead(channel, email="same@example.com", first_name="Same")
    text = (
        "email,first name,status\nold@example.com,New,\nsame@example.com,Same,\na@example.com,A,\n"
        "A@example.com,AA,\nb@example.com,B,Nowhere\n"
    )
    for policy in ("create", "skip", "update"):
        made = good(await uploaded(people, channel.id, text, duplicates=policy), 201)
        path = f"/v1/imports/{made['id']}"
        await http.post(f"{path}/start", json={"dry_run": True})
        await jobs.run_waiting(owner.core)
        before = await owner.digests()
        tried = good(await http.get(path))["checked"]
        assert await owner.digests() == before
        await http.post(f"{path}/start", json={})
        await jobs.run_waiting(owner.core)
        assert good(await http.get(path))["done"] == tried
        good(await http.post(f"{path}/undo"), 202)
        await jobs.run_waiting(owner.core)


async def test_the_same_file_again_does_nothing_unless_told(people: People) -> None:
    channel = await people.owner.channel()
    first = good(await uploaded(people, channel.id, TEXT, start="true"), 201)

    again = await uploaded(people, channel.id, TEXT, name="copy.csv")
    assert refused(again)[:2] == (409, "conflict")
    assert again.json()["details"] == {"import_id": first["id"]}

    good(await uploaded(people, (await people.owner.channel()).id, TEXT), 201)
    good(await uploaded(people, channel.id, TEXT, again="true"), 201)


async def test_a_repeat_with_the_same_key_gets_the_first_answer(people: People) -> None:
    channel = await people.owner.channel()
    query, headers = {"channel_id": str(channel.id)}, {"Idempotency-Key": "once"}

    first, second = [
        await people.owner.http.post("/v1/imports", params=query, content=TEXT, headers=headers) for _ in range(2)
    ]
    other = await people.owner.http.post("/v1/imports", params=query, content=TEXT + "x;y;;\n", headers=headers)

    assert first.json() == second.json()
    assert refused(other)[:2] == (422, "idempotency_mismatch")
    assert await people.owner.count("imports") == 1


async def test_a_large_file_is_taken_in_as_it_comes(people: People) -> None:
    channel = await people.owner.channel()

    async def body() -> AsyncIterator[bytes]:
        yield b"email,notes\n"
        for n in range(100):
            yield b"%d@example.com,%s\n" % (n, b"x" * 60_000)

    made = good(await uploaded(people, channel.id, body()), 201)

    assert made["rows"] == 100
    rows = await people.owner.rows("SELECT sum(length(body)) AS n FROM import_chunks WHERE company_id = $1",
                                   people.owner.company_id)  # fmt: skip
    assert rows[0]["n"] > 6_000_000


async def test_what_cannot_be_read_is_refused_in_the_usual_shape(people: People) -> None:
    channel = await people.owner.channel()
    for text, query, expected in (
        ("", {}, (422, "invalid", None)),
        (TEXT, {"encoding": "klingon"}, (422, "invalid", "?encoding")),
        (TEXT, {"delimiter": "x"}, (422, "invalid", "?delimiter")),
        (TEXT, {"preset": "none"}, (404, "not_found", "?preset")),
    ):
        assert refused(await uploaded(people, channel.id, text, **query)) == expected
    made = good(await uploaded(people, channel.id, TEXT), 201)
    for patch, field in (
        ({"mapping": {"No column": "email"}}, "/mapping/No column"),
        ({"mapping": {"Region": "no field"}}, "/mapping/Region"),
        ({"mapping": {"Region": "email", "Stufe": "email"}}, "/mapping"),
        ({"match_by": ["external_id"]}, "/match_by"),
    ):
        answer = await people.owner.http.patch(f"/v1/imports/{made['id']}", json=patch)
        assert refused(answer) == (422, "invalid", field)


async def test_an_erased_person_is_nowhere_in_what_imports_keep(people: People) -> None:
    owner, http = people.owner, people.owner.http
    channel = await owner.channel()
    lead = await owner.lead(channel, email="zeb@example.com", first_name="Zebulon", phone="+4520123456")
    other = await owner.lead(channel, email="ann@example.com", first_name="Ann")
    text = (
        "email,first name,phone,value\nzeb@example.com,Zeb,,\nann@example.com,Anne,,\n"
        ",Zebulon,+45 20 12 34 56,much\nann@example.com,Ann,,much\n"
    )
    made = good(await uploaded(people, channel.id, text, duplicates="update", start="true"), 201)
    await jobs.run_waiting(owner.core)

    good(await http.delete(f"/v1/leads/{lead.id}"))

    left = await owner.rows("SELECT cells FROM import_refusals WHERE company_id = $1", owner.company_id)
    assert [row["cells"][1] for row in left] == ["Ann"]
    before = await owner.rows("SELECT lead_id FROM import_leads WHERE company_id = $1", owner.company_id)
    assert [row["lead_id"] for row in before] == [other.id]
    good(await http.post(f"/v1/imports/{made['id']}/undo"), 202)
    await jobs.run_waiting(owner.core)
    shown = {row["id"]: row["first_name"] for row in await leads(owner, channel)}
    assert shown == {str(lead.id): None, str(other.id): "Ann"}


async def test_what_is_kept_for_a_while_goes(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    await uploaded(people, channel.id, "email,value\na@example.com,much\nb@example.com,1\n", start="true")
    await uploaded(people, channel.id, "email\nc@example.com\n")
    await jobs.run_waiting(owner.core)
    await owner.rows(
        "UPDATE imports SET created_at = now() - interval '31 days' WHERE company_id = $1 RETURNING 1", owner.company_id
    )

    await jobs.forget(owner.core)

    names = ("imports", "import_refusals", "import_chunks", "import_leads")
    assert [await owner.count(name) for name in names] == [1, 0, 0, 0]
    (kept,) = (await owner.http.get("/v1/imports")).json()["data"]
    assert refused(await owner.http.post(f"/v1/imports/{kept['id']}/undo"))[:2] == (409, "conflict")
