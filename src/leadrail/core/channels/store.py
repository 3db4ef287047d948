"""The SQL of channels and what belongs to them. Every write renews the channel's configuration version."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from leadrail.core.channels.model import Duplicates, Member, Property, Status
from leadrail.db.database import Connection


async def insert_channel(
    connection: Connection,
    company_id: UUID,
    channel_id: UUID,
    public_id: UUID,
    title: str,
    currency: str | None,
    template: str,
    public_submissions: bool,
    duplicates: Duplicates,
) -> None:
    await connection.execute(
        """INSERT INTO channels (company_id, id, public_id, title, currency, template, public_submissions, duplicates)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        company_id,
        channel_id,
        public_id,
        title,
        currency,
        template,
        public_submissions,
        duplicates,
    )


async def owner(connection: Connection, channel_id: UUID) -> UUID | None:
    """The company that owns the channel, or None when there is no such channel."""
    id: UUID | None = await connection.fetchval("SELECT company_id FROM channels WHERE id = $1", channel_id)
    return id


async def lock(connection: Connection, company_id: UUID, channel_id: UUID) -> bool:
    """Holds the channel's configuration for this transaction, after the writes under way have committed and before
    any other begins; answers whether the company owns it.
    """
    statement = "SELECT 1 FROM channels WHERE company_id = $1 AND id = $2 FOR UPDATE"
    return await connection.fetchval(statement, company_id, channel_id) is not None


async def renew(connection: Connection, company_id: UUID, channel_id: UUID) -> None:
    """Makes every process read this channel's configuration anew."""
    await connection.execute(
        "UPDATE channels SET config_version = config_version + 1 WHERE company_id = $1 AND id = $2",
        company_id,
        channel_id,
    )


async def renew_all(connection: Connection, company_id: UUID) -> None:
    await connection.execute(
        "UPDATE channels SET config_version = config_version + 1 WHERE company_id = $1", company_id
    )


_ACCESSIBLE = """
SELECT c.id FROM channels c WHERE c.company_id = $1
UNION
SELECT m.channel_id FROM channel_members m WHERE m.member_company_id = $1
"""


async def accessible(connection: Connection, company_id: UUID) -> list[UUID]:
    """The channels that the company owns or is a member of, in no order."""
    return [row[0] for row in await connection.fetch(_ACCESSIBLE, company_id)]


async def update_channel(
    connection: Connection,
    company_id: UUID,
    channel_id: UUID,
    title: str,
    currency: str | None,
    public_submissions: bool,
    duplicates: Duplicates,
    archived_at: datetime | None,
) -> None:
    await connection.execute(
        """UPDATE channels SET title = $3, currency = $4, public_submissions = $5, duplicates = $6, archived_at = $7
        WHERE company_id = $1 AND id = $2""",
        company_id,
        channel_id,
        title,
        currency,
        public_submissions,
        duplicates,
        archived_at,
    )


async def set_paused(connection: Connection, company_id: UUID, channel_id: UUID, paused_at: datetime | None) -> None:
    await connection.execute(
        "UPDATE channels SET paused_at = $3 WHERE company_id = $1 AND id = $2", company_id, channel_id, paused_at
    )


async def insert_alias(
    connection: Connection, company_id: UUID, channel_id: UUID, system: str, external_id: str
) -> None:
    await connection.execute(
        "INSERT INTO channel_aliases (company_id, system, external_id, channel_id) VALUES ($1, $2, $3, $4)",
        company_id,
        system,
        external_id,
        channel_id,
    )


async def aliased(connection: Connection, companies: Sequence[UUID], system: str, external_id: str) -> UUID | None:
    """The channel that another system called this; one of the first company named goes first."""
    statement = """
        SELECT channel_id FROM channel_aliases WHERE company_id = ANY($1) AND system = $2 AND external_id = $3
        ORDER BY array_position($1::uuid[], company_id) LIMIT 1
    """
    found: UUID | None = await connection.fetchval(statement, list(companies), system, external_id)
    return found


async def public_aliased(connection: Connection, system: str, external_id: str) -> UUID | None:
    """The one channel that takes leads without a key and that another system called this; None when several are."""
    statement = """
        SELECT a.channel_id FROM channel_aliases a
        JOIN channels c ON c.company_id = a.company_id AND c.id = a.channel_id
        WHERE a.system = $1 AND a.external_id = $2 AND c.public_submissions LIMIT 2
    """
    rows = await connection.fetch(statement, system, external_id)
    return rows[0][0] if len(rows) == 1 else None


async def with_public_id(connection: Connection, id: UUID) -> UUID | None:
    """The channel whose public id, or whose id, this is."""
    statement = "SELECT id FROM channels WHERE id = $1 UNION ALL SELECT id FROM channels WHERE public_id = $1 LIMIT 1"
    found: UUID | None = await connection.fetchval(statement, id)
    return found


_PUT_STATUS = """
INSERT INTO statuses (company_id, channel_id, id, name, category, position, color, visible, requires, next,
    follow_up_after_s, follow_up_note, former_names)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (company_id, channel_id, id) DO UPDATE SET
    name = excluded.name, category = excluded.category, position = excluded.position, color = excluded.color,
    visible = excluded.visible, requires = excluded.requires, next = excluded.next,
    follow_up_after_s = excluded.follow_up_after_s, follow_up_note = excluded.follow_up_note,
    former_names = excluded.former_names
"""


async def put_statuses(connection: Connection, company_id: UUID, channel_id: UUID, statuses: Sequence[Status]) -> None:
    """Writes these statuses as they are, new or not."""
    rows = [
        (
            company_id,
            channel_id,
            status.id,
            status.name,
            status.category,
            status.position,
            status.color,
            status.visible,
            list(status.requires),
            None if status.next is None else list(status.next),
            status.follow_up_after_s,
            status.follow_up_note,
            list(status.former_names),
        )
        for status in statuses
    ]
    await connection.executemany(_PUT_STATUS, rows)


async def archive_status(
    connection: Connection, company_id: UUID, channel_id: UUID, status_id: UUID, replaced_by: UUID | None
) -> None:
    """Takes the status out of service."""
    await connection.execute(
        """UPDATE statuses SET archived_at = now(), replaced_by = $4
        WHERE company_id = $1 AND channel_id = $2 AND id = $3""",
        company_id,
        channel_id,
        status_id,
        replaced_by,
    )


_PUT_PROPERTY = """
INSERT INTO properties (company_id, channel_id, id, name, type, options, position, visible)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (company_id, channel_id, id) DO UPDATE SET
    name = excluded.name, options = excluded.options, position = excluded.position, visible = excluded.visible
"""


async def put_properties(
    connection: Connection, company_id: UUID, channel_id: UUID, properties: Sequence[Property]
) -> None:
    """Writes these definitions as they are, new or not; the type of an old one stays."""
    rows = [
        (
            company_id,
            channel_id,
            definition.id,
            definition.name,
            definition.type,
            list(definition.options),
            definition.position,
            definition.visible,
        )
        for definition in properties
    ]
    await connection.executemany(_PUT_PROPERTY, rows)


async def archive_property(connection: Connection, company_id: UUID, channel_id: UUID, property_id: UUID) -> None:
    """Takes a definition out of service; the values on leads stay but are no longer shown."""
    await connection.execute(
        "UPDATE properties SET archived_at = now() WHERE company_id = $1 AND channel_id = $2 AND id = $3",
        company_id,
        channel_id,
        property_id,
    )


async def put_members(connection: Connection, company_id: UUID, channel_id: UUID, members: Sequence[Member]) -> None:
    await connection.executemany(
        """INSERT INTO channel_members (company_id, channel_id, member_company_id, role) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING""",
        [(company_id, channel_id, member.company_id, member.role) for member in members],
    )


async def delete_member(connection: Connection, company_id: UUID, channel_id: UUID, member: Member) -> None:
    await connection.execute(
        """DELETE FROM channel_members
        WHERE company_id = $1 AND channel_id = $2 AND member_company_id = $3 AND role = $4""",
        company_id,
        channel_id,
        member.company_id,
        member.role,
    )


async def known_companies(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    return {row[0] for row in await connection.fetch("SELECT id FROM companies WHERE id = ANY($1)", list(ids))}
