"""Reading a Capillary organisation's leads (contracts/capillary.md), the one vendor here that tells their history."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.leads.commands import Contact, Step
from leadrail.core.leads.fields import LATEST
from leadrail.dialects.words import CAPILLARY
from leadrail.kit.ids import new_id
from leadrail.moving import parsing
from leadrail.moving.client import NO_LIST, Client, VendorError
from leadrail.moving.model import (
    LARGEST_NUMBER,
    Inventory,
    Missing,
    Options,
    Page,
    Place,
    SourceChannel,
    SourceLead,
    SourceReason,
    SourceSubStatus,
)
from leadrail.moving.parsing import Item

PAGE = 100
TITLE = "Capillary"
DELETED = "DELETED"
NOT_OFFERED = (
    Missing("customers", None, "the lead API tells a customer's number, not its name, e-mail or mobile"),
    Missing("log ids", None, "entries of the status log and follow-ups get new ids"),
    Missing("tills", None, "tills and their passwords are not told: make keys with till and password here"),
)


def basic_login(key: str) -> str:
    """The header for `till:password` or `till:md5:<the password's MD5>`. Raises VendorError."""
    till, _, password = key.partition(":")
    if not till or not password:
        raise VendorError("--key of capillary is written till:password, or till:md5:<MD5 of the password>")
    given = password.removeprefix("md5:").lower() if password.startswith("md5:") else None
    digest = given or hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return "Basic " + base64.b64encode(f"{till}:{digest}".encode()).decode()


class Capillary:
    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options

    async def inventory(self) -> Inventory:
        title = self._options.channel_title or TITLE
        reasons = await self._list("/v2/leads/reasons")
        words = await self._list("/v2/leads/substatuses")
        channel = SourceChannel(id=title, title=title, template="capillary", currency=self._options.currency)
        return Inventory(
            channels=(channel,),
            reasons=tuple(
                SourceReason(number, text)
                for item in reasons
                if (number := parsing.integer(item, "id")) is not None and (text := parsing.text(item, "reason"))
            ),
            sub_statuses=tuple(
                SourceSubStatus(_category(item), name) for item in words if (name := parsing.text(item, "subStatus"))
            ),
            not_offered=NOT_OFFERED,
        )

    async def pages(self, inventory: Inventory, place: Place) -> AsyncIterator[Page]:
        """Oldest first. When no lead is deleted, those may be hidden from the list: they are asked for by name."""
        reading = _Reading(inventory)
        status, offset, saw_deleted = place.get("status"), place.get("offset", 0), place.get("saw_deleted", False)
        while True:
            items = await self._leads(offset, status)
            offset += len(items)
            saw_deleted |= any(parsing.text(item, "status") == DELETED for item in items)
            if not items:
                if status == DELETED or saw_deleted:
                    return
                status, offset = DELETED, 0
            yield reading.page(items, {"status": status, "offset": offset, "saw_deleted": saw_deleted})

    async def _leads(self, offset: int, status: str | None) -> list[dict[str, Any]]:
        wanted = {"status": status} if status else {}
        order = {"sortBy": "createdon", "sortOrder": "ASC"}
        return await self._list("/v2/leads", limit=PAGE, offset=offset, **order, **wanted)

    async def _list(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        answer = await self._client.get(path, **query)
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise VendorError(NO_LIST)
        return parsing.items(answer["data"])


class _Reading:
    """Leads as records, with the organisation's reasons at hand."""

    def __init__(self, inventory: Inventory) -> None:
        self._channel = inventory.channels[0].id
        self._reasons = {reason.number: reason.text for reason in inventory.reasons}

    def page(self, items: list[dict[str, Any]], place: Place) -> Page:
        read = [self._lead(item) for item in items]
        return Page(
            leads=tuple(one for one in read if isinstance(one, SourceLead)),
            place=place,
            missing=tuple(one for one in read if isinstance(one, Missing)),
        )

    def _lead(self, item: Item) -> SourceLead | Missing:
        number = parsing.integer(item, "id")
        if number is None:
            return Missing("lead", None, "it has no id")
        return SourceLead(
            id=str(number),
            channel=self._channel,
            number=number if 0 < number < LARGEST_NUMBER else None,
            fields=parsing.present(
                {"assignee": parsing.text(item, "owner"), "next_follow_up_at": parsing.moment(item, "nextFollowUp")}
            ),
            attribution=_attribution(number, item),
            steps=self._steps(item),
            contacts=_contacts(item),
            created_at=parsing.moment(item, "createdOn"),
            updated_at=parsing.moment(item, "lastUpdatedOn"),
        )

    def _steps(self, item: Item) -> tuple[Step, ...]:
        """The status log, oldest first; then where the lead is, when the log does not end there."""
        log = parsing.items(item.get("statusLogDetails"))
        steps = sorted((self._step(entry) for entry in log), key=_moment_of)
        status, sub_status = _status(item), parsing.text(item, "subStatus")
        if not steps:
            by = _context(item)
            return (Step(status=status, at=parsing.moment(item, "createdOn"), sub_status=sub_status, context=by),)
        if steps[-1].status.name != status.name:
            steps.append(Step(status=status, at=parsing.moment(item, "lastUpdatedOn"), sub_status=sub_status))
        return tuple(steps)

    def _step(self, entry: Item) -> Step:
        number = parsing.integer(entry, "reasonId")
        return Step(
            status=_status(entry),
            at=parsing.moment(entry, "createdOn"),
            sub_status=parsing.text(entry, "subStatus"),
            reason=parsing.text(entry, "reason") or self._reasons.get(number or 0),
            context=_context(entry),
        )


def _moment_of(step: Step) -> datetime:
    """An entry without a time is the last."""
    return step.at or LATEST


def _context(item: Item) -> dict[str, Any]:
    return parsing.present({"created_by": parsing.integer(item, "createdBy")})


def _status(item: Item) -> StatusRef:
    word = (parsing.text(item, "status") or "OPEN").upper()
    return StatusRef(name=word, category=_category(item))


def _category(item: Item) -> Category:
    return CAPILLARY.stands_for.get((parsing.text(item, "status") or "").casefold(), Category.OPEN)


def _attribution(number: int, item: Item) -> dict[str, Any]:
    customer = parsing.integer(item, "userId")
    extended = item.get("extendedFields")
    told = {
        "user_id": customer,
        "lead_type": parsing.text(item, "type"),
        "lead_for": parsing.text(item, "leadFor"),
        "org_source_id": parsing.integer(item, "orgSourceId"),
        "created_by": parsing.integer(item, "createdBy"),
        "custom": extended if isinstance(extended, dict) else None,
    }
    return parsing.external_ids(capillary=number, capillary_customer=customer) | parsing.present(told)


def _contacts(item: Item) -> tuple[Contact, ...]:
    told = tuple(_contact(entry) for entry in parsing.items(item.get("followUpDetails")))
    last = parsing.moment(item, "lastFollowUp")
    return told if told or last is None else (Contact(follow_up_id=new_id(), done_at=last),)


def _contact(entry: Item) -> Contact:
    return Contact(
        follow_up_id=new_id(),
        scheduled_at=parsing.moment(entry, "scheduledFollowUp"),
        done_at=parsing.moment(entry, "followedUpOn"),
        done_by=parsing.text(entry, "followedUpBy"),
        notes=parsing.text(entry, "notes"),
        created_by=parsing.text(entry, "createdBy"),
        created_at=parsing.moment(entry, "createdOn"),
    )
