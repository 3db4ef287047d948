"""The one action without a key: a form on anybody's page hands in a lead (contract section 4.9)."""

from math import ceil
from uuid import UUID

from leadrail.core.actor import visitor
from leadrail.core.core import Core
from leadrail.core.errors import Code, Refused, refuse
from leadrail.core.leads.commands import Origin
from leadrail.core.setup import Setup
from leadrail.dialects.keenpartner import mapping, views
from leadrail.dialects.keenpartner.auth import FACE
from leadrail.dialects.keenpartner.calls import Call, answer, execute
from leadrail.dialects.keenpartner.cors import ANY_PAGE
from leadrail.dialects.keenpartner.views import VENDOR
from leadrail.dialects.keenpartner.wire import LeadAnswer, LeadExternal
from leadrail.kit.http import Response
from leadrail.kit.throttle import household

PER_MINUTE, BURST = 30, 10
"""How often one address may hand in a lead: nobody fills in forms faster, and a script is slowed down."""

_ON_THE_PAGE = {
    Code.FORBIDDEN: (Code.FORBIDDEN, "Public API not enabled for this channel"),
    Code.CHANNEL_NOT_FOUND: (Code.NOT_FOUND, "Channel not found"),
}


async def lead_external(call: Call, asked: LeadExternal) -> Response:
    """Raises Refused (`rate_limited` with `retry_after_s`)."""
    if wait_s := ceil(call.forms.wait_s(household(call.request.client))):
        message = f"Too many leads from this address; try again in {wait_s} seconds"
        raise refuse(Code.RATE_LIMITED, message, retry_after_s=wait_s)
    channel = (await _open_channel(call.core, mapping.channel_id(asked.channel_id))).channel
    actor = visitor(channel.company_id, channel.id, FACE)
    done = await execute(call.core, mapping.creation(actor, channel.id, asked, Origin.PUBLIC_FORM))
    return answer(LeadAnswer(views.bare(done.lead, done.setup.channel)), ANY_PAGE)


async def _open_channel(core: Core, id: UUID) -> Setup:
    try:
        async with core.database.connection() as connection:
            return await core.reader.public_channel(connection, VENDOR, str(id))
    except Refused as error:
        if (said := _ON_THE_PAGE.get(error.refusal.code)) is None:
            raise
        raise refuse(*said) from None
