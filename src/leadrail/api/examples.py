"""The examples of the OpenAPI description. A test sends every request example and reads every answer example."""

from typing import Any

from leadrail.core.leads.erasing import PERSONAL

CHANNEL_ID = "0199a3c0-5b7e-7c31-9d0a-3f1b2a6c4d10"
LEAD_ID = "0199a3c2-11aa-7e52-8f77-9b0c1d2e3f40"
OTHER_LEAD_ID = "0199a3c2-11aa-7e52-8f77-9b0c1d2e3f41"
NEW_STATUS_ID = "0199a3c0-5b7f-7a10-8c1d-0a1b2c3d4e01"
QUALIFIED_ID = "0199a3c0-5b7f-7a10-8c1d-0a1b2c3d4e02"
WON_ID = "0199a3c0-5b7f-7a10-8c1d-0a1b2c3d4e03"
COMPANY_ID = "0199a3bf-0001-7d20-a1b2-c3d4e5f60718"
PARTNER_ID = "0199a3bf-0002-7d20-a1b2-c3d4e5f60719"
KEY_ID = "0199a3bf-0003-7d20-a1b2-c3d4e5f6071a"
TRIGGER_ID = "0199a3c1-0a0a-7b2c-9c3d-4e5f60718293"
REWARD_ID = "0199a3c8-0d0d-7b2c-9c3d-4e5f60718296"
ENDPOINT_ID = "0199a3c1-0b0b-7b2c-9c3d-4e5f60718294"
EVENT_ID = "0199a3c6-7d21-7f00-9a4b-1c2d3e4f5a6b"
USER_ID = "0199a3bf-0004-7d20-a1b2-c3d4e5f6071b"
RULE_ID = "0199a3c1-0e0e-7b2c-9c3d-4e5f60718297"
BULK_CHANGE_ID = "0199a3cc-0a0a-7b2c-9c3d-4e5f6071829b"
OTHER_CHANNEL_ID = "0199a3c0-5b7e-7c31-9d0a-3f1b2a6c4d11"
BLOCK_ID = "0199a3cd-0a0a-7b2c-9c3d-4e5f6071829c"
RETENTION_RULE_ID = "0199a3c1-0f0f-7b2c-9c3d-4e5f60718298"
NOON = "2026-11-21T12:00:00Z"
LATER = "2026-11-21T12:05:00Z"

NEW_LEAD = {
    "channel_id": CHANNEL_ID,
    "email": "jane@example.com",
    "phone": "+1 415 555 2671",
    "first_name": "Jane",
    "last_name": "Doe",
    "company_name": "Acme Inc",
    "source": "website",
    "properties": {"Deal size": 50000},
    "attribution": {"utm_source": "google"},
}

EXPORT = f"leadrail_id,number,channel,status,category,...\r\n{LEAD_ID},42,Website,New,open,...\r\n"

LEAD = {
    "id": LEAD_ID,
    "number": 42,
    "channel_id": CHANNEL_ID,
    "status": {"id": NEW_STATUS_ID, "name": "New", "category": "open"},
    "sub_status": None,
    "reason": None,
    "email": "jane@example.com",
    "phone": "+1 415 555 2671",
    "linkedin_url": None,
    "first_name": "Jane",
    "last_name": "Doe",
    "name": "Jane Doe",
    "title": None,
    "company_name": "Acme Inc",
    "source": "website",
    "assignee": None,
    "notes": None,
    "business_id": None,
    "value": None,
    "currency": "EUR",
    "properties": {"Deal size": 50000},
    "attribution": {"utm_source": "google"},
    "next_follow_up_at": None,
    "qualified_at": None,
    "closed_at": None,
    "created_at": NOON,
    "updated_at": NOON,
    "version": 1,
    "erased_at": None,
}

STATUS_CHANGE = {"status": "Qualified", "value": "5000", "note": "Budget confirmed by phone"}

QUALIFIED_LEAD = LEAD | {
    "status": {"id": QUALIFIED_ID, "name": "Qualified", "category": "qualified"},
    "value": "5000",
    "qualified_at": LATER,
    "updated_at": LATER,
    "version": 2,
}

CHANNEL_CHANGE = {"channel_id": OTHER_CHANNEL_ID, "status": "Qualified", "note": "Came in by the wrong form"}

MOVED_LEAD = QUALIFIED_LEAD | {"channel_id": OTHER_CHANNEL_ID, "value": None}

LEAD_PATCH = {"title": "Head of Operations", "source": None, "properties": {"Deal size": 75000}}

EDITED_LEAD = LEAD | {
    "title": "Head of Operations",
    "source": None,
    "properties": {"Deal size": 75000},
    "updated_at": LATER,
    "version": 2,
}

TRANSITIONS = {
    "data": [
        {
            "status": {"id": WON_ID, "name": "Won", "category": "won"},
            "requires": ["value", "currency"],
            "missing": ["value"],
        }
    ],
    "next_cursor": None,
}

EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "type": "lead.status_changed",
    "lead_id": LEAD_ID,
    "channel_id": CHANNEL_ID,
    "occurred_at": LATER,
    "recorded_at": LATER,
    "actor": {"kind": "api_key", "id": KEY_ID, "face": "api"},
    "data": {
        "from": {"id": NEW_STATUS_ID, "name": "New", "category": "open"},
        "to": {"id": QUALIFIED_ID, "name": "Qualified", "category": "qualified"},
        "reason": None,
        "reason_id": None,
        "sub_status": None,
        "note": "Budget confirmed by phone",
        "value": "5000",
        "currency": "EUR",
        "changed": {"value": {"from": None, "to": "5000"}},
        "seconds_in_previous": 300,
    },
}

NEW_FOLLOW_UP = {"done_at": NOON, "done_by": "sam@example.com", "notes": "Left a message", "next_at": LATER}

FOLLOW_UP = {
    "id": "0199a3c7-0c0c-7b2c-9c3d-4e5f60718295",
    "number": 7,
    "scheduled_at": NOON,
    "followed_up_at": NOON,
    "followed_up_by": "sam@example.com",
    "notes": "Left a message",
    "created_by": None,
    "created_at": NOON,
}

COMPANY = {"id": COMPANY_ID, "name": "Acme", "country": "DK", "time_zone": "Europe/Copenhagen", "created_at": NOON}

KEY = {
    "id": KEY_ID,
    "name": "website form",
    "scopes": ["write"],
    "channel_ids": [CHANNEL_ID],
    "default_channel": CHANNEL_ID,
    "till": None,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "created_at": NOON,
    "time_zone": None,
    "user_id": None,
}

NEW_KEY = {"name": "website form", "scopes": ["write"], "channel_ids": [CHANNEL_ID], "default_channel": CHANNEL_ID}

NEW_USER = {"email": "sam@example.com", "role": "member", "name": "Sam"}

USER = NEW_USER | {"id": USER_ID, "state": "active", "created_at": NOON}

STATUS = {
    "id": WON_ID,
    "name": "Won",
    "category": "won",
    "position": 3,
    "color": "#22C55E",
    "visible": True,
    "requires": ["value", "currency"],
    "next": None,
    "follow_up": None,
}

NEW_STATUS = {
    "name": "Proposal sent",
    "category": "qualified",
    "requires": ["value"],
    "follow_up": {"after_hours": 48, "note": "Call"},
}

PROPERTY = {
    "id": "0199a3c0-5b80-7a10-8c1d-0a1b2c3d4e04",
    "name": "Deal size",
    "type": "number",
    "options": [],
    "position": 1,
    "visible": True,
}

NEW_PROPERTY = {"name": "Region", "type": "select", "options": ["EMEA", "Americas"]}

CHANNEL = {
    "id": CHANNEL_ID,
    "public_id": "0199a3c0-5b7e-7c31-9d0a-3f1b2a6c4d11",
    "number": 3,
    "title": "Website",
    "currency": "EUR",
    "template": "sales",
    "public_submissions": False,
    "duplicates": "allow",
    "statuses": [STATUS],
    "properties": [PROPERTY],
    "members": [{"company_id": COMPANY_ID, "role": "creator"}, {"company_id": PARTNER_ID, "role": "referring"}],
    "created_at": NOON,
    "paused_at": None,
    "archived_at": None,
}

NEW_CHANNEL = {
    "title": "Website",
    "currency": "EUR",
    "template": "sales",
    "properties": [{"name": "Deal size", "type": "number"}],
}

TRIGGER = {
    "id": TRIGGER_ID,
    "cause": "status_change",
    "status_id": WON_ID,
    "kind": "percent",
    "amount": "10",
    "repeat": False,
    "state": "active",
    "cap": "1000",
    "hold_days": 30,
}

NEW_TRIGGER = {
    "cause": "status_change",
    "status": "Won",
    "kind": "percent",
    "amount": "10",
    "cap": "1000",
    "hold_days": 30,
}

ASSIGNMENT = {
    "assignees": [{"assignee": "sam@example.com", "weight": 2}, {"assignee": "kim@example.com", "weight": 1}],
    "rules": [{"source": "trade fair", "assignees": [{"assignee": "Field sales", "weight": 1}]}],
    "absences": [{"assignee": "kim@example.com", "from": "2026-12-21T00:00:00Z", "to": "2027-01-04T00:00:00Z"}],
}

RULE = {
    "id": RULE_ID,
    "name": "Back to the start after two weeks",
    "cause": "untouched",
    "from_status_id": QUALIFIED_ID,
    "to_status_id": NEW_STATUS_ID,
    "after_days": 14,
    "reason": "No answer",
    "state": "active",
}

NEW_RULE = {
    "name": "Back to the start after two weeks",
    "cause": "untouched",
    "from_status": "Qualified",
    "to_status": "New",
    "after_days": 14,
    "reason": "No answer",
}

RETENTION_RULE = {
    "id": RETENTION_RULE_ID,
    "name": "Lost for a year",
    "since": "closed",
    "after_days": 365,
    "status_id": None,
    "category": "lost",
    "state": "paused",
}

NEW_RETENTION_RULE = {"name": "Lost for a year", "category": "lost", "since": "closed", "after_days": 365}

REWARD = {
    "id": REWARD_ID,
    "trigger_id": TRIGGER_ID,
    "lead_id": LEAD_ID,
    "channel_id": CHANNEL_ID,
    "company_id": PARTNER_ID,
    "amount": "500",
    "currency": "EUR",
    "state": "pending",
    "created_at": LATER,
    "payer_company_id": COMPANY_ID,
    "hold_until": None,
    "reason": None,
    "corrects": None,
    "clawed_back": False,
    "decided_at": None,
}

APPROVED_REWARD = REWARD | {"state": "approved", "decided_at": LATER}

CORRECTION = REWARD | {
    "id": "0199a3c8-1d1d-7b2c-9c3d-4e5f60718296",
    "amount": "-120",
    "reason": "Part of the order was returned",
    "corrects": REWARD_ID,
}

REWARD_TOTAL = {
    "earner": PARTNER_ID,
    "channel_id": CHANNEL_ID,
    "month": "2026-11",
    "currency": "EUR",
    "rewards": 4,
    "pending": "500",
    "approved": "0",
    "rejected": "80",
    "paid": "1200",
    "corrections": "-120",
    "net": "1580",
}

ENDPOINT = {
    "id": ENDPOINT_ID,
    "url": "https://example.com/hooks/leads",
    "events": ["lead.status_changed"],
    "channel_id": None,
    "format": "native",
    "ordered": False,
    "event_names": "first",
    "statuses": [],
    "categories": [],
    "changed": [],
    "header_names": [],
    "state": "active",
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "created_at": NOON,
}

ENDPOINT_PATCH = {"statuses": ["Won"], "changed": ["value"], "ordered": True}

DELIVERY = {
    "id": "0199a3cb-0a0a-7b2c-9c3d-4e5f6071829a",
    "event_id": EVENT_ID,
    "event_type": "lead.status_changed",
    "lead_id": LEAD_ID,
    "state": "delivered",
    "due_at": LATER,
    "attempts": 1,
    "last_outcome": "ok",
    "created_at": LATER,
    "finished_at": LATER,
}

TRY = {
    "number": 1,
    "started_at": LATER,
    "duration_ms": 48,
    "outcome": "ok",
    "status_code": 204,
    "response": "",
}

NEW_ENDPOINT = {"url": "https://example.com/hooks/leads", "events": ["lead.status_changed"]}

REASON = {"id": "0199a3c9-0e0e-7b2c-9c3d-4e5f60718297", "number": 5, "text": "Best price at another store"}

REASON_COUNTS = [
    {"reason_id": REASON["id"], "reason": REASON["text"], "leads": 31, "moves": 34},
    {"reason_id": None, "reason": "Moved away", "leads": 2, "moves": 2},
]

SUB_STATUS = {"id": "0199a3c9-0f0f-7b2c-9c3d-4e5f60718298", "category": "on_hold", "name": "YetToDecide"}

NEW_NOTE = {"text": "Met at the fair; wants a demo", "author": "sam@example.com"}

NEW_CONSENT = {
    "purpose": "newsletter",
    "basis": "consent",
    "state": "given",
    "at": "2026-01-05T12:00:00Z",
    "source": "Form on /fair",
    "proof": "Ticked: Yes, send me the newsletter. Confirmed by e-mail.",
}

CONSENT = NEW_CONSENT | {"id": "0199a3ce-0a0a-7b2c-9c3d-4e5f6071829d", "recorded_at": LATER}

NOTE = NEW_NOTE | {"id": "0199a3cb-0a0a-7b2c-9c3d-4e5f6071829a", "created_at": LATER}

NEW_PURCHASE = {"name": "Pro plan", "amount": "1500", "currency": "EUR"}

PURCHASE = {
    "id": "0199a3ca-0a0a-7b2c-9c3d-4e5f60718299",
    "name": "Pro plan",
    "description": None,
    "amount": "1500",
    "currency": "EUR",
    "purchased_at": NOON,
    "created_at": LATER,
}

ERASED_LEAD = QUALIFIED_LEAD | dict.fromkeys(PERSONAL) | {"properties": {}, "attribution": {}, "erased_at": LATER}

NEW_BULK_CHANGE = {
    "ids": [LEAD_ID],
    "action": {"type": "status", "status": "Lost", "reason": "No answer for a year"},
}

BULK_CHANGE: dict[str, Any] = {
    "id": BULK_CHANGE_ID,
    "key_id": KEY_ID,
    "state": "waiting",
    "action": {"type": "status", "status": "Lost", "fields": [], "properties": [], "channel_id": None},
    "filtered_by": None,
    "total": 1,
    "done": 0,
    "changed": 0,
    "unchanged": 0,
    "refused": 0,
    "stopped_because": None,
    "created_at": NOON,
    "started_at": None,
    "finished_at": None,
}

DONE_BULK_CHANGE = BULK_CHANGE | {
    "state": "done",
    "done": 1,
    "refused": 1,
    "started_at": NOON,
    "finished_at": LATER,
}

BULK_OUTCOME = {
    "n": 1,
    "lead_id": LEAD_ID,
    "outcome": "refused",
    "code": "transition_not_allowed",
    "message": '"New" may be followed by Qualified, not by "Lost"',
}

PREVIEW = {
    "dry_run": True,
    "changed": True,
    "lead": QUALIFIED_LEAD,
    "events": [EVENT],
    "rewards": [],
    "deliveries": [{"endpoint_id": ENDPOINT_ID, "event_type": "lead.status_changed"}],
}

PROBLEM = {
    "type": "/docs#problem-transition_not_allowed",
    "title": "Transition not allowed",
    "status": 409,
    "code": "transition_not_allowed",
    "detail": '"New" may be followed by Qualified, Lost, not by "Won"',
    "field": "/status",
    "details": {"next": ["Qualified", "Lost"]},
}

LEAD_FILTER = {
    "and": [
        {"field": "category", "in": ["open", "qualified"]},
        {"or": [{"field": "value", "gte": 1000}, {"field": "source", "eq": "website"}]},
    ]
}

LEAD_SEARCH = {"filter": LEAD_FILTER, "q": "jane", "sort": ["-created_at"], "fields": ["name", "status"], "count": True}

FOUND_LEADS = {
    "data": [{name: LEAD[name] for name in ("id", "name", "status")}],
    "next_cursor": None,
    "count": 1,
    "count_is_estimate": False,
}

NEW_VIEW = {
    "name": "Worth a call",
    "filter": LEAD_FILTER,
    "sort": ["-created_at"],
    "fields": ["name", "phone"],
    "shared": True,
}

VIEW = NEW_VIEW | {
    "id": "0199a3d0-0f0f-7b2c-9c3d-4e5f60718298",
    "user_id": USER_ID,
    "fields": ["id", "name", "phone"],
    "created_at": NOON,
    "updated_at": NOON,
}

_COUNTED = {"exact": True, "complete_until": NOON}
_NEW, _WON = LEAD["status"], {"id": WON_ID, "name": "Won", "category": "won"}
_VALUES = [{"currency": "EUR", "value": "12500"}]
_NEW_COLUMN = {"channel_id": CHANNEL_ID, "status": _NEW}
_WON_COLUMN = {"channel_id": CHANNEL_ID, "status": _WON}

BOARD = _COUNTED | {
    "leads": 40,
    "data": [_NEW_COLUMN | {"leads": 35, "values": []}, _WON_COLUMN | {"leads": 5, "values": _VALUES}],
}

FUNNEL = _COUNTED | {
    "leads": 40,
    "data": [_NEW_COLUMN | {"reached": 40, "standing": 35}, _WON_COLUMN | {"reached": 5, "standing": 5}],
    "conversions": [{"from_id": NEW_STATUS_ID, "to_id": WON_ID, "leads": 5, "rate": 0.125}],
}

MOVES = _COUNTED | {
    "data": [_NEW_COLUMN | {"entered": 12, "left": 4}, _WON_COLUMN | {"entered": 4, "left": 0}],
    "ways": [
        {"from_id": None, "to_id": NEW_STATUS_ID, "moves": 12, "rate": None},
        {"from_id": NEW_STATUS_ID, "to_id": WON_ID, "moves": 4, "rate": 1.0},
    ],
}

SHARES = _COUNTED | {
    "data": [
        {
            "name": "website",
            "leads": 40,
            "standing": {"open": 35, "qualified": 0, "won": 5, "lost": 0, "on_hold": 0, "deleted": 0},
            "rate": 0.125,
            "values": _VALUES,
        }
    ],
    "others": None,
}

WON_LIST = _COUNTED | {"data": [{"day": "2026-11-01", "leads": 5, "values": _VALUES}]}

VELOCITY = _COUNTED | {"data": [_NEW_COLUMN | {"stays": 4, "median_s": 88_500, "p90_s": 260_000}]}

AGEING = _COUNTED | {
    "data": [
        _NEW_COLUMN
        | {
            "leads": 35,
            "ages": [
                {"from_days": 0, "to_days": 1, "leads": 5},
                {"from_days": 1, "to_days": 3, "leads": 10},
                {"from_days": 3, "to_days": 7, "leads": 20},
                {"from_days": 7, "to_days": 14, "leads": 0},
                {"from_days": 14, "to_days": 30, "leads": 0},
                {"from_days": 30, "to_days": 90, "leads": 0},
                {"from_days": 90, "to_days": None, "leads": 0},
            ],
        }
    ]
}

BLOCK = {"id": BLOCK_ID, "kind": "email", "domain": None, "cause": "request", "created_at": NOON}
