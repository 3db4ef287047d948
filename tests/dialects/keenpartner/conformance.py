"""KeenPartner as the suite over all dialects sees it (contracts/keenpartner.md)."""

from leadrail.core.actor import Scope
from leadrail.core.channels.model import Category
from leadrail.dialects.keenpartner.errors import on_error
from leadrail.dialects.keenpartner.routes import ACTIONS
from tests.dialects.conformance import Dialect, Json, Native, Row, Sent, Written
from tests.dialects.scene import Scene, first_of

NOT_YOURS = (403, "Channel not accessible")
NOT_YOUR_LEAD = (403, "Lead not accessible")


def act(action: str, **members: Json) -> Sent:
    return Sent("POST", "/functions/v1/keen-api", {"action": action, **members})


def act_first(action: str, **members: Json) -> Sent:
    """By the vendor's first pages, at the path that they name."""
    return Sent("POST", "/functions/v1/openapi-operations", {"action": action, **members})


def failure(status: int, told: Json) -> str:
    assert set(told) == {"error"}
    return str(told["error"])


def _new_lead(scene: Scene) -> Json:
    return {
        "email": f"new.q{scene.number}q@example.com",
        "first_name": "Jane",
        "phone": "+1-555-0199",
        "source": "Website",
        "employee": "Jamie",
        "notes": "Interested in enterprise plan",
        "properties": [{"property_definitions_id": str(scene.size.id), "value": "50000"}],
    }


def _natively_new(scene: Scene) -> Sent:
    made = _new_lead(scene)
    attribution = {"referred_by": made.pop("employee")}
    (size,) = made.pop("properties")
    body = {"channel_id": str(scene.channel.id), "properties": {"Deal size": size["value"]}, "attribution": attribution}
    return Sent("POST", "/v1/leads", body | made)


def _edit(scene: Scene) -> Json:
    value = {"property_definitions_id": str(scene.size.id), "value": "50000"}
    return {"first_name": "Jane", "notes": "Called", "referring_employee": "Jamie", "properties": [value]}


def _natively_edited(scene: Scene) -> Sent:
    body = {"first_name": "Jane", "notes": "Called", "attribution": {"referred_by": "Jamie"}}
    return Sent("PATCH", f"/v1/leads/{scene.lead.id}", body | {"properties": {"Deal size": "50000"}})


def _in_silence(written: Written) -> Written:
    """The lead as it is after the native call, and nothing else."""
    return {table: rows if table == "leads" else [] for table, rows in written.items()}


def _told_to_nobody(written: Written) -> Written:
    """The same history and rewards; no webhook, no notice."""
    events = [event | {"notice": False} for event in written["events"]]
    return written | {"events": events, "deliveries": []}


def _natively_moved(scene: Scene) -> Sent:
    return Sent("PUT", f"/v1/leads/{scene.lead.id}/status", {"status": "Won"})


PURCHASE = {"purchase_amount": 1500, "date": "2026-04-21T10:00:00Z"}


def _natively_bought(scene: Scene) -> Sent:
    body = {"name": "Pro plan", "description": "Annual", "amount": 1500, "at": "2026-04-21T10:00:00Z"}
    return Sent("POST", f"/v1/leads/{scene.lead.id}/purchases", body)


ROWS = (
    Row(
        route="get_channels",
        sent=lambda _: act("get_channels"),
        scope=Scope.READ,
        writes=False,
        stranger=(200, None),
    ),
    Row(
        route="get_leads",
        sent=lambda scene: act("get_leads", channel_id=str(scene.channel.id)),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOURS,
    ),
    Row(
        route="get_leads",
        case="of the first pages",
        sent=lambda scene: act_first("get_leads", channel_id=str(scene.channel.id)),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOURS,
    ),
    Row(
        route="get_lead_by_id",
        sent=lambda scene: act("get_lead_by_id", lead_id=str(scene.lead.id)),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOUR_LEAD,
    ),
    Row(
        route="get_lead_by_legacy_id",
        sent=lambda scene: act("get_lead_by_legacy_id", legacy_id=scene.lead.number),
        scope=Scope.READ,
        writes=False,
        stranger=NOT_YOUR_LEAD,
    ),
    Row(
        route="create_lead",
        sent=lambda scene: act("create_lead", channel_id=str(scene.channel.id), **_new_lead(scene)),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOURS,
        again=("lead.created", "reward.created"),
        native=Native(sent=_natively_new),
        free=frozenset({"/properties/0/value"}),
    ),
    Row(
        route="update_lead",
        sent=lambda scene: act("update_lead", lead_id=str(scene.lead.id), **_edit(scene)),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOUR_LEAD,
        native=Native(sent=_natively_edited, here=_in_silence, why="4.6"),
        free=frozenset({"/properties/0/value"}),
    ),
    Row(
        route="update_status",
        sent=lambda scene: act("update_status", lead_id=str(scene.lead.id), status="Won"),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOUR_LEAD,
        native=Native(sent=_natively_moved),
    ),
    Row(
        route="update_status_id",
        sent=lambda scene: act(
            "update_status_id", lead_id=str(scene.lead.id), status_id=str(scene.channel.status_by_name["won"].id)
        ),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOUR_LEAD,
        native=Native(sent=_natively_moved),
    ),
    Row(
        route="create_purchase",
        sent=lambda scene: act(
            "create_purchase",
            lead_id=str(scene.lead.id),
            product_name="Pro plan",
            product_description="Annual",
            **PURCHASE,
        ),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOUR_LEAD,
        again=("purchase.recorded", "reward.created"),
        native=Native(sent=_natively_bought),
    ),
    Row(
        route="create_purchase_custom",
        sent=lambda scene: act_first(
            "create_purchase_custom",
            lead_id=str(scene.lead.id),
            product_name="Pro plan",
            product_description="Annual",
            **PURCHASE,
        ),
        scope=Scope.WRITE,
        writes=True,
        stranger=NOT_YOUR_LEAD,
        again=("purchase.recorded", "reward.created"),
        native=Native(sent=_natively_bought),
    ),
    Row(
        route="lead_external",
        sent=lambda scene: act("lead_external", channel_id=str(scene.channel.public_id), **_new_lead(scene)),
        scope=None,
        is_keyless=True,
        writes=True,
        stranger=(200, None),
        again=("lead.created", "reward.created"),
        native=Native(sent=_natively_new, here=_told_to_nobody, why="4.9"),
        free=frozenset({"/properties/0/value"}),
    ),
)


def _move(scene: Scene, category: Category) -> Sent:
    return act("update_status", lead_id=str(scene.lead.id), status=first_of(scene.channel, category).name)


DIALECT = Dialect(
    name="keenpartner",
    template="keenpartner",
    routes=lambda: frozenset(str(kind.__struct_config__.tag) for kind in ACTIONS),
    rows=ROWS,
    headers=lambda key: {"X-Api-Key": key},
    failure=failure,
    on_error=on_error,
    unauthorized="Invalid API key",
    unknown_path="/functions/v1/other",
    move=_move,
    shown=lambda status: status.name,
    read=lambda scene: act("get_lead_by_id", lead_id=str(scene.lead.id)),
    status_in=lambda told: str(told["lead"]["status"]),
    fixtures={
        "get_channels": ("get_channels",),
        "get_leads": ("get_leads", "get_leads_first"),
        "get_lead_by_id": ("get_lead_by_id",),
        "get_lead_by_legacy_id": ("get_lead_by_legacy_id",),
        "create_lead": ("create_lead",),
        "update_lead": (),
        "update_status": ("update_status",),
        "update_status_id": ("update_status_id",),
        "create_purchase": ("create_purchase", "create_purchase_first"),
        "create_purchase_custom": ("create_purchase_custom",),
        "lead_external": ("lead_external",),
    },
    other_fixtures=("error",),
)
