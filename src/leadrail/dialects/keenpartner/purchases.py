"""The actions that record a purchase (contract section 4.8). Rewards are earned by the core's own rules."""

from uuid import UUID

from leadrail.core.actor import Scope
from leadrail.core.leads.decisions import Purchase
from leadrail.dialects.keenpartner import mapping, views
from leadrail.dialects.keenpartner.auth import admit
from leadrail.dialects.keenpartner.calls import Call, Generation, answer, execute
from leadrail.dialects.keenpartner.wire import CreatePurchase, CreatePurchaseCustom, PurchaseAnswer
from leadrail.kit.http import Response


async def create_purchase(call: Call, asked: CreatePurchase) -> Response:
    lead_id, made = await _recorded(call, asked)
    if call.generation is Generation.FIRST:
        return answer(PurchaseAnswer(views.first_purchase(lead_id, made, asked.product_id)))
    return answer(PurchaseAnswer(views.purchase(lead_id, made)))


async def create_purchase_custom(call: Call, asked: CreatePurchaseCustom) -> Response:
    """The first pages' second action; the newest ones have made it `create_purchase`."""
    return answer(PurchaseAnswer(views.purchase(*await _recorded(call, asked))))


async def _recorded(call: Call, asked: CreatePurchase) -> tuple[UUID, Purchase]:
    actor = await admit(call.core, call.request, Scope.WRITE)
    command = mapping.purchase(actor, asked)
    done = await execute(call.core, command)
    return command.lead_id, done.events[0].data["purchase"]
