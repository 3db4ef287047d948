"""Who is let in, and Capillary's envelope around what cannot be read (contracts/capillary.md, sections 1 and 2)."""

import asyncio
import base64
from typing import Any

import pytest

from leadrail.core.actor import Scope
from leadrail.core.errors import Code
from leadrail.core.events.model import Entry
from leadrail.core.leads.model import Lead
from leadrail.dialects.capillary import reading
from leadrail.dialects.capillary.errors import TABLE
from leadrail.dialects.capillary.faults import Fault
from tests.dialects.capillary.conftest import Till, events, make_reasons, make_till, nothing_changes
from tests.people import People


def test_every_kind_of_refusal_has_a_status_and_a_code() -> None:
    assert set(TABLE) == {*Code, *Fault}


# Who is let in


async def test_stranger_gets_404_and_nothing_changes(people: People, lead: Lead, reason: int) -> None:
    till = await make_till(people.stranger)

    async with nothing_changes(people.owner):
        answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 9701)


async def test_till_of_another_channel_gets_404(people: People, lead: Lead, reason: int) -> None:
    till = await make_till(people.owner, channel_ids=((await people.owner.channel()).id,))

    async with nothing_changes(people.owner):
        answer = await till.put(lead, status="WON", reasonId=reason)

    assert answer.status_code == 404


async def test_read_only_till_is_forbidden_to_write(people: People, lead: Lead, reason: int) -> None:
    till = await make_till(people.owner, scopes=(Scope.READ,))

    async with nothing_changes(people.owner):
        answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 403)


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now() - interval '1 second'"])
async def test_till_that_is_no_longer_in_force_is_refused(
    people: People, lead: Lead, till: Till, reason: int, end: str
) -> None:
    await people.owner.rows(f"UPDATE api_keys SET {end} WHERE till = $1 RETURNING id", till.name)

    async with nothing_changes(people.owner):
        answer = await till.put(lead, status="WON", reasonId=reason)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        "Bearer lr_x",
        "Basic " + base64.b64encode(b"store.server").decode(),
        "Basic " + base64.b64encode(b"store\0:8a16a6b70505eb1f1ff7cdc0cd5559a7").decode(),
        "Basic " + base64.b64encode(b"no such till:8a16a6b70505eb1f1ff7cdc0cd5559a7").decode(),
    ],
)
async def test_bad_login_is_refused_in_the_envelope(people: People, lead: Lead, header: str) -> None:
    async with nothing_changes(people.owner):
        answer = await people.owner.http.put(
            f"/capillary/v2/leads/{lead.number}/status", json={"status": "WON"}, headers={"Authorization": header}
        )

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="leadrail"')
    assert answer.json()["errors"] == [
        {
            "status": False,
            "code": 401,
            "message": "Authentication failed: check the till id and the MD5 of its password",
        }
    ]


async def test_plain_password_is_refused(people: People, lead: Lead, till: Till) -> None:
    async with nothing_changes(people.owner):
        answer = await people.owner.http.put(
            f"/capillary/v2/leads/{lead.number}/status", json={"status": "WON"}, auth=(till.name, "server123")
        )

    assert answer.status_code == 401


async def test_md5_in_capitals_is_let_in(people: People, lead: Lead, till: Till, reason: int) -> None:
    answer = await people.owner.http.put(
        f"/capillary/v2/leads/{lead.number}/status",
        json={"status": "WON", "reasonId": reason},
        auth=(till.name, "8A16A6B70505EB1F1FF7CDC0CD5559A7"),
    )

    assert answer.status_code == 200


# What cannot be read


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"", "The body is empty"),
        (b"{", "The body is not valid JSON"),
        (b"[]", "Expected"),
        (b"null", "Expected"),
        (b'{"status": "\xff"}', "The body is not valid JSON"),
        (b'{"status": "WON\\u0000"}', "Text must not contain"),
        (b'{"status": 5}', "status: "),
        (b'{"status": "WON", "reasonId": 1.5}', "reasonId: "),
        (b'{"status": "WON", "reasonId": true}', "reasonId: "),
        (b'{"status": "WON", "reasonId": [1]}', "reasonId: "),
        (b'{"status": "WON", "reasonId": 1, "createdBy": "me"}', "createdBy: "),
        (b'{"status": "WON", "reasonId": 1, "createdBy": 9223372036854775808}', "createdBy: "),
        (b'{"status": "WON", "reasonId": 1, "createdOn": 1538706600}', "createdOn: "),
        (b'{"status": "WON", "reasonId": 1, "subStatus": {}}', "subStatus: "),
    ],
)
async def test_bad_body_is_refused_and_names_the_member(
    people: People, lead: Lead, till: Till, content: bytes, start: str
) -> None:
    async with nothing_changes(people.owner):
        answer = await till.send(lead, content)

    (item,) = answer.json()["errors"]
    assert (answer.status_code, item["status"], item["code"]) == (400, False, 400)
    assert item["message"].startswith(start)


@pytest.mark.parametrize(
    ("lead_id", "status"), [("abc", 400), ("-1", 400), ("1.5", 400), ("٣", 400), ("0", 404), ("9" * 19, 404)]
)
async def test_path_without_a_lead_is_refused(
    people: People, till: Till, reason: int, lead_id: str, status: int
) -> None:
    answer = await till.put(lead_id, status="WON", reasonId=reason)

    assert (answer.status_code, len(answer.json()["errors"])) == (status, 1)


@pytest.mark.parametrize(
    ("media_type", "status"),
    [("application/json", 200), ("application/json; charset=utf-8", 200), ("text/xml", 415)],
)
async def test_only_json_is_taken(
    people: People, lead: Lead, till: Till, reason: int, media_type: str, status: int
) -> None:
    answer = await till.send(lead, b'{"status": "WON", "reasonId": %d}' % reason, media_type)

    assert answer.status_code == status


async def test_huge_body_is_refused(people: People, lead: Lead, till: Till) -> None:
    async with nothing_changes(people.owner):
        answer = await till.send(lead, b" " * ((1 << 20) + 1))

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (413, 413)


async def test_unknown_path_is_answered_in_the_envelope(people: People) -> None:
    answer = await people.owner.http.get("/capillary/v2/customers")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, 404)


async def test_unknown_method_names_the_one_that_is_served(people: People, lead: Lead) -> None:
    answer = await people.owner.http.post(f"/capillary/v2/leads/{lead.number}/status", json={})

    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")
    assert answer.json()["errors"][0]["code"] == 405


# Faults of ours


async def _broken(*_: object) -> None:
    raise RuntimeError("wires crossed")


async def _away(*_: object) -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize(("failure", "status"), [(_broken, 500), (_away, 503)])
async def test_fault_is_answered_in_the_envelope(
    people: People, lead: Lead, till: Till, reason: int, monkeypatch: pytest.MonkeyPatch, failure: Any, status: int
) -> None:
    monkeypatch.setattr(people.owner.core.reader, "lead_numbered", failure)

    async with nothing_changes(people.owner):
        answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, status)
    assert "wires" not in answer.text


async def test_change_that_cannot_be_read_back_is_acknowledged_all_the_same(
    people: People, lead: Lead, till: Till, reason: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_history", _away)

    answer = await till.put(lead, status="WON", reasonId=reason)

    assert (answer.status_code, answer.json()["status"]) == (200, "WON")
    assert [warning["code"] for warning in answer.json()["warnings"]] == [9750]
    assert len(await events(people.owner, lead)) == 1


# Many at once


async def test_answer_ends_with_its_own_entry_though_another_change_followed(
    people: People, lead: Lead, till: Till, reason: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reading._history

    async def late(*asked: Any) -> list[Entry]:
        monkeypatch.setattr(reading, "_history", read)
        await till.put(lead, status="LOST", reasonId=reason)
        return await read(*asked)

    monkeypatch.setattr(reading, "_history", late)
    answer = await till.put(lead, status="WON", reasonId=reason)

    assert [entry["status"] for entry in answer.json()["statusLogDetails"]] == ["OPEN", "WON"]


async def test_parallel_changes_each_get_an_answer_that_fits_its_own_log(
    people: People, lead: Lead, till: Till
) -> None:
    reasons = await make_reasons(people.owner, *(f"reason {number}" for number in range(24)))
    wanted = [(("WON", "LOST", "ON_HOLD", "OPEN")[place % 4], one.number) for place, one in enumerate(reasons)]

    answers = await asyncio.gather(*(till.put(lead, status=status, reasonId=reason) for status, reason in wanted))

    last = [answer.json()["statusLogDetails"][-1] for answer in answers]
    assert [(entry["status"], entry["reasonId"]) for entry in last] == wanted
    moves = [(one["data"]["from"]["name"], one["data"]["to"]["name"]) for one in await events(people.owner, lead)]
    assert [before for before, _ in moves] == ["OPEN", *(after for _, after in moves[:-1])]
