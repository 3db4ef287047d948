"""The world that the suite over all dialects calls in: a channel, a lead in it, and who may and who may not."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from leadrail.core.actor import Scope
from leadrail.core.channels import reason_store
from leadrail.core.channels import store as channels
from leadrail.core.channels.model import Category, Channel, Property, PropertyType, Reason, Status, SubStatus
from leadrail.core.leads.model import Lead
from leadrail.core.rewards.model import Trigger
from leadrail.kit.ids import new_id
from tests.people import Keys, NewProperty, People, Person

TITLE = "Quillfeather inbound"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Scene:
    """The owner's channel, shared with the partner, a lead in it, and who may call and who may not.

    The channel earns on every cause and has an endpoint that hears all. `number` makes the scene's lead, and what
    its calls make, unlike those of any other scene: it stands in texts as `q17q`. `till` is the number of the good key,
    when that is one.
    """

    people: People
    keys: Keys
    stranger: str
    partner: str
    channel: Channel
    triggers: Mapping[str, Trigger]
    reason: Reason
    lead: Lead
    number: int
    till: int | None

    @classmethod
    async def made(cls, people: People, template: str, *, as_tills: bool) -> Self:
        owner, stranger = people.owner, people.stranger
        channel = await _channel(people, template)
        elsewhere, theirs = await owner.channel(title="Elsewhere"), await stranger.channel(title="Theirs")

        async def key(person: Person, default: Channel) -> str:
            make = person.till if as_tills else person.another_key
            return await make(scopes=tuple(Scope), default_channel=default.id)

        won = first_of(channel, Category.WON).name
        percent = {"kind": "percent", "amount": Decimal(10)}
        triggers = {
            "new": await owner.trigger(channel, cause="new_lead", kind="fixed", amount=Decimal(5)),
            "won": await owner.trigger(channel, cause="status_change", status=won, **percent),
            "purchase": await owner.trigger(channel, cause="purchase", **percent, repeat=True),
        }
        keys = await owner.keys(channel, elsewhere, as_tills=as_tills)
        tills = await owner.rows("SELECT till_number FROM api_keys WHERE till = $1", keys.good.partition(":")[0])
        return cls(
            people=people,
            keys=keys,
            stranger=await key(stranger, theirs),
            partner=await key(people.partner, channel),
            channel=await owner.channel_now(channel.id),
            triggers=triggers,
            reason=await _reason(people),
            lead=await zelda(people, channel, number := next(_numbers)),
            number=number,
            till=tills[0]["till_number"] if tills else None,
        )

    async def another(self, channel: Channel | None = None) -> "Scene":
        """The same with a new lead, in another channel if one is given."""
        number, channel = next(_numbers), channel or self.channel
        return replace(self, lead=await zelda(self.people, channel, number), channel=channel, number=number)

    async def apart(self) -> "Scene":
        """The same with a channel of its own, made like the first."""
        return await self.another(await _channel(self.people, self.channel.template))

    def text(self, of: str) -> str:
        """A text that no other scene has."""
        return f"{of} q{self.number}q"

    @property
    def size(self) -> Property:
        """The number property of the channel."""
        return self.channel.current_properties[0]


async def _channel(people: People, template: str) -> Channel:
    """A channel that the partner shares and every form may write to, with an endpoint that hears all of it."""
    properties = (NewProperty(name="Deal size", type=PropertyType.NUMBER), NewProperty(name="Region"))
    channel = await people.shared_channel(
        title=TITLE, template=template, currency="EUR", properties=properties, public_submissions=True
    )
    await people.owner.endpoint("http://127.0.0.1:9/hook", channel_id=channel.id)
    return channel


async def zelda(people: People, channel: Channel, number: int) -> Lead:
    """A lead with every field set: what no stranger may read anywhere."""
    properties = {"Deal size": 77319, "Region": "Quillshire"} if channel.property_by_key else {}
    return await people.owner.lead(
        channel,
        properties,
        email=f"zelda.q{number}q@example.com",
        phone=phone(number),
        linkedin_url=f"https://www.linkedin.com/in/zelda-q{number}q",
        first_name="Zelda",
        last_name="Quillfeather",
        title="Head of Quills",
        company_name="Quill & Daughters",
        source="Quill fair",
        assignee="quill.keeper",
        notes="Wants the blue one",
        business_id=f"quill-q{number}q",
        value=Decimal("77319.5"),
        currency="EUR",
        attribution={"utm_campaign": "quill_summer", "gclid": "quill_click"},
    )


def phone(number: int) -> str:
    return f"+31612{number:06}"


SECRETS = ("zelda", "quill", "77319.5", "+31612", "Wants the blue one")
"""What stands in any value of such a lead, or in the title of its channel."""

OF_THE_COMPANY = ("Feathers",)
"""What stands in what the owner's company has for all its channels."""


async def _reason(people: People) -> Reason:
    """A reason of the owner; the statuses on hold have a sub-status."""
    owner = people.owner
    async with owner.core.database.transaction() as connection:
        await reason_store.insert_reasons(connection, owner.company_id, [(new_id(), "Feathers too dear")])
        await reason_store.insert_sub_status(
            connection, owner.company_id, SubStatus(new_id(), Category.ON_HOLD, "Undecided")
        )
        await channels.renew_all(connection, owner.company_id)
        (reason,) = await reason_store.reasons(connection, owner.company_id)
    return reason


def first_of(channel: Channel, category: Category) -> Status:
    status = channel.first_of(category)
    assert status is not None
    return status
