"""Octanist's request and answer shapes (contracts/octanist.md, sections 4 to 7)."""

from decimal import Decimal
from typing import Any

import msgspec

from leadrail.dialects.octanist.envelope import Meta

CLICK_IDS = ("gclid", "dclid", "wbraid", "gbraid", "ga4cid", "ga4sid", "fbc", "fbp", "msclkid", "ttclid", "twclid") + (
    "rdt_cid",
    "sccid",
    "epik",
    "li_fat_id",
)
UTM = ("utm_source", "utm_medium", "utm_campaign")
CONSENTS = ("ad_storage", "ad_user_data", "analytics_storage", "ad_personalization")
SOURCES = frozenset({"inbound", "gtm", "api", "manual", "wordpress", "import"})


# Requests


class LeadCreation(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/leads in all generations; A says consent as `granted` or `denied`. Unknown members are ignored."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    custom: str | dict[str, Any] | list[Any] | None = None
    note: str | None = None
    session_id: str | None = msgspec.field(default=None, name="sessionId")
    website: str | None = None
    path: str | None = None
    gclid: str | None = None
    dclid: str | None = None
    wbraid: str | None = None
    gbraid: str | None = None
    ga4cid: str | None = None
    ga4sid: str | None = None
    fbc: str | None = None
    fbp: str | None = None
    msclkid: str | None = None
    ttclid: str | None = None
    twclid: str | None = None
    rdt_cid: str | None = None
    sccid: str | None = None
    epik: str | None = None
    li_fat_id: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    ad_storage: bool | str | None = None
    ad_user_data: bool | str | None = None
    ad_personalization: bool | str | None = None
    analytics_storage: bool | str | None = None


class LeadUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """PATCH /api/leads in both generations. Null and empty words count as not sent; unknown members are ignored."""

    id: str | None = None
    email: str | None = None
    phone: str | None = None
    status: str | None = None
    changed_to: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    note: str | None = None
    loss_reason: str | None = None
    also_qualified: bool | None = None

    @property
    def word(self) -> str | None:
        """Where the lead is to go: `status` wins over its old name."""
        return self.status or self.changed_to or None

    @property
    def is_first_generation(self) -> bool:
        return not self.status and bool(self.changed_to)


class _Spoken(msgspec.Struct, frozen=True, rename="camel"):
    """What tells the generations apart, of any type: enough to answer a request that is refused unread."""

    status: Any = None
    changed_to: Any = None


_spoken = msgspec.json.Decoder(_Spoken)


def speaks_first_generation(body: bytes) -> bool:
    """Whether a body, sound or not, is one of generation A. Only for answers to requests that were not read."""
    try:
        spoken = _spoken.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return not spoken.status and bool(spoken.changed_to)


class StatsRequest(msgspec.Struct, frozen=True, rename="camel"):
    """POST /api/stats."""

    period: str | None = None
    start_date: str | None = None
    end_date: str | None = None


class SpendRequest(msgspec.Struct, frozen=True, rename="camel"):
    """POST /api/ad-spend."""

    start_date: str | None = None
    end_date: str | None = None
    platform: str | None = None
    group_by: str | None = None
    limit: int | None = None
    page: int | None = None


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """GET and PUT /api/settings: a call of ours, since the vendor's own page for it is no API."""

    bulk_updates: bool


# Answers


class Created(msgspec.Struct, frozen=True):
    id: str
    message: str


class CreateAnswer(msgspec.Struct, frozen=True):
    """`id` beside `success` is generation A's answer, `data` and `meta` generation B's."""

    success: bool
    id: str
    data: Created
    meta: Meta


class RefusedLead(msgspec.Struct, frozen=True, rename="camel"):
    lead_id: str
    code: str
    message: str


class Updated(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`refused` is there only when some of several leads could not be changed."""

    lead_id: str
    leads_updated: int
    message: str
    refused: tuple[RefusedLead, ...] = ()


class UpdateAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`lead_id` and `status` beside `success` are generation A's answer, `data` and `meta` generation B's."""

    success: bool
    lead_id: str
    status: str
    data: Updated
    meta: Meta


_CAMEL = {
    "loss_reason": "lossReason",
    "conversion_name": "conversionName",
    "google_ads_campaign_id": "googleAdsCampaignId",
    "google_ads_campaign_name": "googleAdsCampaignName",
    "google_ads_ad_group_id": "googleAdsAdGroupId",
    "google_ads_ad_group_name": "googleAdsAdGroupName",
    "google_ads_ad_id": "googleAdsAdId",
    "label_id": "labelId",
    "selected_conversion_event_id": "selectedConversionEventId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "qualified_at": "qualifiedAt",
    "expires_at": "expiresAt",
}


class LeadView(msgspec.Struct, frozen=True, kw_only=True, rename=_CAMEL):
    """A lead (section 5.3), in the order of the sample, with A's `currency` and the click ids that C adds."""

    id: str
    name: str | None
    email: str | None
    phone: str | None
    status: str
    value: Decimal | None
    currency: str | None
    note: str | None
    custom: str | None
    loss_reason: str | None
    conversion_name: str | None
    source: str | None
    website: str | None
    path: str | None
    gclid: str | None
    dclid: str | None
    wbraid: str | None
    gbraid: str | None
    ga4cid: str | None
    ga4sid: str | None
    fbc: str | None
    fbp: str | None
    msclkid: str | None
    ttclid: str | None
    twclid: str | None
    rdt_cid: str | None
    sccid: str | None
    epik: str | None
    li_fat_id: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    ad_storage: bool
    ad_user_data: bool
    analytics_storage: bool
    ad_personalization: bool
    google_ads_campaign_id: str | None
    google_ads_campaign_name: str | None
    google_ads_ad_group_id: str | None
    google_ads_ad_group_name: str | None
    google_ads_ad_id: str | None
    label_id: str | None
    selected_conversion_event_id: str | None
    created_at: str
    updated_at: str
    qualified_at: str | None
    expires_at: str


class Usage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`leads_limit` None: there is none."""

    leads_used: int
    leads_limit: int | None
    locked_leads: int
    period_start: str
    period_end: str


class LeadCounts(msgspec.Struct, frozen=True, rename="camel"):
    total: int
    by_status: dict[str, int]
    by_source: dict[str, int]


class Conversion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    qualified: int
    qualification_rate: float
    win_rate: float
    average_value: Decimal
    total_value: Decimal


class Stats(msgspec.Struct, frozen=True):
    """POST /api/stats (section 7.1)."""

    usage: Usage
    leads: LeadCounts
    conversion: Conversion


class SpendBrought(msgspec.Struct, frozen=True, rename="camel"):
    """PUT /api/ad-spend, a call of ours."""

    rows_stored: int
    message: str
