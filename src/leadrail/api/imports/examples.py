"""The examples of the import operations."""

from typing import Any

from leadrail.api.examples import CHANNEL_ID, LATER, NOON

FILE = "Vorname;E-Mail;Budget\nJane;jane@example.com;50.000,00\n"
REFUSED = 'Vorname;E-Mail;Budget;import_error\r\nBo;bo@example.com;viel;"Column ""Budget"": ..."\r\n'
PATCH: dict[str, Any] = {"mapping": {"Budget": "value"}, "duplicates": "update", "save_as": "Fair"}

_OPTIONS: dict[str, Any] = {
    "statuses": {},
    "duplicates": "update",
    "match_by": ["email", "phone", "business_id"],
    "date_order": None,
    "decimal_mark": ",",
    "tell": False,
}
_COUNTS = {"rows": 0, "created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}
_COLUMNS = (
    ("Vorname", "first_name", "Jane"),
    ("E-Mail", "email", "jane@example.com"),
    ("Budget", "value", "50.000,00"),
)

DRAFT: dict[str, Any] = {
    "id": "0199a3c9-0f0f-7b2c-9c3d-4e5f00000000",
    "name": "leads.csv",
    "channel_id": CHANNEL_ID,
    "state": "draft",
    "encoding": "utf-8",
    "delimiter": ";",
    "columns": [{"name": name, "field": field, "samples": [cell]} for name, field, cell in _COLUMNS],
    **_OPTIONS,
    "rows": 1,
    "done": _COUNTS,
    "checked": None,
    "undo": None,
    "error": None,
    "created_at": NOON,
    "started_at": None,
    "finished_at": None,
}
_BEGUN = DRAFT | {"columns": [column | {"samples": []} for column in DRAFT["columns"]]}
CHECKING = _BEGUN | {"state": "checking"}
DONE = _BEGUN | {
    "state": "done",
    "done": _COUNTS | {"rows": 1, "created": 1},
    "started_at": NOON,
    "finished_at": LATER,
}
UNDOING = DONE | {"state": "undoing", "finished_at": LATER}
PRESET: dict[str, Any] = {
    "id": "0199a3c9-1a1a-7b2c-9c3d-4e5f60718299",
    "name": "Fair",
    "mapping": {name: field for name, field, _ in _COLUMNS},
    **_OPTIONS,
    "updated_at": NOON,
}
