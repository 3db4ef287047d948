"""A merge of leads and its undo, as changes of each of them with all that follows. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from leadrail.core.actor import Actor
from leadrail.core.channels.model import Category
from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.automatic import REVERSIBLE
from leadrail.core.leads.commands import MergeCommand, MergeLeads, Origin, UndoMerge
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.merge_store import Merge, MergeRow, UndoneRow
from leadrail.core.leads.merging import Contact, Standing, apart, joined, stood_for, taken_back
from leadrail.core.leads.model import Lead, standing
from leadrail.core.leads.told import LeadMergedData, LeadUnmergedData
from leadrail.core.rewards.model import OPEN, Ledger, Reward, RewardState, Settled, after
from leadrail.core.save import Change, Told, follow, settle
from leadrail.core.setup import Setup

MOST_LEADS = 100
"""Of so many leads one is made at most: whoever reads what was recorded of it looks at each."""

WITHDRAWN = "the lead was merged with one that has this reward"


class Withdrawn(msgspec.Struct, frozen=True):
    """A reward as it was before a merge took it back."""

    id: UUID
    state: RewardState
    reason: str | None
    decided_at: datetime | None


class Kept(msgspec.Struct, frozen=True):
    """What taking a merge back needs."""

    before: Standing
    after: Standing
    contacts: list[Contact]
    rewards: list[Withdrawn]


class Written(msgspec.Struct, frozen=True):
    """What is written down of a merge that is to be taken back, and of a later one that must be before it."""

    merge: Merge | None = None
    later: UUID | None = None


class Known(msgspec.Struct, frozen=True):
    """What is known of the leads, all of them locked. `families`: each lead that stands for others, with those."""

    leads: Mapping[UUID, Lead]
    setups: Mapping[UUID, Setup]
    ledgers: Mapping[UUID, Ledger]
    families: Mapping[UUID, Sequence[UUID]]
    written: Written = Written()

    def seen(self, actor: Actor, id: UUID, field: str | None = None) -> tuple[Lead, Setup]:
        """Raises Refused (`lead_not_found`; `forbidden` for a partner)."""
        lead = standing(self.leads, id)
        setup = self.setups.get(lead.channel_id) if lead is not None else None
        if lead is None or setup is None or not setup.channel.allows(actor):
            raise refuse(Code.LEAD_NOT_FOUND, "Lead not found", field)
        if actor.company_id != lead.company_id:
            raise refuse(Code.FORBIDDEN, "Only the company that owns the leads' channel may merge them")
        return lead, setup


def merge(command: MergeLeads, known: Known, now: datetime) -> Change:
    """What the merge comes to. Leads that are one already stay as they are.

    Raises Refused (`lead_not_found`, `forbidden`, `version_conflict`, `conflict`, `invalid`).
    """
    into, setup = known.seen(command.actor, command.lead_id, "/into")
    if command.version is not None and command.version != into.version:
        message = f"The lead is at version {into.version}, not {command.version}; read it again"
        raise refuse(Code.VERSION_CONFLICT, message)
    others = _others(command, known, into)
    _require_living(into, setup, others)
    chosen = {
        name: (standing(known.leads, id) or into).id if id in known.leads else id for name, id in command.take.items()
    }
    lead, taken = joined(into, others, setup.channel, chosen, now)
    ledger = sum((known.ledgers.get(one.id, ()) for one in others), known.ledgers.get(into.id, ()))
    if not others:
        return Change(into, Decision(into), setup.channel, (), ledger=ledger)
    if sum(len(known.families.get(one.id, (one.id,))) for one in (into, *others)) > MOST_LEADS:
        raise refuse(Code.CONFLICT, f"One lead is made of at most {MOST_LEADS}")
    withdrawn = _twice(ledger, now)
    ids = [one.id for one in others]
    data = LeadMergedData(merge_id=command.merge_id, into=into.id, leads=ids, taken=taken)
    fact = Fact(EventType.LEAD_MERGED, data, now)
    kept = Kept(
        Standing.of(into),
        Standing.of(lead),
        [Contact.of(one) for one in others],
        [_former(line.reward) for line in ledger if line.reward.id in {one.reward.id for one in withdrawn}],
    )
    row = MergeRow(into.company_id, command.merge_id, into.id, tuple(ids), now, msgspec.to_builtins(kept))
    change = _changed(command, setup, into, lead, (fact,), now)
    return replace(
        change,
        told=change.told + _told_of(withdrawn, command, known, setup, lead, now),
        settled=tuple(withdrawn),
        ledger=after(ledger, withdrawn),
        others=tuple(_changed(command, setup, one, stood_for(one, into, now), (fact,), now) for one in others),
        merge=row,
    )


def _others(command: MergeLeads, known: Known, into: Lead) -> list[Lead]:
    """The leads that are to become one with `into`, each once; those that are it already are left out."""
    found: dict[UUID, Lead] = {}
    for place, id in enumerate(command.lead_ids):
        field = f"/leads/{place}"
        if id == command.lead_id:
            raise refuse(Code.INVALID, "A lead is not merged into itself", field)
        lead, _ = known.seen(command.actor, id, field)
        if lead.erased_at is not None:
            raise refuse(Code.CONFLICT, "The lead was erased and takes no more changes", field)
        if lead.channel_id != into.channel_id:
            message = "The lead is in another channel; leads of one channel are merged, so move it first"
            raise refuse(Code.CONFLICT, message, field, channel_id=str(lead.channel_id))
        if lead.id != into.id:
            found[lead.id] = lead
    return list(found.values())


def _require_living(into: Lead, setup: Setup, others: Sequence[Lead]) -> None:
    if into.erased_at is not None:
        raise refuse(Code.CONFLICT, "The lead was erased and takes no more changes", "/into")
    gone = [_is_deleted(lead, setup) for lead in (into, *others)]
    if gone[0] and not all(gone):
        message = (
            "The lead that is to stay is deleted and another is not; merge them the other way, or restore it first"
        )
        raise refuse(Code.CONFLICT, message, "/into")


def _is_deleted(lead: Lead, setup: Setup) -> bool:
    return setup.channel.status_by_id[lead.status_id].category is Category.DELETED


def _changed(
    command: MergeCommand, setup: Setup, before: Lead, lead: Lead, facts: tuple[Fact, ...], now: datetime
) -> Change:
    return follow(command, setup, before, Decision(lead, facts), (), now)


def _told_of(
    settled: Sequence[Settled], command: MergeCommand, known: Known, setup: Setup, lead: Lead, now: datetime
) -> tuple[Told, ...]:
    """The news of rewards, each told in the channel in which it was earned."""
    changes = (settle(command, setup, lead, (), one, None, now, known.setups[one.reward.channel_id]) for one in settled)
    return tuple(told for change in changes for told in change.told)


def _twice(ledger: Ledger, now: datetime) -> list[Settled]:
    """The rewards that are taken back, since one that is the same and comes once is paid, or was there before them."""
    by_trigger: dict[UUID, list[Reward]] = {}
    for line in ledger:
        reward = line.reward
        if (
            line.once
            and reward.corrects is None
            and not reward.clawed_back
            and reward.state is not RewardState.REJECTED
        ):
            by_trigger.setdefault(reward.trigger_id, []).append(reward)
    surplus = []
    for rewards in by_trigger.values():
        in_turn = sorted(rewards, key=lambda one: (one.state is not RewardState.PAID, one.created_at, one.id))
        surplus += [one for one in in_turn[1:] if one.state in OPEN]
    return [
        Settled(replace(one, state=RewardState.REJECTED, reason=WITHDRAWN, decided_at=now), one.state)
        for one in surplus
    ]


def _former(reward: Reward) -> Withdrawn:
    return Withdrawn(reward.id, reward.state, reward.reason, reward.decided_at)


def undo(command: UndoMerge, known: Known, now: datetime) -> Change:
    """What taking a merge back comes to: the leads as they were, and the one that stayed without what it was given.

    Raises Refused (`lead_not_found`, `forbidden`, `not_found`, `conflict`).
    """
    into, setup, kept = _reversible(command, known, now)
    lead, stays = taken_back(into, kept.before, kept.after, setup.channel, now)
    ledger = known.ledgers.get(into.id, ())
    back = _given_back(ledger, kept.rewards)
    data = LeadUnmergedData(merge_id=command.merge_id, into=into.id, leads=list(command.lead_ids), kept=stays)
    fact = Fact(EventType.LEAD_UNMERGED, data, now)
    change = _changed(command, setup, into, lead, (fact,), now)
    return replace(
        change,
        told=change.told + _told_of(back, command, known, setup, lead, now),
        settled=tuple(back),
        ledger=after(ledger, back),
        others=tuple(_restored(command, known, contact, fact, now) for contact in kept.contacts),
        merge=UndoneRow(into.company_id, command.merge_id, now),
    )


def _reversible(command: UndoMerge, known: Known, now: datetime) -> tuple[Lead, Setup, Kept]:
    known.seen(command.actor, command.lead_id)
    merge, lead = known.written.merge, known.leads[command.lead_id]
    if merge is None:
        raise refuse(Code.NOT_FOUND, "The lead has no such merge")
    if merge.undone_at is not None:
        raise refuse(Code.CONFLICT, f"The merge was taken back on {merge.undone_at:%Y-%m-%d}")
    if merge.kept is None:
        raise refuse(Code.CONFLICT, "The person was erased; there is nothing to be taken apart")
    if now > merge.merged_at + REVERSIBLE:
        ended = merge.merged_at + REVERSIBLE
        raise refuse(Code.CONFLICT, f"The time for taking this merge back ended on {ended:%Y-%m-%d}")
    if lead.merged_into is not None:
        message = "The lead was itself merged since; take that merge back first"
        raise refuse(Code.CONFLICT, message, lead_id=str(lead.merged_into))
    if known.written.later is not None:
        message = "Another merge into the lead came after this one; take that back first"
        raise refuse(Code.CONFLICT, message, merge_id=str(known.written.later))
    kept = msgspec.convert(merge.kept, Kept)
    for contact in kept.contacts:
        if (channel_id := known.leads[contact.lead_id].channel_id) != lead.channel_id:
            message = "The lead went to another channel since; move it back first, then take the merge back"
            raise refuse(Code.CONFLICT, message, channel_id=str(channel_id))
    return lead, known.setups[lead.channel_id], kept


def _given_back(ledger: Ledger, withdrawn: Sequence[Withdrawn]) -> list[Settled]:
    """The rewards that the merge took back and nobody has decided on since."""
    former = {one.id: one for one in withdrawn}
    return [
        Settled(replace(reward, state=was.state, reason=was.reason, decided_at=was.decided_at), reward.state)
        for reward in (line.reward for line in ledger)
        if (was := former.get(reward.id)) is not None and reward.state is RewardState.REJECTED
    ]


def _restored(command: UndoMerge, known: Known, contact: Contact, fact: Fact, now: datetime) -> Change:
    before = known.leads[contact.lead_id]
    setup = known.setups[before.channel_id]
    lead, move = apart(before, contact, setup.channel, now)
    change = _changed(command, setup, before, lead, (fact,), now)
    if move is None:
        return change
    # It is where it was: a status that stands in for another earns nothing and is no news.
    moved = follow(replace(command, origin=Origin.IMPORT), setup, before, Decision(lead, (move,)), (), now)
    return replace(change, decision=Decision(lead, (fact, move)), told=change.told + moved.told)
