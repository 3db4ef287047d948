"""What a lead bought. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.channels.model import Channel
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import RecordPurchase
from leadrail.core.leads.decisions import Decision, Fact, Purchase
from leadrail.core.leads.fields import (
    NAME_LIMIT,
    NOTE_LIMIT,
    checked_amount,
    checked_currency,
    checked_text,
    checked_time,
)
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import PurchaseRecordedData


def record_purchase(lead: Lead, channel: Channel, command: RecordPurchase, now: datetime) -> Decision:
    purchase = Purchase(
        id=command.purchase_id,
        name=checked_text("name", command.name, NAME_LIMIT) if command.name else None,
        description=checked_text("description", command.description, NOTE_LIMIT) if command.description else None,
        amount=checked_amount("amount", command.amount) if command.amount is not None else None,
        currency=checked_currency(command.currency) if command.currency else lead.currency or channel.currency,
        # A bill may be dated ahead, and a day alone begins earlier east of here.
        purchased_at=checked_time("at", command.at) if command.at is not None else now,
        created_at=now,
    )
    fact = Fact(
        EventType.PURCHASE_RECORDED,
        PurchaseRecordedData(purchase=purchase),
        purchase.purchased_at,
        purchase=purchase,
        trigger_ids=command.trigger_ids,
    )
    return Decision(replace(lead, updated_at=now, version=lead.version + 1), (fact,), purchase=purchase)
