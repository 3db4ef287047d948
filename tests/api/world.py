"""Everything that the API's examples name, made for real in a company of the test's own."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import httpx

from leadrail.api import examples
from leadrail.api.docs import filled_path
from leadrail.api.face import OPERATIONS
from leadrail.api.operation import Operation
from leadrail.core.channels.commands import NewProperty
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.imports import jobs
from leadrail.core.leads.model import Lead
from tests.people import People

# Every operation, in an order in which each finds what it is about: leads first, as they are made by what is removed
# and renamed later; a channel that is archived is not paused, and a lead that went to another one is not merged.
IN_TURN = sorted(
    OPERATIONS,
    key=lambda row: (
        row.method == "DELETE",
        not row.path.startswith("/v1/leads"),
        row.path.endswith(("/archive", "/channel")),
    ),
)


@dataclass
class World:
    """`ids` are the real ids by the names that the shell lines of the docs use."""

    people: People
    channel: Channel
    lead: Lead
    ids: dict[str, str]

    @classmethod
    async def made(cls, people: People) -> Self:
        owner = people.owner
        size = NewProperty(name="Deal size", type=PropertyType.NUMBER)
        channel = await people.shared_channel(currency="EUR", properties=(size,))
        other = await people.shared_channel(title="Partners", currency="EUR", properties=(size,))
        lead = await owner.lead(channel, email="joan@example.com")
        trigger = await owner.trigger(channel, cause="status_change", status="Won", kind="percent", amount=Decimal(10))
        twin = await owner.lead(channel, email="joan@example.org")
        merged, merge_id = await _merged(people, channel)
        rule, moved, event_id = await _moved_by_rule(people, channel)
        keep = {"name": "Long lost", "category": "lost", "after_days": 3650}
        retention = await owner.http.post(f"/v1/channels/{channel.id}/retention-rules", json=keep)
        spare = await owner.http.post("/v1/keys", json={"name": "spare"})
        endpoint = await owner.endpoint("https://example.com/hooks/leads")
        ways: tuple[tuple[str, ...], ...] = ((), ("approve",), ("approve", "pay"))
        pending, approved, paid = [await _reward(people, channel, *way) for way in ways]
        reason = await owner.http.post("/v1/reasons", json={"text": "Wrong season"})
        held = await owner.http.post("/v1/sub-statuses", json={"category": "on_hold", "name": "Until spring"})
        wanted = {"ids": [str(lead.id)], "action": {"type": "assign", "assignee": "sam@example.com"}}
        bulk = await owner.http.post("/v1/bulk-changes", json=wanted)
        block = await owner.http.post("/v1/blocks", json={"email": "nobody@example.com"})
        sent = await owner.http.post(f"/v1/webhooks/{endpoint.id}/test", json={})
        view = await owner.http.post("/v1/views", json=examples.NEW_VIEW)
        drafts = [await _import(people, channel, row) for row in ("Jo;jo@example.com;1", "Al;al@example.com;2")]
        done = await _import(people, channel, "Ed;ed@example.com;3", start=True)
        (preset,) = (await owner.http.get("/v1/import-presets")).json()["data"]
        ids = {
            "IMPORT_ID": drafts[0],
            "NEW_IMPORT_ID": drafts[1],
            "DONE_IMPORT_ID": done,
            "IMPORT_PRESET_ID": preset["id"],
            "CHANNEL_ID": channel.id,
            "OTHER_CHANNEL_ID": other.id,
            "LEAD_ID": lead.id,
            "OTHER_LEAD_ID": twin.id,
            "MERGED_LEAD_ID": merged.id,
            "MERGE_ID": merge_id,
            "COMPANY_ID": people.partner.company_id,
            "STATUS_ID": channel.status_by_name["lost"].id,
            "PROPERTY_ID": channel.current_properties[0].id,
            "REWARD_TRIGGER_ID": trigger.id,
            "RULE_ID": rule,
            "RETENTION_RULE_ID": retention.json()["id"],
            "MOVED_LEAD_ID": moved.id,
            "EVENT_ID": event_id,
            "USER_ID": (await owner.user()).id,
            "KEY_ID": spare.json()["id"],
            "WEBHOOK_ID": endpoint.id,
            "REWARD_ID": pending,
            "APPROVED_REWARD_ID": approved,
            "PAID_REWARD_ID": paid,
            "DELIVERY_ID": sent.json()["id"],
            "REASON_ID": reason.json()["id"],
            "SUB_STATUS_ID": held.json()["id"],
            "VIEW_ID": view.json()["id"],
            "BULK_CHANGE_ID": bulk.json()["id"],
            "BLOCK_ID": block.json()["id"],
        }
        return cls(people, channel, lead, {name: str(id) for name, id in ids.items()})

    def body(self, example: Any) -> bytes:
        """The example with the ids of this world."""
        text = json.dumps(example)
        named = {
            examples.CHANNEL_ID: "CHANNEL_ID",
            examples.OTHER_CHANNEL_ID: "OTHER_CHANNEL_ID",
            examples.WON_ID: "STATUS_ID",
            examples.LEAD_ID: "LEAD_ID",
            examples.OTHER_LEAD_ID: "OTHER_LEAD_ID",
            examples.PARTNER_ID: "COMPANY_ID",
            examples.REWARD_ID: "REWARD_ID",
            examples.EVENT_ID: "EVENT_ID",
        }
        for id, name in named.items():
            text = text.replace(id, self.ids[name])
        return text.encode()

    def path(self, row: Operation) -> str:
        # Only a lead that a rule moved has a move to be taken back.
        ids = self.ids | ({"LEAD_ID": self.ids["MOVED_LEAD_ID"]} if "/events/{item}" in row.path else {})
        ids |= {"LEAD_ID": self.ids["MERGED_LEAD_ID"]} if "/merges/{item}" in row.path else {}
        return filled_path(row.path, ids.__getitem__)

    async def send(
        self, row: Operation, *, http: httpx.AsyncClient | None = None, query: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Calls the operation as its example does."""
        content = self.body(row.request_example) if row.body is not None else None
        given = {"role": "referring"} if "members/{item}" in row.path else {}
        if row.upload:
            content, given = row.request_example.encode(), {"channel_id": self.ids["CHANNEL_ID"]}
        if row.path.endswith("/stream"):
            given = {"seconds": "0"}  # it ends only when told to
        client = http or self.people.owner.http
        return await client.request(
            row.method, self.path(row), params=given | (query or {}), **({"content": content} | more)
        )


async def _reward(people: People, channel: Channel, *decisions: str) -> str:
    """The reward of a lead of its own that was won, on which this was decided."""
    owner = people.owner
    lead = await owner.lead(channel, value=Decimal(5000))
    await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Won"})
    (reward,) = (await owner.http.get("/v1/rewards", params={"lead": str(lead.id)})).json()["data"]
    for decision in decisions:
        (await owner.http.post(f"/v1/rewards/{reward['id']}/{decision}")).raise_for_status()
    return str(reward["id"])


async def _merged(people: People, channel: Channel) -> tuple[Lead, str]:
    """A lead that stands for another, and the merge by which it does."""
    lead, other = [await people.owner.lead(channel, email=f"{name}@example.com") for name in ("ann", "anna")]
    body = {"into": str(lead.id), "leads": [str(other.id)]}
    merge = (await people.owner.http.post("/v1/leads/merge", json=body)).json()
    return lead, merge["id"]


async def _import(people: People, channel: Channel, row: str, *, start: bool = False) -> str:
    """An import of one row, with its options kept under a name; done, or a draft."""
    http, query = people.owner.http, {"channel_id": str(channel.id)}
    made = (await http.post("/v1/imports", params=query, content=f"Vorname;E-Mail;Budget\n{row}\n")).json()
    await http.patch(f"/v1/imports/{made['id']}", json={"save_as": "Trade fair"})
    if start:
        (await http.post(f"/v1/imports/{made['id']}/start", json={})).raise_for_status()
        await jobs.run(people.owner.core, people.owner.company_id, UUID(made["id"]))
    return str(made["id"])


async def _moved_by_rule(people: People, channel: Channel) -> tuple[str, Lead, str]:
    """A rule, a lead that it moved, and the event of that move."""
    owner = people.owner
    wanted = {"name": "Sold", "cause": "purchase", "from_status": "New", "to_status": "Won"}
    rule = (await owner.http.post(f"/v1/channels/{channel.id}/rules", json=wanted)).json()
    lead = await owner.lead(channel, email="moved@example.com")
    await owner.http.post(f"/v1/leads/{lead.id}/purchases", json={"amount": "5"})
    history = (await owner.http.get(f"/v1/leads/{lead.id}/events")).json()["data"]
    (move,) = [event for event in history if event["type"] == "lead.status_changed"]
    return rule["id"], lead, move["id"]
