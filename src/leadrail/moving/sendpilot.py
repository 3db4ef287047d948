"""Reading a SendPilot account (contracts/sendpilot.md): a campaign is a channel."""

from collections.abc import AsyncIterator
from typing import Any

from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.leads.commands import Step
from leadrail.dialects.words import SENDPILOT
from leadrail.kit.ids import parse_id
from leadrail.moving import parsing
from leadrail.moving.client import Client
from leadrail.moving.model import Inventory, Missing, Page, Place, SourceChannel, SourceLead
from leadrail.moving.paging import Slice, slice_of, slices
from leadrail.moving.parsing import Item

TEMPLATE = "sendpilot"
PAGE = 100
FIRST_STATUS = "PENDING"

_FIELDS = {
    "linkedinUrl": "linkedin_url",
    "firstName": "first_name",
    "lastName": "last_name",
    "title": "title",
    "company": "company_name",
    "email": "email",
}

# What a full lead tells of the profile; kept among the custom fields, under these names.
_PROFILE = ("about", "connectionCount", "followerCount", "industry", "isOpenProfile", "isPremium", "location") + (
    "profilePictureUrl",
    "senderId",
    "website",
)

NOT_OFFERED = (
    Missing("history", None, "the API tells no history: a lead is shown as pending, then where it is since its update"),
    Missing("conversations", None, "messages stay with the LinkedIn accounts and do not come"),
    Missing("sequences", None, "the steps of a campaign are not told; Leadrail sends no LinkedIn messages"),
    Missing("webhooks", None, "the API tells no webhook addresses: add endpoints with the format sendpilot"),
)


class SendPilot:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def inventory(self) -> Inventory:
        found: dict[str, Item] = {}
        async for slice, _ in slices(self._campaigns, {}, grows_at_end=False):
            found |= {id: item for item in slice.items if (id := parsing.text(item, "id"))}
        counts = [parsing.integer(item, "totalLeads") for item in found.values()]
        return Inventory(
            channels=tuple(_channel(id, item) for id, item in found.items()),
            not_offered=NOT_OFFERED,
            total=None if None in counts else sum(count or 0 for count in counts),
        )

    async def _campaigns(self, page: int) -> Slice:
        answer = await self._client.get("/campaigns", page=page, limit=PAGE)
        return slice_of(parsing.member(answer, "campaigns", "data"), parsing.member(answer, "pagination", "meta"), page)

    async def pages(self, inventory: Inventory, place: Place) -> AsyncIterator[Page]:
        """The place is the campaigns that are done, and the page in the one that is not."""
        done: list[str] = list(place.get("done", ()))
        for channel in inventory.channels:
            if channel.id in done:
                continue
            start = place if place.get("campaign") == channel.id else {}
            async for found, behind in slices(self._leads_of(channel.id), start, grows_at_end=False):
                yield _page(found, channel.id, behind | {"done": done, "campaign": channel.id})
            done = [*done, channel.id]
            yield Page(leads=(), place={"done": done})

    def _leads_of(self, campaign: str) -> Any:
        async def fetch(page: int) -> Slice:
            answer = await self._client.get("/leads", campaignId=campaign, page=page, limit=PAGE, full="true")
            return slice_of(parsing.member(answer, "leads", "data"), parsing.member(answer, "pagination", "meta"), page)

        return fetch


def _page(found: Slice, campaign: str, place: Place) -> Page:
    read = [_lead(item, campaign) for item in found.items]
    return Page(
        leads=tuple(one for one in read if isinstance(one, SourceLead)),
        place=place,
        missing=tuple(one for one in read if isinstance(one, Missing)),
    )


def _channel(id: str, item: Item) -> SourceChannel:
    return SourceChannel(
        id=id,
        title=parsing.text(item, "name") or id,
        template=TEMPLATE,
        is_paused=(parsing.text(item, "status") or "").lower() == "paused",
        created_at=parsing.moment(item, "createdAt"),
    )


def _lead(item: Item, campaign: str) -> SourceLead | Missing:
    id = parsing.text(item, "id")
    if id is None:
        return Missing("lead", None, "it has no id")
    created_at, updated_at = parsing.moment(item, "createdAt"), parsing.moment(item, "updatedAt")
    label = parsing.text(item, "customLeadStatus")
    word = (parsing.text(item, "status") or FIRST_STATUS).upper()
    steps = [Step(status=_status(FIRST_STATUS), at=created_at)] if word != FIRST_STATUS else []
    data = item["data"] if isinstance(item.get("data"), dict) else {}
    profile = {name: item.get(name) for name in _PROFILE}
    return SourceLead(
        id=id,
        channel=campaign,
        lead_id=parse_id(id),
        fields=parsing.texts(item, _FIELDS),
        attribution=parsing.external_ids(sendpilot=id)
        | parsing.present({"custom_lead_status": label, "custom": parsing.present(profile | data)}),
        steps=(*steps, Step(status=_status(word), at=updated_at if steps else created_at)),
        created_at=created_at,
        updated_at=updated_at,
    )


def _status(word: str) -> StatusRef:
    return StatusRef(name=word, category=SENDPILOT.stands_for.get(word.casefold(), Category.OPEN))
