"""The vendor's samples, and a call as the vendor's client makes it."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.people import Person

KEEN_API = "/keenpartner/functions/v1/keen-api"
OPENAPI_OPERATIONS = "/keenpartner/functions/v1/openapi-operations"

# The ids in the vendor's samples.
CHANNEL = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
DEFINITION = "11111111-2222-3333-4444-555555555555"
LEAD = "99887766-5544-3322-1100-aabbccddeeff"
NEW_STATUS = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
QUALIFIED_STATUS = "bbbbbbbb-cccc-dddd-eeee-ffffffffffff"
VALUE = "77665544-3322-1100-aabb-ccddeeff0011"
MOMENT = "2025-04-01T14:22:00.000Z"


def sample(name: str) -> dict[str, Any]:
    """The fixture of this name: `request` and `answer`, word for word from the page in `source`."""
    fixture: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text())
    return fixture


def with_ids(value: Any, ids: dict[str, Any]) -> Any:
    """The sample with the vendor's ids and times replaced by ours."""
    text = json.dumps(value)
    for theirs, ours in ids.items():
        text = text.replace(theirs, str(ours))
    return json.loads(text)


async def ask(person: Person, action: str, *, path: str = KEEN_API, **members: Any) -> httpx.Response:
    body = {"action": action} | {name: _plain(value) for name, value in members.items()}
    return await person.http.post(path, json=body)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | list | dict) else str(value)


async def submit(form: httpx.AsyncClient, *, path: str = KEEN_API, **members: Any) -> httpx.Response:
    """What a form on somebody's page sends: no key."""
    return await form.post(path, json={"action": "lead_external"} | {n: _plain(v) for n, v in members.items()})


def error(answer: httpx.Response) -> tuple[int, Any]:
    """Status and text; the envelope has no other member."""
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    return answer.status_code, answer.json()["error"]
