"""Webhook endpoints changed: filters, headers, state, secrets; and who may."""

from typing import Any
from uuid import uuid4

import pytest

from leadrail.core.actor import Scope
from tests.api.answers import good, refused
from tests.people import People, Person

HOOK = "https://example.com/hooks"


async def add(person: Person, **body: Any) -> Any:
    return good(await person.http.post("/v1/webhooks", json={"url": HOOK} | body), 201)


async def stored(person: Person, id: str) -> Any:
    (row,) = await person.rows("SELECT * FROM endpoints WHERE company_id = $1 AND id::text = $2", person.company_id, id)
    return row


async def disable(person: Person, id: str) -> None:
    """As the worker does."""
    await person.rows(
        "UPDATE endpoints SET state = 'disabled', disabled_at = now(), disabled_reason = 'gone'"
        " WHERE company_id = $1 AND id::text = $2 RETURNING id",
        person.company_id,
        id,
    )
    await person.rows(
        "INSERT INTO endpoint_failures VALUES ($1, $2::text::uuid, now(), 3) RETURNING failures",
        person.company_id,
        id,
    )


async def version(person: Person) -> int:
    rows = await person.rows("SELECT config_version FROM channels WHERE company_id = $1", person.company_id)
    return int(rows[0]["config_version"])


async def test_filters_and_the_names_of_headers_are_shown_and_their_values_are_not(people: People) -> None:
    filters = {"statuses": ["Won", "Won"], "categories": ["lost"], "changed": ["value", "Deal size"]}
    made = await add(people.owner, headers={"Authorization": "Bearer s3cret"}, **filters)

    answer = await people.owner.http.get(f"/v1/webhooks/{made['id']}")

    assert "s3cret" not in answer.text
    assert good(answer) == {name: value for name, value in made.items() if name != "secret"} | {"parked": 0}
    assert made["header_names"] == ["Authorization"]
    assert {name: made[name] for name in filters} == filters | {"statuses": ["Won"]}
    assert (await stored(people.owner, made["id"]))["headers"] == {"Authorization": "Bearer s3cret"}


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"Content-Type": "text/plain"}, (422, "invalid", "/headers/Content-Type")),
        ({"HOST": "x"}, (422, "invalid", "/headers/HOST")),
        ({"webhook-id": "1"}, (422, "invalid", "/headers/webhook-id")),
        ({"Svix-Signature": "1"}, (422, "invalid", "/headers/Svix-Signature")),
        ({"transfer-encoding": "chunked"}, (422, "invalid", "/headers/transfer-encoding")),
        ({"a b": "x"}, (422, "invalid", "/headers/a b")),
        ({"a/b~": "x"}, (422, "invalid", "/headers/a~1b~0")),
        ({"X-A": "x", "x-a": "y"}, (422, "invalid", "/headers/x-a")),
        ({"X-A": "x\r\nEvil: 1"}, (422, "invalid", "/headers/X-A")),
        ({"X-A": "ü"}, (422, "invalid", "/headers/X-A")),
        ({"X-A": ""}, (422, "invalid", "/headers/X-A")),
        ({"X-A": "x" * 1001}, (422, "invalid", "/headers/X-A")),
        ({f"X-{n}": "x" for n in range(21)}, (400, "malformed", "/headers")),
    ],
)
async def test_a_header_that_may_not_be_is_refused(people: People, headers: Any, answer: Any) -> None:
    made = await add(people.owner)

    for sent in (
        await people.owner.http.post("/v1/webhooks", json={"url": HOOK, "headers": headers}),
        await people.owner.http.patch(f"/v1/webhooks/{made['id']}", json={"headers": headers}),
    ):
        assert refused(sent) == answer
    assert await people.owner.count("endpoints") == 1


async def test_what_a_change_leaves_out_stays_and_channels_are_read_anew(people: People) -> None:
    await people.owner.channel()
    made = await add(people.owner, statuses=["Won"], headers={"X-Team": "1"})
    before = await version(people.owner)

    after = good(await people.owner.http.patch(f"/v1/webhooks/{made['id']}", json={"ordered": True}))

    assert after == {name: value for name, value in made.items() if name != "secret"} | {"ordered": True}
    row = await stored(people.owner, made["id"])
    assert (row["secret"], row["headers"]) == (made["secret"], {"X-Team": "1"})
    assert await version(people.owner) == before + 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"url": "http://10.0.0.1/"}, (422, "invalid", "/url")),
        ({"state": "disabled"}, (422, "invalid", "/state")),
        ({"state": "deleted"}, (400, "malformed", "/state")),
        ({"format": "sendpilot"}, (400, "malformed", "/format")),
        ({"channel_id": str(uuid4())}, (404, "channel_not_found", "/channel_id")),
    ],
)
async def test_a_change_that_may_not_be_changes_nothing(people: People, body: Any, answer: Any) -> None:
    made = await add(people.owner)
    before = await stored(people.owner, made["id"])

    assert refused(await people.owner.http.patch(f"/v1/webhooks/{made['id']}", json=body)) == answer

    assert await stored(people.owner, made["id"]) == before


async def test_a_paused_endpoint_is_shown_so(people: People) -> None:
    made = await add(people.owner)

    good(await people.owner.http.patch(f"/v1/webhooks/{made['id']}", json={"state": "paused"}))

    assert good(await people.owner.http.get("/v1/webhooks"))["data"][0]["state"] == "paused"


async def test_a_disabled_endpoint_says_why_and_comes_back_with_a_clean_record(people: People) -> None:
    made = await add(people.owner)
    await disable(people.owner, made["id"])
    shown = good(await people.owner.http.get(f"/v1/webhooks/{made['id']}"))
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "gone")
    assert shown["disabled_at"]
    assert shown["failing_since"]

    after = good(await people.owner.http.patch(f"/v1/webhooks/{made['id']}", json={"state": "active"}))

    assert [after[name] for name in ("state", "disabled_at", "disabled_reason", "failing_since")] == [
        "active",
        None,
        None,
        None,
    ]
    assert await people.owner.count("endpoint_failures") == 0


async def test_the_failures_of_a_removed_endpoint_go_with_it(people: People) -> None:
    made = await add(people.owner)
    await disable(people.owner, made["id"])

    assert (await people.owner.http.delete(f"/v1/webhooks/{made['id']}")).status_code == 204

    assert await people.owner.count("endpoint_failures") == 0
    assert refused(await people.owner.http.get(f"/v1/webhooks/{made['id']}")) == (404, "not_found", None)


async def test_a_rotated_secret_is_shown_once_and_the_old_one_is_kept_beside_it(people: People) -> None:
    made = await add(people.owner)
    path, once = f"/v1/webhooks/{made['id']}/rotate", {"Idempotency-Key": "once"}

    first, again = [good(await people.owner.http.post(path, headers=once)) for _ in range(2)]

    row = await stored(people.owner, made["id"])
    assert (row["secret"], row["previous_secret"]) == (first["secret"], made["secret"])
    assert first["secret"] != made["secret"]
    assert again == first | {"secret": None}
    assert first["previous_secret_until"]


async def test_a_bound_key_sees_the_endpoints_of_its_channel_only(people: People) -> None:
    one, other = await people.owner.channel(), await people.owner.channel()
    made = await add(people.owner, channel_id=str(one.id))
    for channel, status in ((one, 200), (other, 404)):
        key = await people.owner.another_key(scopes=(Scope.READ,), channel_ids=(channel.id,))
        for path in ("", "/deliveries"):
            answer = await people.owner.http.get(f"/v1/webhooks/{made['id']}{path}", headers={"X-API-Key": key})
            assert answer.status_code == status
