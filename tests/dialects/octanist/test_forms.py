"""The doors without a key: the older WordPress connector's and the pixel's (contracts/octanist.md, 8.3 and 8.4)."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from leadrail.core.channels.model import Channel
from leadrail.kit.ids import new_id
from tests.dialects.octanist.conftest import API, JANE, listed, nothing_changes, sample
from tests.people import NOBODYS, People, Person

_addresses = itertools.count(1)
PIXEL = "/octanist/e"


@pytest.fixture
async def visitor(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key, at an address of their own."""
    number = next(_addresses)
    headers = {"X-Forwarded-For": f"203.0.{number // 256}.{number % 256}"}
    async with httpx.AsyncClient(base_url=server_url, headers=headers, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def open_channel(people: People) -> Channel:
    return await people.owner.channel(template="octanist", public_submissions=True)


def wordpress(channel: Channel) -> str:
    return f"{API}/integrations/incoming/wp/{channel.public_id}/"


def event(channel: Channel, **changed: Any) -> dict[str, Any]:
    """The printed event, for this channel."""
    return sample("pixel-form").request | {"mid": f"OCT-{channel.public_id}"} | changed


async def only_lead(person: Person) -> dict[str, Any]:
    (lead,) = await listed(person)
    return lead


async def attribution(person: Person) -> dict[str, Any]:
    (row,) = await person.rows("SELECT attribution FROM leads WHERE company_id = $1", person.company_id)
    kept: dict[str, Any] = row["attribution"]
    return kept


# The WordPress connector's door


async def test_wordpress_form_makes_a_lead_with_all_that_follows(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    await people.owner.trigger(open_channel, cause="new_lead", kind="fixed", amount=Decimal(10))
    await people.owner.endpoint("http://127.0.0.1:9/hook")

    answer = await visitor.post(wordpress(open_channel), json={"name": "Jane", "email": JANE, "phone": "+31612345678"})

    lead = await only_lead(people.owner)
    assert answer.json()["data"] == {"id": lead["id"], "message": "Lead added"}
    assert (lead["source"], lead["name"], lead["email"], lead["status"]) == ("wordpress", "Jane", JANE, "open")
    assert await people.owner.counts() == {"leads": 1, "events": 2, "deliveries": 2, "rewards": 1}
    rows = await people.owner.rows(
        "SELECT actor_kind, face, notice FROM events WHERE company_id = $1 ORDER BY seq", people.owner.company_id
    )
    assert rows[0] == {"actor_kind": "visitor", "face": "octanist", "notice": True}


async def test_wordpress_cookies_and_page_become_attribution(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    cookies = {
        "_ga": "GA1.1.123456789.1234567890",
        "_fbp": "fb.1.1.987",
        "_fbc": "fb.1.1.abc",
        "_gcl_aw": "GCL.1767225600.Cj0abc",
        "_uetmsclkid": "_uetmsclkid1",
        "ttclid": "tt1",
        "PHPSESSID": "secret",
        "utm_source": 5,
    }

    await visitor.post(
        wordpress(open_channel),
        json={"email": JANE, "cookies": cookies, "domain": "example.com", "path": "/contact", "utm_campaign": "spring"},
    )

    assert await attribution(people.owner) == {
        "ga4cid": "GA1.1.123456789.1234567890",
        "fbp": "fb.1.1.987",
        "fbc": "fb.1.1.abc",
        "gclid": "Cj0abc",
        "msclkid": "msclkid1",
        "ttclid": "tt1",
        "website": "https://example.com",
        "path": "/contact",
        "utm_campaign": "spring",
    }


@pytest.mark.parametrize(
    ("fields", "custom"),
    [
        ({"custom": "free text"}, "free text"),
        ({"custom": {"company": "Acme"}}, '{"company":"Acme"}'),
        ({"company": "Acme", "size": 3, "news": True}, '{"company":"Acme","size":"3","news":"true"}'),
        ({"custom": "free", "company": "Acme"}, '{"custom":"free","company":"Acme"}'),
        ({"_wpcf7": "12", "octanist_id": "x", "empty": "", "none": None}, None),
    ],
)
async def test_other_fields_are_custom(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, fields: dict[str, Any], custom: str | None
) -> None:
    await visitor.post(wordpress(open_channel), json={"email": JANE} | fields)

    assert (await only_lead(people.owner))["custom"] == custom


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"name": "a\\u0000b"}', b"{}", b'{"domain": "x"}'])
async def test_wordpress_form_that_says_nothing_is_refused(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, content: bytes
) -> None:
    async with nothing_changes(people.owner):
        answer = await visitor.post(wordpress(open_channel), content=content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


# The pixel's door


async def test_printed_event_makes_a_lead(people: People, open_channel: Channel, visitor: httpx.AsyncClient) -> None:
    example = sample("pixel-form")

    answer = await visitor.post(PIXEL, json=event(open_channel))

    assert (answer.status_code, answer.content) == (example.status, b"")
    lead = await only_lead(people.owner)
    assert (lead["name"], lead["email"], lead["source"]) == ("John Doe", "john@example.com", "wordpress")
    assert await attribution(people.owner) == {
        "session_id": example.request["sid"],
        "client_id": example.request["cid"],
        "website": "https://example.com",
        "path": "/contact",
        "referrer": "https://example.com/",
        "form_identifier": "contact-form",
    }


async def test_event_sent_again_is_one_lead(people: People, open_channel: Channel, visitor: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*[visitor.post(PIXEL, json=event(open_channel)) for _ in range(4)])
    later = await visitor.post(PIXEL, json=event(open_channel, timestamp=1767225600001))

    assert {answer.status_code for answer in (*answers, later)} == {204}
    assert await people.owner.count("leads") == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"your-name": "Jane Doe", "your-email": JANE, "your-tel": "+31612345678"}, {"name": "Jane Doe"}),
        ({"form_fields[name]": "Jane Doe", "form_fields[email]": JANE}, {"name": "Jane Doe", "email": JANE}),
        ({"firstName": "Jane", "last_name": "Doe", "email-1": JANE}, {"name": "Jane Doe", "email": JANE}),
        ({"voornaam": "Jane", "achternaam": "Doe", "telefoon": "0612345678"}, {"name": "Jane Doe"}),
        ({"input_1": "Hello", "input_3": JANE}, {"email": JANE, "custom": '{"input_1":"Hello"}'}),
        ({"phone": " +31612345678 ", "Mobile": "+31699999999"}, {"custom": '{"Mobile":"+31699999999"}'}),
        ({"email": JANE, "names": {"a": "Jane", "b": ["Doe"]}}, {"custom": '{"names":"Jane, Doe"}'}),
        ({"email": JANE, "gclid": "abc"}, {"gclid": "abc", "custom": None}),
        ({"form_name": "Contact", "user_name": "jd", "name[first]": "Jane"}, {"name": "Jane"}),
        ({"email": JANE, "website": "https://jane.example"}, {"website": "https://example.com"}),
        ({"email": JANE, "text-1": "Hello"}, {"name": None, "custom": '{"text-1":"Hello"}'}),
        ({"email": JANE, "deep": json.loads("[" * 900 + "]" * 900)}, {"custom": None}),
    ],
)
async def test_fields_are_known_by_their_usual_names(
    people: People,
    open_channel: Channel,
    visitor: httpx.AsyncClient,
    fields: dict[str, Any],
    told: dict[str, str | None],
) -> None:
    await visitor.post(PIXEL, json=event(open_channel, form_fields=fields))

    lead = await only_lead(people.owner)
    assert {name: lead[name] for name in told} == told
    assert any("tel" in name or "phone" in name for name in fields) == (lead["phone"] is not None)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "user_pass",
        "newPassword",
        "g-recaptcha-response",
        "h-captcha",
        "card-number",
        "cc",
        "cvc",
        "_wpnonce",
    ]
    + ["csrf_token", "csrfmiddlewaretoken", "octa_sid", "iban"],
)
async def test_secrets_are_never_kept(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, name: str
) -> None:
    await visitor.post(PIXEL, json=event(open_channel, form_fields={"email": JANE, name: "hush", "company": "Acme"}))

    assert (await only_lead(people.owner))["custom"] == '{"company":"Acme"}'
    assert "hush" not in str(await attribution(people.owner))


@pytest.mark.parametrize("nested", [{"custom": {"password": "hush", "size": 3}}, {"account": [{"pwd": "hush"}, 3]}])
async def test_secrets_are_not_kept_at_any_depth(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, nested: dict[str, Any]
) -> None:
    await visitor.post(wordpress(open_channel), json={"email": JANE} | nested)

    assert (await only_lead(people.owner))["custom"] in ('{"size":3}', '{"account":"3"}')


async def test_form_of_secrets_alone_is_no_lead(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    async with nothing_changes(people.owner):
        answer = await visitor.post(PIXEL, json=event(open_channel, form_fields={"password": "hush"}))

    assert answer.status_code == 204


@pytest.mark.parametrize("kind", ["page_view", "", None, 5, {"a": 1}])
async def test_other_events_are_taken_and_not_kept(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, kind: Any
) -> None:
    async with nothing_changes(people.owner):
        answers = [await visitor.post(PIXEL, json=event(open_channel, type=kind)) for _ in range(15)]

    assert {answer.status_code for answer in answers} == {204}


async def test_what_is_too_long_is_cut_and_the_lead_is_kept(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    long = {"name": "n" * 3000, "email": JANE, "phone": "+" + "3" * 3000} | {f"q{n}": "ü" * 1500 for n in range(15)}

    answer = await visitor.post(PIXEL, json=event(open_channel, form_fields=long, path="/" + "p" * 3000))

    lead = await only_lead(people.owner)
    assert (answer.status_code, len(lead["name"]), len(lead["phone"]), len(lead["path"])) == (204, 400, 64, 300)
    assert len(json.loads(lead["custom"])["q0"]) == 100


async def test_values_are_cut_at_two_thousand(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    await visitor.post(PIXEL, json=event(open_channel, form_fields={"email": JANE, "message": " " + "m" * 2500}))

    assert len(json.loads((await only_lead(people.owner))["custom"])["message"]) == 2000


async def test_fields_without_number_do_not_lose_the_lead(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient
) -> None:
    many = {f"question number {n}": "yes" for n in range(1500)}

    answer = await visitor.post(PIXEL, json=event(open_channel, form_fields={"email": JANE} | many))

    assert answer.status_code == 204
    assert (await only_lead(people.owner))["email"] == JANE


async def test_numbered_fields_are_a_list(people: People, open_channel: Channel, visitor: httpx.AsyncClient) -> None:
    answers = [
        await visitor.post(PIXEL, json=event(open_channel, form_fields=fields)) for fields in ([], ["Jane", JANE])
    ]

    assert [answer.status_code for answer in answers] == [204, 204]
    lead = await only_lead(people.owner)
    assert (lead["email"], lead["custom"]) == (JANE, '{"0":"Jane"}')


@pytest.mark.parametrize(("sid", "kept"), [(None, "from-header"), ("from-event", "from-event")])
async def test_session_may_come_in_a_header(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, sid: str | None, kept: str
) -> None:
    headers = {"X-Octanist-Session-Id": "from-header"}

    await visitor.post(PIXEL, json=event(open_channel, sid=sid), headers=headers)

    assert (await attribution(people.owner))["session_id"] == kept


async def test_beacon_sends_text(people: People, open_channel: Channel, visitor: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/plain;charset=UTF-8", "origin": "https://example.com"}

    answer = await visitor.post(PIXEL, content=json.dumps(event(open_channel)), headers=headers)

    assert (answer.status_code, await people.owner.count("leads")) == (204, 1)
    assert answer.headers["access-control-allow-origin"] == "https://example.com"


@pytest.mark.parametrize(
    "changed", [{"source": "api"}, {"source": "elsewhere"}, {"source": {"a": 1}}, {"source": None}]
)
async def test_source_is_one_that_the_vendor_knows(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, changed: dict[str, Any]
) -> None:
    await visitor.post(PIXEL, json=event(open_channel, **changed))

    assert (await only_lead(people.owner))["source"] == ("api" if changed["source"] == "api" else "inbound")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b'{"type": "form_submit"}', b'{"type":"form_submit","form_fields":5}']
)
async def test_event_that_is_no_object_is_refused(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, content: bytes
) -> None:
    async with nothing_changes(people.owner):
        answer = await visitor.post(PIXEL, content=content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


# Both doors


async def send(visitor: httpx.AsyncClient, door: str, id: Any, **headers: str) -> httpx.Response:
    if door == "wordpress":
        url = f"{API}/integrations/incoming/wp/{id}"
        return await visitor.post(url, json={"email": JANE}, headers=headers)
    body = sample("pixel-form").request | {"mid": str(id), "timestamp": str(new_id())}
    return await visitor.post(PIXEL, json=body, headers=headers)


DOORS = pytest.mark.parametrize("door", ["wordpress", "pixel"])


@DOORS
@pytest.mark.parametrize("form", ["{}", "OCT-{}", "oct-{}"])
async def test_channel_is_named_by_its_public_id(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, door: str, form: str
) -> None:
    answer = await send(visitor, door, form.format(open_channel.public_id))

    assert answer.is_success
    assert await people.owner.count("leads") == 1


@DOORS
async def test_channel_that_was_moved_here_is_named_by_its_old_id(
    people: People, visitor: httpx.AsyncClient, door: str
) -> None:
    old = f"OCT-{new_id().hex[-8:].upper()}"
    await people.owner.channel(template="octanist", public_submissions=True, aliases={"octanist": old})

    answer = await send(visitor, door, old)

    assert answer.is_success
    assert await people.owner.count("leads") == 1


@DOORS
@pytest.mark.parametrize("id", [NOBODYS, f"OCT-{NOBODYS}", "OCT-XXXXXXXX", "null"])
async def test_unknown_id_is_not_found(people: People, visitor: httpx.AsyncClient, door: str, id: str) -> None:
    answer = await send(visitor, door, id)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert answer.json()["message"] == "No channel has this id; use the channel's public_id"


@DOORS
async def test_channel_that_is_not_open_takes_nothing(
    people: People, channel: Channel, visitor: httpx.AsyncClient, door: str
) -> None:
    async with nothing_changes(people.owner):
        answer = await send(visitor, door, channel.public_id)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


@DOORS
async def test_body_over_64_kib_is_refused(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, door: str
) -> None:
    url = PIXEL if door == "pixel" else wordpress(open_channel)

    async with nothing_changes(people.owner):
        answer = await visitor.post(url, json=event(open_channel, title="x" * 65_536))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "VALIDATION_ERROR")


@DOORS
async def test_address_that_hurries_is_slowed_down_and_no_other(
    people: People, open_channel: Channel, visitor: httpx.AsyncClient, door: str
) -> None:
    answers = [await send(visitor, door, open_channel.public_id) for _ in range(11)]
    other = await send(visitor, door, open_channel.public_id, **{"X-Forwarded-For": f"198.51.100.{next(_addresses)}"})

    assert [answer.is_success for answer in answers] == [True] * 10 + [False]
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "2")
    assert answers[-1].headers["access-control-allow-origin"] == "*"
    assert other.is_success
    assert await people.owner.count("leads") == 11


@pytest.mark.parametrize("path", [PIXEL, f"{API}/integrations/incoming/wp/{NOBODYS}/"])
async def test_browser_of_any_site_may_call(visitor: httpx.AsyncClient, path: str) -> None:
    asked = {"origin": "https://example.com", "access-control-request-method": "POST"}

    answer = await visitor.options(path, headers=asked | {"access-control-request-headers": "content-type"})

    assert answer.status_code == 204
    told = {name.removeprefix("access-control-"): value for name, value in answer.headers.items()}
    assert (told["allow-origin"], told["allow-credentials"]) == ("https://example.com", "true")
    assert (told["allow-methods"], told["allow-headers"]) == ("POST", "content-type, x-octanist-session-id")
