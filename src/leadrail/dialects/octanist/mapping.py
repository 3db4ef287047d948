"""Octanist's words to commands, and leads back to Octanist's words (contracts/octanist.md, sections 4 to 6 and 8.1)."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category, Status
from leadrail.core.engine import Done
from leadrail.core.errors import Code, Refusal, refuse
from leadrail.core.leads.commands import ChangeStatus, Command, CreateLead, UpdateLead
from leadrail.core.leads.model import Lead, reason_of
from leadrail.core.queries import Seen
from leadrail.dialects import custom
from leadrail.dialects.octanist.auth import FACE
from leadrail.dialects.octanist.envelope import meta
from leadrail.dialects.octanist.errors import TABLE
from leadrail.dialects.octanist.wire import (
    CLICK_IDS,
    CONSENTS,
    UTM,
    CreateAnswer,
    Created,
    LeadCreation,
    LeadUpdate,
    LeadView,
    RefusedLead,
    UpdateAnswer,
    Updated,
)
from leadrail.dialects.words import OCTANIST
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.ids import new_id

LIFE = timedelta(days=90)
ATTRIBUTION = ("website", "path", *CLICK_IDS, *UTM)
_CONSENT = {"granted": True, "denied": False}


# Create


def creation(actor: Actor, channel_id: UUID, body: LeadCreation) -> CreateLead:
    """The new lead that the request asks for. Raises Refused (`invalid`)."""
    kept = custom_text(body.custom)
    fields = {"name": body.name, "email": body.email, "phone": body.phone, "notes": body.note}
    given = {name: text for name, text in fields.items() if text and not text.isspace()}
    if not kept and not given.keys() & {"name", "email", "phone"}:
        raise refuse(Code.INVALID, 'Send at least one of "name", "email", "phone" and "custom"', "/name")
    # A session is a visit that the vendor's pixel has seen. There are none here, so what comes beside the id counts.
    texts = {name: getattr(body, name) for name in ATTRIBUTION} | {"session_id": body.session_id, custom.CUSTOM: kept}
    attribution = {name: text for name, text in texts.items() if text and not text.isspace()} | _consents(body)
    return CreateLead(
        actor=actor,
        channel_id=channel_id,
        lead_id=new_id(),
        fields=given | {"source": "api", "attribution": attribution},
    )


def custom_text(given: str | dict[str, Any] | list[Any] | None) -> str | None:
    """Free data as it is kept: text as it is, all else as its JSON text; blank or empty data is none."""
    if not given or (isinstance(given, str) and given.isspace()):
        return None
    return given if isinstance(given, str) else json_text(given)


def json_text(value: Any) -> str:
    """Raises Refused (`invalid`)."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        raise refuse(Code.INVALID, '"custom" is nested too deeply', "/custom") from None


def _consents(body: LeadCreation) -> dict[str, bool]:
    given = {name: value for name in CONSENTS if (value := getattr(body, name)) is not None}
    return {name: value if isinstance(value, bool) else _consent(name, value) for name, value in given.items()}


def _consent(name: str, word: str) -> bool:
    if (granted := _CONSENT.get(word.strip().casefold())) is None:
        raise refuse(Code.INVALID, f'"{name}" is true or false ("granted" or "denied"), not "{word}"', f"/{name}")
    return granted


def created(done: Done, now: datetime) -> CreateAnswer:
    id = done.lead.called(FACE)
    return CreateAnswer(True, id, Created(id, "Lead added"), meta(now))


# Read


def view(seen: Seen) -> LeadView:
    """A lead of whatever channel, as Octanist shows it."""
    lead, held = seen.lead, seen.lead.attribution
    visit: dict[str, Any] = {name: _text(held.get(name)) for name in ATTRIBUTION}
    visit |= {name: held.get(name) in (True, "granted") for name in CONSENTS}
    status = OCTANIST.word(seen.setup.channel.status_by_id[lead.status_id])
    return LeadView(
        id=lead.called(FACE),
        name=lead.full_name,
        email=lead.email,
        phone=lead.phone,
        status=status,
        value=lead.value,
        currency=lead.currency,
        note=lead.notes,
        custom=_custom(seen),
        loss_reason=reason_of(lead, seen.setup.channel) if status == "lost" else None,
        conversion_name=_text(held.get("conversionName")),
        source=lead.source,
        **visit,
        google_ads_campaign_id=_text(held.get("googleAdsCampaignId")),
        google_ads_campaign_name=_text(held.get("googleAdsCampaignName")),
        google_ads_ad_group_id=_text(held.get("googleAdsAdGroupId")),
        google_ads_ad_group_name=_text(held.get("googleAdsAdGroupName")),
        google_ads_ad_id=_text(held.get("googleAdsAdId")),
        label_id=_text(held.get("label_id")),
        selected_conversion_event_id=_text(held.get("selectedConversionEventId")),
        created_at=with_milliseconds(lead.created_at),
        updated_at=with_milliseconds(lead.updated_at),
        qualified_at=with_milliseconds(lead.qualified_at) if lead.qualified_at is not None else None,
        expires_at=with_milliseconds(lead.created_at + LIFE),
    )


def _custom(seen: Seen) -> str | None:
    """Text as it was sent; of a lead of another face, its properties and what was kept beside them as JSON text."""
    held = seen.lead.attribution.get(custom.CUSTOM)
    if held is None or isinstance(held, dict):
        return custom_text(custom.joined(seen.lead, seen.setup.channel))
    return held if isinstance(held, str) else json_text(held)


def _text(value: Any) -> str | None:
    """A member of the attribution, into which other faces may have put anything."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


# Update


def command(actor: Actor, body: LeadUpdate, seen: Seen) -> Command:
    """What the request asks of this lead. Raises Refused for what the request itself lacks."""
    word, fields = body.word, _fields(body)
    if word is None:
        return UpdateLead(actor=actor, lead_id=seen.lead.id, fields=fields)
    reference = OCTANIST.reference(word)
    target = seen.setup.channel.find_status(reference)
    if body.is_first_generation and target is not None:
        _demand_of_first_generation(body, target, seen.lead)
    reason = body.loss_reason if target is not None and target.category is Category.LOST else None
    return ChangeStatus(
        actor=actor,
        lead_id=seen.lead.id,
        status=reference,
        fields=fields,
        reason=reason,
        note=None if _repeats(body, seen, target, reason) else body.note,
        also_qualified=bool(body.also_qualified),
    )


def check(body: LeadUpdate) -> None:
    """Raises Refused (`invalid`, `unknown_status`) for a request that no lead could satisfy."""
    if body.word is None and not _fields(body):
        raise refuse(Code.INVALID, 'Nothing to change: send "status", "value" or "note"', "/status")
    if body.word is not None and body.word.casefold() == "open":
        message = 'A lead cannot be reopened by this call; "status" is qualified, won or lost'
        raise refuse(Code.UNKNOWN_STATUS, message, "/status")


def _fields(body: LeadUpdate) -> dict[str, Any]:
    currency = body.currency.strip().upper() if body.currency else None
    given = {"value": body.value, "currency": currency, "notes": body.note}
    return {name: value for name, value in given.items() if value is not None}


def _demand_of_first_generation(body: LeadUpdate, target: Status, lead: Lead) -> None:
    """Generation A's own requirements, whatever the channel's statuses require."""
    if target.category not in (Category.WON, Category.QUALIFIED):
        return
    if body.value is None:
        message = f'To mark a lead as {body.changed_to}, send its "value", like 10000'
        raise refuse(Code.MISSING_REQUIREMENT, message, "/value")
    if target.category is Category.WON and not (lead.currency or body.currency):
        message = 'To mark a lead as won it needs a currency and has none; send "currency", like "EUR"'
        raise refuse(Code.MISSING_REQUIREMENT, message, "/currency")


def _repeats(body: LeadUpdate, seen: Seen, target: Status | None, reason: str | None) -> bool:
    """Whether the lead is already there with this note, so that a repeated call is not recorded as a second note."""
    lead = seen.lead
    stays = target is not None and target.id == lead.status_id
    return stays and body.note == lead.notes and reason in (None, reason_of(lead, seen.setup.channel))


def updated(done: Sequence[Done], refused: Sequence[tuple[Lead, Refusal]], now: datetime) -> UpdateAnswer:
    """The answer about the changed leads, newest first, and the ones of them that could not be."""
    newest = done[0]
    lead_id = newest.lead.called(FACE)
    status = newest.setup.channel.status_by_id[newest.lead.status_id]
    details = tuple(
        RefusedLead(lead.called(FACE), TABLE[refusal.code][1], refusal.message) for lead, refusal in refused
    )
    data = Updated(lead_id, len(done), "Lead updated successfully", details)
    return UpdateAnswer(True, lead_id, OCTANIST.word(status), data, meta(now))
