"""The write path's look at block lists: one look-up a batch, and none where nobody is blocked."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from leadrail.core.blocks import store
from leadrail.core.blocks.model import FIELDS, brought, digest_of, personal, with_domains
from leadrail.core.errors import Code, refuse
from leadrail.core.identity import KeyKind
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Command, CreateLead
from leadrail.core.leads.model import Lead
from leadrail.core.setup import Setup
from leadrail.db.database import Connection

Blocked = frozenset[bytes]
"""The digests of what is blocked, of all that a batch brings."""


async def drawn(
    connection: Connection, commands: Sequence[Command], locked: Sequence[leads.Locked], setups: Mapping[UUID, Setup]
) -> tuple[list[int], Blocked]:
    """A number for each new lead, and what is blocked of that which the commands bring.

    Run when channels are held: a block that was committed before is seen (see `commands.outwait`).
    """
    numbers = sum(isinstance(command, CreateLead) for command in commands)
    if wanted := _wanted(commands, locked, setups):
        return await store.draw(connection, numbers, sorted(wanted))
    return (await leads.take_numbers(connection, numbers) if numbers else []), frozenset()


async def blocked_among(connection: Connection, setup: Setup, keys: frozenset[tuple[KeyKind, str]]) -> Blocked:
    """What is blocked of these keys of leads."""
    if setup.block_secret is None or not keys:
        return frozenset()
    digests = {digest_of(setup.block_secret, key) for key in with_domains(personal(keys))}
    company_id = setup.channel.company_id
    _, blocked = await store.draw(connection, 0, sorted((company_id, digest) for digest in digests))
    return blocked


def _wanted(
    commands: Sequence[Command], locked: Sequence[leads.Locked], setups: Mapping[UUID, Setup]
) -> set[tuple[UUID, bytes]]:
    listing = {id: setup for id, setup in setups.items() if setup.block_secret is not None}
    if not listing:
        return set()
    channel_of = {row.lead.id: row.lead.channel_id for row in locked}
    wanted = set()
    for command in commands:
        channel_id = command.channel_id if isinstance(command, CreateLead) else channel_of.get(command.lead_id)
        setup = listing.get(channel_id) if channel_id is not None else None
        if setup is not None and setup.block_secret is not None:
            keys = brought(command, setup.channel.country)
            wanted |= {(setup.channel.company_id, digest_of(setup.block_secret, key)) for key in keys}
    return wanted


def refuse_blocked(command: Command, lead: Lead | None, setup: Setup, blocked: Blocked) -> None:
    """Raises Refused (`blocked`) when the command brings what may not come in and the lead does not have already.

    Whoever may not use the channel is not told: the rules refuse him for that.
    """
    if not blocked or setup.block_secret is None or not setup.channel.allows(command.actor):
        return
    country = setup.channel.country
    had = with_domains(personal(lead.keys(country))) if lead is not None else frozenset()
    for kind, key in sorted(brought(command, country) - had):
        if digest_of(setup.block_secret, (kind, key)) in blocked:
            message = f"The company takes no lead with this {kind.replace('_', ' ')}: it is on its block list"
            raise refuse(Code.BLOCKED, message, f"/{FIELDS[kind]}")
