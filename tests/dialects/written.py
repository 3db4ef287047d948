"""What a call has written, as rows that can be compared with those of another call."""

import re
from collections.abc import Mapping
from uuid import UUID

from leadrail.core.leads.model import Lead
from tests.dialects.conformance import Json, Written
from tests.dialects.scene import Scene


class Recorder:
    """Tells the rows that a company has gained since it was made or last asked."""

    STATEMENTS: Mapping[str, str] = {
        "leads": "SELECT id::text AS key, to_jsonb(t) AS row FROM leads t WHERE company_id = $1",
        "events": """SELECT seq::text AS key, jsonb_build_object('type', type, 'from', from_status_id,
            'to', to_status_id, 'notice', notice, 'data', data, 'lead', lead_id IS NOT NULL) AS row
            FROM events WHERE company_id = $1 ORDER BY seq""",
        "deliveries": """SELECT d.id::text AS key, jsonb_build_object('type', e.type, 'endpoint', d.endpoint_id,
            'state', d.state, 'payload', d.payload::jsonb - 'actor') AS row
            FROM deliveries d JOIN events e ON (e.company_id, e.seq) = (d.company_id, d.event_seq)
            WHERE d.company_id = $1 ORDER BY d.event_seq""",
        "rewards": """SELECT id::text AS key, jsonb_build_object('trigger', trigger_id, 'amount', amount,
            'currency', currency, 'earner', earner_company_id, 'state', state) AS row
            FROM rewards WHERE company_id = $1 ORDER BY id""",
        "follow_ups": "SELECT id::text AS key, to_jsonb(t) AS row FROM follow_ups t WHERE company_id = $1 ORDER BY id",
        "purchases": "SELECT id::text AS key, to_jsonb(t) AS row FROM purchases t WHERE company_id = $1 ORDER BY id",
    }
    CHANGED = "SELECT id::text AS key, to_jsonb(t) AS row FROM leads t WHERE company_id = $1 AND id = $2"

    def __init__(self, scene: Scene) -> None:
        self._scene, self._seen = scene, dict[str, set[str]]()

    def at(self, scene: Scene) -> None:
        """From here on, the ids of this scene are known."""
        self._scene = scene

    async def pass_over(self) -> None:
        """What there is by now is not new."""
        owner = self._scene.people.owner
        for table, statement in self.STATEMENTS.items():
            rows = await owner.rows(f"SELECT key FROM ({statement}) AS t", owner.company_id)
            self._seen[table] = {row["key"] for row in rows}

    async def new(self, lead: Lead | None = None) -> Written:
        """The rows since last time, and a lead as it is now."""
        owner, written = self._scene.people.owner, Written()
        for table, statement in self.STATEMENTS.items():
            seen = self._seen.setdefault(table, set())
            rows = await owner.rows(
                f"SELECT * FROM ({statement}) AS t WHERE key <> ALL($2::text[])", owner.company_id, list(seen)
            )
            written[table] = [self._plain(row["row"]) for row in rows]
            seen |= {row["key"] for row in rows}
        if lead is not None:
            (row,) = await owner.rows(self.CHANGED, owner.company_id, lead.id)
            written["leads"].append(self._plain(row["row"]))
        return written

    def _plain(self, row: Json) -> Json:
        scene = self._scene
        known = {str(status.id): status.name for status in scene.channel.statuses}
        known |= {str(trigger.id): name for name, trigger in scene.triggers.items()}
        known |= {str(definition.id): definition.name for definition in scene.channel.properties}
        known |= {str(scene.people.owner.company_id): "owner", str(scene.people.partner.company_id): "partner"}
        known |= {str(scene.channel.id): "channel", f"created_by {scene.till}": "till"}
        return plain(row, known)


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?(\d\d)?)")
_UNLIKE = frozenset({"number", "seconds_in_previous"})


def plain(value: Json, known: Mapping[str, str]) -> Json:
    """A row without what no two calls have in common: ids of its own, times, numbers, a scene's own words."""
    if isinstance(value, dict):
        named = {name: known.get(f"{name} {member}", member) for name, member in value.items() if name not in _UNLIKE}
        return {plain(name, known): plain(member, known) for name, member in named.items()}
    if isinstance(value, list):
        return [plain(item, known) for item in value]
    if not isinstance(value, str):
        return value
    if value in known:
        return known[value]
    if _TIME.fullmatch(value):
        return "time"
    try:
        return f"id {UUID(value).version}"
    except ValueError:
        return re.sub(r"q\d+q", "q", re.sub(r"\+31612\d{6}", "phone", value))
