"""SendPilot as the suite over all dialects sees it (contracts/sendpilot.md)."""

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category
from leadrail.dialects.sendpilot.errors import NAMES, on_error
from leadrail.dialects.sendpilot.routes import CALLS, NOT_OFFERED
from leadrail.dialects.words import SENDPILOT
from tests.dialects.conformance import Dialect, Json, Native, Row, Sent
from tests.dialects.scene import Scene

NO_LEAD = (404, "Lead not found")
NOT_YOURS = (403, "API key does not have permission to access this workspace")


def failure(status: int, told: Json) -> str:
    assert list(told) == ["statusCode", "message", "error"]
    assert (told["statusCode"], told["error"]) == (status, NAMES[status])
    return str(told["message"])


def _status(scene: Scene, **members: Json) -> Sent:
    return Sent("PATCH", f"/v1/leads/{scene.lead.id}/status", members)


def _natively(scene: Scene, **members: Json) -> Sent:
    return Sent("PUT", f"/v1/leads/{scene.lead.id}/status", members)


def _entry(scene: Scene) -> Json:
    return {
        "linkedinUrl": f"https://www.linkedin.com/in/jane-q{scene.number}q",
        "firstName": "Jane",
        "lastName": "Smith",
        "company": "TechCorp",
        "title": "VP",
        "Region": "North America",
        "customScore": 85,
    }


def _natively_added(scene: Scene) -> Sent:
    body = {
        "channel_id": str(scene.channel.id),
        "linkedin_url": f"https://www.linkedin.com/in/jane-q{scene.number}q",
        "first_name": "Jane",
        "last_name": "Smith",
        "company_name": "TechCorp",
        "title": "VP",
        "properties": {"Region": "North America"},
        "attribution": {"custom": {"customScore": 85}},
    }
    return Sent("POST", "/v1/leads", body)


def _campaign(scene: Scene, action: str) -> Sent:
    return Sent("PATCH", f"/v1/campaigns/{scene.channel.id}", {"action": action})


def _not_offered(method: str, path: str) -> Row:
    """Leadrail sends nothing to LinkedIn and searches nothing there, whoever asks."""
    filled = path.replace("{id}", "lead_abc123")
    return Row(
        route=f"{method} {path}",
        sent=lambda _: Sent(method, f"/v1{filled}", {"message": "Hi"} if method == "POST" else None),
        scope=None,
        writes=False,
        stranger=(501, None),
        status=501,
        has_body=False,
    )


ROWS = (
    Row(
        route="GET /me",
        sent=lambda _: Sent("GET", "/v1/me"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
    ),
    Row(
        route="GET /credits",
        sent=lambda _: Sent("GET", "/v1/credits"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
    ),
    Row(
        route="GET /campaigns",
        sent=lambda _: Sent("GET", "/v1/campaigns"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
        queries=("status", "page", "limit"),
    ),
    Row(
        route="GET /campaigns/{id}",
        sent=lambda scene: Sent("GET", f"/v1/campaigns/{scene.channel.id}"),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOURS,
        has_body=False,
    ),
    Row(
        route="PATCH /campaigns/{id}",
        sent=lambda scene: _campaign(scene, "pause"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOURS,
        is_of_channel=True,
        native=Native(sent=lambda scene: Sent("POST", f"/v1/channels/{scene.channel.id}/pause")),
    ),
    Row(
        route="GET /leads",
        sent=lambda scene: Sent("GET", "/v1/leads", query={"campaignId": str(scene.channel.id), "full": "true"}),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOURS,
        has_body=False,
        queries=("campaignId", "status", "page", "limit", "full"),
    ),
    Row(
        route="GET /leads",
        case="of every campaign",
        sent=lambda _: Sent("GET", "/v1/leads", query={"full": "true"}),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
        has_body=False,
    ),
    Row(
        route="GET /leads/{id}",
        sent=lambda scene: Sent("GET", f"/v1/leads/{scene.lead.id}", query={"full": "true"}),
        scope=Scope.READ,
        writes=False,
        stranger=NO_LEAD,
        has_body=False,
        queries=("full",),
    ),
    Row(
        route="POST /leads",
        sent=lambda scene: Sent("POST", "/v1/leads", {"campaignId": str(scene.channel.id), "leads": [_entry(scene)]}),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOURS,
        status=201,
        native=Native(sent=_natively_added),
        judged_alone="/leads",
        free=frozenset({"/leads/0/Region", "/leads/0/customScore"}),
    ),
    Row(
        route="PATCH /leads/{id}/status",
        sent=lambda scene: _status(scene, status="DONE"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        native=Native(sent=lambda scene: _natively(scene, status="DONE")),
    ),
    Row(
        route="PATCH /leads/{id}/status",
        case="with a note",
        sent=lambda scene: _status(scene, status="DONE", note="Signed"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NO_LEAD,
        again=("lead.updated",),  # the note is added to the history each time (section 7)
        native=Native(sent=lambda scene: _natively(scene, status="DONE", note="Signed")),
    ),
    *(_not_offered(method, path) for method, path, _ in NOT_OFFERED),
)

WORDS = {Category.OPEN: "PENDING", Category.WON: "DONE", Category.LOST: "NOT_INTERESTED"}

DIALECT = Dialect(
    name="sendpilot",
    template="sendpilot",
    routes=lambda: frozenset(
        [f"{row.method} {row.path}" for row in CALLS] + [f"{method} {path}" for method, path, _ in NOT_OFFERED]
    ),
    same_paths={"/api/v1": "/v1"},
    body_limit=4 << 20,
    rows=ROWS,
    headers=lambda key: {"X-API-Key": key},
    failure=failure,
    on_error=on_error,
    unauthorized="Invalid API key",
    unknown_path="/v1/other",
    move=lambda scene, category: _status(scene, status=WORDS[category]),
    shown=SENDPILOT.word,
    read=lambda scene: Sent("GET", f"/v1/leads/{scene.lead.id}"),
    status_in=lambda told: str(told["status"]),
    fixtures={
        "GET /me": (),
        "GET /credits": ("credits_first", "credits_newest"),
        "GET /campaigns": ("list_campaigns",),
        "GET /campaigns/{id}": ("campaign_metrics",),
        "PATCH /campaigns/{id}": ("pause_campaign",),
        "GET /leads": ("list_leads",),
        "GET /leads/{id}": ("list_leads",),
        "POST /leads": ("add_leads",),
        "PATCH /leads/{id}/status": ("update_lead_status_g1", "update_lead_status_g3"),
        "GET /senders/quotas": (),
        "GET /inbox/senders": (),
        "GET /inbox/conversations": ("conversations",),
        "GET /inbox/conversations/{id}/messages": ("messages",),
        "POST /inbox/send": ("send_message",),
        "POST /inbox/send/lead/{id}": (),
        "POST /inbox/connect": ("connect",),
        "GET /lead-database/filters": (),
        "POST /lead-database/searches": (),
        "GET /lead-database/searches/{id}/status": ("search_status",),
        "GET /lead-database/searches/{id}/results": (),
        "POST /lead-extractor/campaigns": (),
        "GET /lead-extractor/campaigns/{id}/status": ("extraction_status",),
        "GET /lead-extractor/campaigns/{id}/results": (),
    },
    other_fixtures=(
        "error_envelope",
        "foreign_workspace",
        "invalid_key",
        "lead_status_changed",
        "campaign_paused",
        "events_not_sent",
    ),
)
