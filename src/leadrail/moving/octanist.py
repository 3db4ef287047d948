"""Reading an Octanist account (contracts/octanist.md): one organisation is one channel."""

from collections.abc import AsyncIterator
from typing import Any

from leadrail.core.channels.model import Category, StatusRef
from leadrail.core.leads.commands import Step
from leadrail.dialects.words import OCTANIST
from leadrail.kit.ids import parse_id
from leadrail.moving import parsing
from leadrail.moving.client import Client, VendorError
from leadrail.moving.model import Inventory, Missing, Options, Page, Place, SourceChannel, SourceLead
from leadrail.moving.paging import Slice, slice_of, slices
from leadrail.moving.parsing import Item

PAGE = 100
TITLE = "Octanist"

_FIELDS = {"name": "name", "email": "email", "phone": "phone", "note": "notes", "source": "source"}
_CLICKS = (
    ("gclid", "dclid", "wbraid", "gbraid", "ga4cid", "ga4sid", "fbc", "fbp", "msclkid", "ttclid", "twclid", "rdt_cid")
    + ("sccid", "epik", "li_fat_id", "utm_source", "utm_medium", "utm_campaign", "website", "path")
    + ("googleAdsCampaignId", "googleAdsCampaignName", "googleAdsAdGroupId", "googleAdsAdGroupName", "googleAdsAdId")
    + ("conversionName", "selectedConversionEventId")
)
_RENAMED = {"labelId": "label_id", "sessionId": "session_id"}
_CONSENT = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")
NOT_OFFERED = (
    Missing("history", None, "the API tells no history but when a lead was qualified: a win or loss is dated by its"
            " last update"),
    Missing(
        "ad spend",
        None,
        "the rows of its report are documented nowhere: bring your platforms' own export (docs/dialects/octanist.md)",
    ),
    Missing("destinations", None, "connections to ad platforms are not told and must be set up here"),
)  # fmt: skip


class Octanist:
    def __init__(self, client: Client, options: Options) -> None:
        self._client, self._options = client, options

    async def inventory(self) -> Inventory:
        title = self._options.channel_title or TITLE
        channel = SourceChannel(id=title, title=title, template="octanist", currency=self._options.currency)
        return Inventory(channels=(channel,), not_offered=NOT_OFFERED)

    async def pages(self, inventory: Inventory, place: Place) -> AsyncIterator[Page]:
        """Oldest first, so that what comes in meanwhile comes last."""
        async for found, behind in slices(self._leads, place, grows_at_end=True):
            read = [_lead(item, inventory.channels[0].id) for item in found.items]
            yield Page(
                leads=tuple(one for one in read if isinstance(one, SourceLead)),
                place=behind,
                missing=tuple(one for one in read if isinstance(one, Missing)),
                total=found.total,
            )

    async def _leads(self, page: int) -> Slice:
        answer = await self._client.get("/leads", sort="createdAt:asc", limit=PAGE, page=page)
        if not isinstance(answer, dict):
            raise VendorError("This is the API of 2024, which knows no pages; give https://octanist.com/api as --url")
        meta = answer.get("meta")
        pagination = meta.get("pagination") if isinstance(meta, dict) else answer.get("pagination")
        return slice_of(answer.get("data"), pagination, page)


def _lead(item: Item, channel: str) -> SourceLead | Missing:
    id = parsing.text(item, "id")
    if id is None:
        return Missing("lead", None, "it has no id")
    currency = (parsing.text(item, "currency") or "").upper() or None
    worth = parsing.present({"value": parsing.amount(item, "value"), "currency": currency})
    return SourceLead(
        id=id,
        channel=channel,
        lead_id=parse_id(id),
        fields=parsing.texts(item, _FIELDS) | worth,
        attribution=_attribution(id, item),
        steps=_steps(item),
        created_at=parsing.moment(item, "createdAt"),
        updated_at=parsing.moment(item, "updatedAt"),
    )


def _attribution(id: str, item: Item) -> dict[str, Any]:
    clicks = parsing.texts(item, {name: name for name in _CLICKS} | _RENAMED)
    consent = {name: item[name] for name in _CONSENT if isinstance(item.get(name), bool)}
    return parsing.external_ids(octanist=id) | clicks | consent | parsing.present({"custom": item.get("custom")})


def _steps(item: Item) -> tuple[Step, ...]:
    """Open when it came, qualified when the vendor says so, and where it is now since its last update."""
    created, updated = parsing.moment(item, "createdAt"), parsing.moment(item, "updatedAt")
    qualified = parsing.moment(item, "qualifiedAt")
    word = (parsing.text(item, "status") or "open").lower()
    word = "won" if word == "win" else word
    now = StatusRef(name=word, category=OCTANIST.stands_for.get(word, Category.OPEN))
    steps = [Step(status=StatusRef(name="open", category=Category.OPEN), at=created)]
    if qualified is not None:
        steps.append(Step(status=StatusRef(name="qualified", category=Category.QUALIFIED), at=qualified))
    if steps[-1].status.name != now.name:
        steps.append(Step(status=now, at=updated, reason=parsing.text(item, "lossReason")))
    return tuple(steps)
