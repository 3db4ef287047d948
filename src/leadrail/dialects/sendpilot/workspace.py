"""Who is calling, and what there is to spend (contract section 4)."""

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.companies import store as companies
from leadrail.core.core import Core
from leadrail.core.errors import Code, refuse
from leadrail.dialects.sendpilot.auth import Right
from leadrail.dialects.sendpilot.wire import (
    Credits,
    GlobalCredits,
    Key,
    LeadDatabaseCredits,
    Me,
    Subscription,
    Workspace,
)
from leadrail.kit.clock import with_milliseconds
from leadrail.kit.http import Request, Response

PLENTY = 1_000_000_000
"""There are no credits here. A client that asks whether there are enough gets a number that fits 32 bits and is."""

_SUBSCRIPTION = Subscription(status="active", plan="self-hosted")
_CREDITS = msgspec.json.encode(
    Credits(
        available=PLENTY,
        subscription=PLENTY,
        purchased=0,
        used=0,
        next_reset_date=None,
        global_credits=GlobalCredits(balance=PLENTY, used=0, remaining=PLENTY),
        lead_database=LeadDatabaseCredits(quota=PLENTY, used=0, remaining=PLENTY),
    )
)


async def me(core: Core, actor: Actor, _: Request) -> Response:
    """The key, its company and what the key may not do."""
    async with core.database.connection() as connection:
        credential = await companies.credential_with_id(connection, actor.id) if actor.id else None
        company = await companies.company(connection, actor.company_id)
    if credential is None:
        raise refuse(Code.UNAUTHORIZED, "Invalid API key")
    key = credential.key
    answer = Me(
        api_key=Key(
            id=str(key.id),
            name=key.name,
            scopes=[right for right in Right if right.is_of(actor)],
            expires_at=with_milliseconds(key.expires_at) if key.expires_at else None,
            created_at=with_milliseconds(key.created_at),
        ),
        workspace=Workspace(id=str(company.id), name=company.name),
        subscription=_SUBSCRIPTION,
        missing_scopes=[right for right in Right if not right.is_of(actor)],
    )
    return Response(200, msgspec.json.encode(answer))


async def credit_balance(_core: Core, _actor: Actor, _request: Request) -> Response:
    return Response(200, _CREDITS)
