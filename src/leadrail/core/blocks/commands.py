"""Blocking and letting in again. The caller owns the transaction."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from leadrail.core.blocks import store
from leadrail.core.blocks.model import Block, BlockCause, BlockKey, digest_of, with_domains
from leadrail.core.channels import store as channels
from leadrail.core.errors import Code, refuse
from leadrail.db.database import Connection

SECRET_BYTES = 32


class Blocking(msgspec.Struct, frozen=True):
    """Blocks of some keys, those that were there already among them; `is_first`: the company had no list before."""

    blocks: list[Block]
    is_first: bool


async def block(
    connection: Connection, company_id: UUID, keys: Iterable[BlockKey], cause: BlockCause, now: datetime
) -> Blocking:
    """After the commit comes `outwait`."""
    offered = secrets.token_bytes(SECRET_BYTES)
    secret = await store.secret_of(connection, company_id, offered)
    if secret == offered:
        await channels.renew_all(connection, company_id)
    digests = {digest_of(secret, key): key for key in sorted(keys)}
    await store.add(connection, company_id, list(digests.items()), cause, now)
    return Blocking(await store.with_digests(connection, company_id, list(digests)), secret == offered)


async def outwait(connection: Connection, company_id: UUID, *, is_first: bool) -> None:
    """Waits for the writes that may have begun before a block was committed: then none that has not seen it is left.

    Outside a transaction: it holds one channel at a time, so that nobody waits for it in a circle.
    """
    if is_first:  # once more: a channel may have been made meanwhile
        await channels.renew_all(connection, company_id)
    for channel_id in await store.busy_channels(connection, company_id):
        await channels.lock(connection, company_id, channel_id)


async def unblock(connection: Connection, company_id: UUID, id: UUID | None) -> None:
    """Raises Refused (`not_found`)."""
    held = await store.held_secret(connection, company_id)
    if held is None or id is None or not await store.remove(connection, company_id, id):
        raise refuse(Code.NOT_FOUND, "The block list has no such entry")
    if await store.drop_empty_list(connection, company_id):
        await channels.renew_all(connection, company_id)


async def meeting(connection: Connection, company_id: UUID, key: BlockKey) -> list[Block]:
    """The blocks that keep a lead with this key out, oldest first."""
    secret = await store.secret_now(connection, company_id)
    if secret is None:
        return []
    digests = [digest_of(secret, one) for one in with_domains(frozenset({key}))]
    return await store.with_digests(connection, company_id, digests)
