"""The SQL of what Octanist keeps of its own: a setting of the organisation, and what its advertisements cost."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from leadrail.db.database import Connection
from leadrail.kit import money


async def bulk_updates(connection: Connection, company_id: UUID) -> bool:
    """Whether one update changes every lead that it matches; off until somebody says otherwise."""
    statement = "SELECT bulk_updates FROM octanist_settings WHERE company_id = $1"
    return bool(await connection.fetchval(statement, company_id))


async def set_bulk_updates(connection: Connection, company_id: UUID, value: bool) -> None:
    await connection.execute(
        """INSERT INTO octanist_settings (company_id, bulk_updates) VALUES ($1, $2)
        ON CONFLICT (company_id) DO UPDATE SET bulk_updates = excluded.bulk_updates""",
        company_id,
        value,
    )


class Spend(msgspec.Struct, frozen=True):
    """What a campaign cost on a day. Field order is the column order here."""

    day: date
    platform: str
    campaign_id: str
    campaign_name: str | None
    cost: Decimal
    currency: str | None
    impressions: int | None
    clicks: int | None
    conversions: Decimal | None


_PUT_SPEND = """
INSERT INTO octanist_ad_spend (company_id, day, platform, campaign_id, campaign_name, cost, currency, impressions,
    clicks, conversions)
SELECT $1, r.* FROM unnest($2::date[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[], $8::bigint[],
    $9::bigint[], $10::numeric[]) AS r
ON CONFLICT (company_id, day, platform, campaign_id) DO UPDATE SET
    campaign_name = excluded.campaign_name, cost = excluded.cost, currency = excluded.currency,
    impressions = excluded.impressions, clicks = excluded.clicks, conversions = excluded.conversions
"""


async def put_spend(connection: Connection, company_id: UUID, rows: Sequence[Spend]) -> None:
    """Writes these rows, in place of what is there under the same day, platform and campaign."""
    # In key order, so that two callers with the same rows never wait for each other in a circle.
    ordered = sorted(rows, key=lambda row: (row.day, row.platform, row.campaign_id))
    columns = zip(*(msgspec.structs.astuple(row) for row in ordered), strict=True)
    await connection.execute(_PUT_SPEND, company_id, *columns)


class SpendTotal(msgspec.Struct, frozen=True, rename="camel"):
    """Spend together; what it was not grouped by is None. One currency each: euros and dollars do not add up."""

    date: date | None
    platform: str | None
    campaign_id: str | None
    campaign_name: str | None
    cost: Decimal
    currency: str | None
    impressions: Decimal
    clicks: Decimal
    conversions: Decimal


GROUPS: Mapping[str, tuple[str, ...]] = {
    "date": ("day",),
    "platform": ("platform",),
    "campaign": ("platform", "campaign_id"),
}
"""What spend may be grouped by, as columns."""

_CHOSEN = "company_id = $1 AND day BETWEEN $2 AND $3 AND ($4::text IS NULL OR platform = $4)"


def _spend_statement(by: Sequence[str]) -> str:
    grouped = ", ".join((*by, "currency"))
    day, platform, campaign = (name if name in by else "NULL" for name in ("day", "platform", "campaign_id"))
    # Campaigns are renamed: the latest name is the one that people know.
    name = "(array_agg(campaign_name ORDER BY campaign_name IS NULL, day DESC))[1]" if "campaign_id" in by else "NULL"
    return f"""
    SELECT {day}, {platform}, nullif({campaign}, ''), {name}, sum(cost), currency,
        coalesce(sum(impressions), 0), coalesce(sum(clicks), 0), coalesce(sum(conversions), 0)
    FROM octanist_ad_spend WHERE {_CHOSEN} GROUP BY {grouped} ORDER BY {grouped} LIMIT $5 OFFSET $6
    """


async def spend(
    connection: Connection,
    company_id: UUID,
    first: date,
    last: date,
    platform: str | None,
    by: Sequence[str],
    *,
    limit: int,
    offset: int,
) -> tuple[list[SpendTotal], int]:
    """A page of the spend of these days, the last one included, and how many rows there are in all."""
    chosen = (company_id, first, last, platform)
    grouped = f"SELECT 1 FROM octanist_ad_spend WHERE {_CHOSEN} GROUP BY {', '.join((*by, 'currency'))}"
    total = await connection.fetchval(f"SELECT count(*) FROM ({grouped}) AS g", *chosen)
    rows = await connection.fetch(_spend_statement(by), *chosen, limit, offset)
    return [SpendTotal(*map(_plain, row)) for row in rows], int(total)


def _plain(value: Any) -> Any:
    """A sum has the decimal places of what it adds, 4.0 for 1.5 and 2.5; shown is 4."""
    return money.plain(value) if isinstance(value, Decimal) else value
