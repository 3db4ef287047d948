"""Capillary as the suite over all dialects sees it (contracts/capillary.md)."""

from base64 import b64encode
from collections.abc import Callable

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category
from leadrail.dialects.capillary.errors import on_error
from leadrail.dialects.capillary.routes import OPEN_ROUTES, ROUTES
from leadrail.dialects.words import CAPILLARY
from tests.dialects.conformance import Dialect, Json, Native, Row, Sent, Written
from tests.dialects.scene import Scene

NO_LEAD = (404, "Lead not found")
STAFF = 28812689
CUSTOMER = 368754334


def failure(status: int, told: Json) -> str:
    assert list(told) == ["data", "warnings", "errors"]
    assert told["data"] == told["warnings"] == []
    assert told["errors"]
    for item in told["errors"]:
        assert list(item) == ["status", "code", "message"]
        assert (item["status"], type(item["code"]), type(item["message"])) == (False, int, str)
    return str(told["errors"][0]["message"])


def _status(scene: Scene, status: str, **members: Json) -> Sent:
    body = {"status": status, "reasonId": scene.reason.number, **members}
    return Sent("PUT", f"/v2/leads/{scene.lead.number}/status", body)


def _new_lead(scene: Scene) -> Json:
    return {
        "type": "SKU",
        "leadFor": "item001",
        "userId": CUSTOMER,
        "idType": "EMAIL",
        "identifier": f"tom.q{scene.number}q@example.com",
        "status": "OPEN",
        "nextFollowUp": "2030-10-05T08:00:00+05:30",
        "owner": "jane",
        "extendedFields": {"Region": "EMEA", "trial_status": "Not Done"},
        "orgSourceId": -1,
    }


def _natively_new(scene: Scene) -> Sent:
    attribution = {
        "lead_type": "SKU",
        "lead_for": "item001",
        "user_id": CUSTOMER,
        "org_source_id": -1,
        "created_by": scene.till,
        "entity_type": "TILL",
        "entity_code": scene.keys.good.partition(":")[0],
        "external_ids": {"capillary_customer": str(CUSTOMER)},
        "custom": {"trial_status": "Not Done"},
    }
    body = {
        "channel_id": str(scene.channel.id),
        "status": "OPEN",
        "email": f"tom.q{scene.number}q@example.com",
        "assignee": "jane",
        "next_follow_up_at": "2030-10-05T08:00:00+05:30",
        "properties": {"Region": "EMEA"},
        "attribution": attribution,
    }
    return Sent("POST", "/v1/leads", body)


def _edit() -> Json:
    return {"owner": "jane", "extendedFields": {"Region": "EMEA", "trial_status": "Not Done"}}


def _natively_edited(scene: Scene) -> Sent:
    body = {"assignee": "jane", "properties": {"Region": "EMEA"}}
    return Sent("PATCH", f"/v1/leads/{scene.lead.id}", body | {"attribution": {"custom": {"trial_status": "Not Done"}}})


def _natively_moved(scene: Scene) -> Sent:
    body = {"status": "WON", "reason_id": str(scene.reason.id), "at": "2024-01-05T08:00:00+05:30"}
    return Sent("PUT", f"/v1/leads/{scene.lead.id}/status", body)


def _contact() -> Json:
    return {
        "followedUpOn": "2024-01-05T08:00:00+05:30",
        "createdBy": STAFF,
        "followedUpBy": STAFF,
        "nextFollowUp": "2030-01-05T08:00:00+05:30",
        "notes": "Called",
    }


def _natively_contacted(scene: Scene) -> Sent:
    body = {
        "done_at": "2024-01-05T08:00:00+05:30",
        "done_by": str(STAFF),
        "next_at": "2030-01-05T08:00:00+05:30",
        "notes": "Called",
    }
    return Sent("POST", f"/v1/leads/{scene.lead.id}/follow-ups", body)


def _with(told: Callable[[Json], Json], *types: str) -> Callable[[Written], Written]:
    """The same rows, with the data of the events of these types as it is told here."""

    def here(written: Written) -> Written:
        events = [
            event | {"data": told(event["data"])} if event["type"] in types else event for event in written["events"]
        ]
        sent = [
            one | {"payload": one["payload"] | {"data": told(one["payload"]["data"])}} if one["type"] in types else one
            for one in written["deliveries"]
        ]
        return written | {"events": events, "deliveries": sent}

    return here


def _logged_by(who: Json) -> Callable[[Written], Written]:
    """Every entry of the status log says whom it is logged by."""
    told = {"context": {"created_by": who}}
    return _with(lambda data: data | told, "lead.created", "lead.status_changed")


def _noted_by(written: Written) -> Written:
    """The follow-up says which till recorded it."""
    by = {"created_by": str(STAFF)}
    told = _with(lambda data: data | {"follow_up": data["follow_up"] | by}, "follow_up.recorded")(written)
    return told | {"follow_ups": [row | by for row in written["follow_ups"]]}


def _add_lead(method: str) -> Row:
    return Row(
        route=f"{method} /v2/leads",
        sent=lambda scene: Sent(method, "/v2/leads", _new_lead(scene)),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        again=("lead.created", "reward.created"),
        native=Native(sent=_natively_new, here=_logged_by("till"), why="5.2"),
        free=frozenset({"/extendedFields/Region", "/extendedFields/trial_status"}),
    )


def _read(path: str) -> Row:
    """A list: of the company as a whole, or below one lead."""
    return Row(
        route=f"GET {path}",
        sent=lambda scene: Sent("GET", path.replace("{leadId}", str(scene.lead.number))),
        scope=Scope.READ,
        writes=False,
        stranger=NO_LEAD if "{" in path else (200, None),
        has_body=False,
        queries=QUERIES if path == "/v2/leads" else (),
    )


QUERIES = (
    *("userId", "status", "substatus", "type", "orgSourceId", "owner", "entityType", "entityCode"),
    *("limit", "offset", "sortBy", "sortOrder"),
)

ROWS = (
    _add_lead("POST"),
    _add_lead("PATCH"),
    _read("/v2/leads"),
    Row(
        route="PUT /v2/leads/{leadId}",
        sent=lambda scene: Sent("PUT", f"/v2/leads/{scene.lead.number}", _edit()),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(sent=_natively_edited),
        free=frozenset({"/extendedFields/Region", "/extendedFields/trial_status"}),
    ),
    Row(
        route="PUT /v2/leads/{leadId}/status",
        sent=lambda scene: _status(scene, "WON", createdBy=STAFF, createdOn="2024-01-05T08:00:00+05:30"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(sent=_natively_moved, here=_logged_by(STAFF), why="5.5"),
    ),
    _read("/v2/leads/{leadId}/statusLog"),
    Row(
        route="POST /v2/leads/{leadId}/followup",
        sent=lambda scene: Sent("POST", f"/v2/leads/{scene.lead.number}/followup", _contact()),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        again=("follow_up.recorded",),
        native=Native(sent=_natively_contacted, here=_noted_by, why="5.7"),
    ),
    _read("/v2/leads/{leadId}/followups"),
    _read("/v2/leads/reasons"),
    Row(
        route="POST /v2/leads/reasons",
        sent=lambda scene: Sent("POST", "/v2/leads/reasons", [{"reason": scene.text("Not in store")}]),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        bound=(403, None),
        takes_list=True,
    ),
    Row(
        route="POST /v2/leads/reasons",
        case="one alone",
        sent=lambda scene: Sent("POST", "/v2/leads/reasons", {"reason": scene.text("Too far")}),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        bound=(403, None),
        takes_list=True,
    ),
    Row(
        route="POST /v2/leads/substatus",
        sent=lambda scene: Sent(
            "POST", "/v2/leads/substatus", {"status": "ON_HOLD", "subStatus": scene.text("YetToDecide")}
        ),
        scope=Scope.WRITE,
        writes=True,
        stranger=(200, None),
        bound=(403, None),
    ),
    _read("/v2/leads/substatuses"),
    Row(
        route="POST /v3/oauth/token/generate",
        sent=lambda scene: Sent("POST", "/v3/oauth/token/generate", _grant(scene)),
        scope=None,
        is_keyless=True,
        writes=False,
        stranger=(200, None),
    ),
)


def _grant(scene: Scene) -> Json:
    till, _, secret = scene.keys.good.partition(":")
    return {"key": till, "secret": secret}


WORDS = {Category.WON: "WON", Category.LOST: "LOST"}

DIALECT = Dialect(
    name="capillary",
    template="capillary",
    as_tills=True,
    routes=lambda: frozenset(f"{method} {path}" for method, path, *_ in (*ROUTES, *OPEN_ROUTES)),
    rows=ROWS,
    headers=lambda key: {"Authorization": f"Basic {b64encode(key.encode()).decode()}"},
    failure=failure,
    on_error=on_error,
    unauthorized="Authentication failed: check the till id and the MD5 of its password",
    unknown_path="/v2/other",
    move=lambda scene, category: _status(scene, WORDS[category]),
    shown=CAPILLARY.word,
    # There is no call that reads one lead: of those that the caller may see, the newest is the scene's.
    read=lambda _: Sent("GET", "/v2/leads", query={"sortBy": "createdon", "sortOrder": "DESC", "limit": "1"}),
    status_in=lambda told: str(told["data"][0]["status"]),
    fixtures={
        "POST /v2/leads": ("add-lead",),
        "PATCH /v2/leads": ("add-lead",),
        "GET /v2/leads": ("add-lead",),
        "PUT /v2/leads/{leadId}": ("update-lead",),
        "PUT /v2/leads/{leadId}/status": ("update-status",),
        "GET /v2/leads/{leadId}/statusLog": ("status-log",),
        "POST /v2/leads/{leadId}/followup": ("follow-up",),
        "GET /v2/leads/{leadId}/followups": ("follow-ups",),
        "GET /v2/leads/reasons": ("reasons",),
        "POST /v2/leads/reasons": ("reasons",),
        "POST /v2/leads/substatus": ("sub-statuses",),
        "GET /v2/leads/substatuses": ("sub-statuses",),
        "POST /v3/oauth/token/generate": ("token",),
    },
    other_fixtures=("basic-login", "item"),
)
