"""One batch in the making: what each command of it comes to, in the order in which they came."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from leadrail.core.actor import ActorKind
from leadrail.core.blocks.looking import Blocked, refuse_blocked
from leadrail.core.channels.assignment import Giver, Turns
from leadrail.core.errors import Code, Refusal, Refused, refuse
from leadrail.core.events.model import Event, EventType
from leadrail.core.idempotency import Answer
from leadrail.core.identity import KeyKind
from leadrail.core.leads import store as leads
from leadrail.core.leads.arriving import Match, arrival_keys, meant_by
from leadrail.core.leads.assigning import assigned
from leadrail.core.leads.commands import (
    ChangeChannel,
    Command,
    CorrectReward,
    CreateLead,
    DecideReward,
    LeadCommand,
    Origin,
    RewardCommand,
)
from leadrail.core.leads.decisions import Decision
from leadrail.core.leads.model import Lead
from leadrail.core.leads.rules import decide
from leadrail.core.rewards import deciding
from leadrail.core.rewards.model import Ledger, Reward
from leadrail.core.save import Change, Write, follow, settle
from leadrail.core.setup import Setup


class Arrival(StrEnum):
    """What became of a lead that came in: a new one, or what it did to the one that is there."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ATTACHED = "attached"


class Done(msgspec.Struct, frozen=True):
    """A command that was carried out (or had nothing left to do: then `events` is empty).

    `reward` is the one that it was about, if it was about one. To somebody without a key `lead` is always the lead as
    he sent it, also when it was attached to one that is there.
    """

    lead: Lead
    setup: Setup
    before: Lead | None
    events: tuple[Event, ...]
    reward: Reward | None = None

    @property
    def arrival(self) -> Arrival:
        """What became of a lead that came in."""
        if self.before is None:
            return Arrival.CREATED
        if any(event.type is EventType.LEAD_ATTACHED for event in self.events):
            return Arrival.ATTACHED
        return Arrival.UPDATED if self.events else Arrival.UNCHANGED


Outcome = Done | Answer | Refusal
"""An Answer is the kept answer to an earlier call with the same idempotency key."""


class Loaded(msgspec.Struct, frozen=True):
    """What a batch begins with: the rows that are locked for it, and what is known beside them.

    `givers` are the channels of new leads that may give them out.
    """

    locked: Sequence[leads.Locked]
    setups: Mapping[UUID, Setup]
    ledgers: Mapping[UUID, Ledger]
    numbers: Sequence[int]
    blocked: Blocked
    known: Mapping[leads.Place, leads.Holders]
    givers: frozenset[Giver]
    answers: Mapping[tuple[UUID, str], Answer]
    now: datetime


class Work:
    """One batch in the making: the state that later commands see, and what is to be written.

    `turns` says whose turn it is taken to be in channels that give their leads out; `guessed` is what of it counted.
    """

    def __init__(self, loaded: Loaded, turns: Mapping[Giver, Turns]) -> None:
        self._leads = {row.lead.id: row.lead for row in loaded.locked}
        self._ledgers, self._answers = dict(loaded.ledgers), dict(loaded.answers)
        self._known = {place: dict(holders) for place, holders in loaded.known.items()}
        self._setups, self._numbers, self._now = loaded.setups, iter(loaded.numbers), loaded.now
        self._blocked, self._turns = loaded.blocked, turns
        self.guessed: dict[Giver, Turns] = {}
        self.write = Write(loaded.now)

    def apply(self, command: Command) -> Outcome:
        try:
            return self._replayed(command) or self._done(command)
        except Refused as error:
            return error.refusal

    def _replayed(self, command: Command) -> Answer | None:
        if command.idempotency is None:
            return None
        answer = self._answers.get((command.actor.company_id, command.idempotency.key))
        return answer.matching(command.idempotency.fingerprint) if answer else None

    def _done(self, command: Command) -> Done:
        done, change = self.decided(command)
        self._remember(command, change, done)
        return done

    def decided(self, command: Command) -> tuple[Done, Change]:
        """What the command comes to, nothing remembered yet. Raises Refused."""
        if isinstance(command, DecideReward | CorrectReward):
            return self._settled(command)
        if isinstance(command, CreateLead):
            return self._arrived(command)
        if isinstance(command, ChangeChannel):
            return self._relocated(command)
        lead = self._leads.get(command.lead_id)
        setup = self._setup_of(_channel_of(lead))
        refuse_blocked(command, lead, setup, self._blocked)
        return self._carried_out(command, setup, lead, 0)

    def _arrived(self, command: CreateLead) -> tuple[Done, Change]:
        """The same for a lead that comes in: a new one, or one that the channel has."""
        setup = self._setup_of(command.channel_id)
        refuse_blocked(command, None, setup, self._blocked)
        number = next(self._numbers)
        meant = meant_by(setup.channel, command, self._matches(command, setup))
        if isinstance(meant, CreateLead):
            meant, turns = self._assigned(meant, setup)
            done, change = self._carried_out(meant, setup, None, meant.number or number)
            batch_id = meant.batch_id if meant.origin is Origin.BATCH else None
            return done, msgspec.structs.replace(change, turns=turns, batch_id=batch_id) if turns else change
        done, change = self._carried_out(meant, setup, self._leads[meant.lead_id], 0)
        if command.actor.kind is ActorKind.VISITOR:
            as_sent = decide(None, setup.channel, command, self._now, number).lead
            done = msgspec.structs.replace(done, lead=as_sent)
        return done, change

    def _carried_out(self, command: LeadCommand, setup: Setup, lead: Lead | None, number: int) -> tuple[Done, Change]:
        decision = decide(lead, setup.channel, command, self._now, number)
        ledger = self._ledgers.get(decision.lead.id, ())
        change = follow(command, setup, lead, decision, ledger, self._now)
        return Done(decision.lead, setup, lead, tuple(told.event for told in change.told)), change

    def _relocated(self, command: ChangeChannel) -> tuple[Done, Change]:
        """The same for a lead that goes to another channel."""
        lead = self._leads.get(command.lead_id)
        source = self._setup_of(_channel_of(lead))
        if not source.channel.allows(command.actor):
            raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
        target = self._setup_of(command.channel_id)
        decision = decide(lead, source.channel, command, self._now, target=target.channel)
        ledger = self._ledgers.get(command.lead_id, ())
        change = follow(command, target, lead, decision, ledger, self._now, source)
        return Done(decision.lead, target, lead, tuple(told.event for told in change.told)), change

    def _setup_of(self, channel_id: UUID) -> Setup:
        if (setup := self._setups.get(channel_id)) is None:
            raise refuse(Code.CHANNEL_NOT_FOUND, "Channel not found", "/channel_id")
        return setup

    def _assigned(self, command: CreateLead, setup: Setup) -> tuple[CreateLead, Turns | None]:
        giver = setup.channel.giver
        turns = self.write.turns.get(giver) or self._turns.get(giver, {})
        command, after = assigned(setup.channel, command, turns, self._now)
        if after is not None:
            self.guessed.setdefault(giver, turns)
        return command, after

    def _matches(self, command: CreateLead, setup: Setup) -> list[Match]:
        """The leads of the channel, as they are by now, with keys in common."""
        kinds: dict[UUID, set[KeyKind]] = {}
        for kind, key in arrival_keys(setup.channel, command) if self._known else ():
            for id, version in self._known.get((command.channel_id, kind, key), {}).items():
                lead = self._leads.get(id)
                # One that was changed since it was seen to have the key may not have it any more, or be elsewhere.
                if lead is None or lead.channel_id != command.channel_id:
                    continue
                if lead.version == version or (kind, key) in lead.keys(setup.channel.country):
                    kinds.setdefault(id, set()).add(kind)
        return [Match(self._leads[id], frozenset(kinds[id])) for id in sorted(kinds)]

    def _settled(self, command: RewardCommand) -> tuple[Done, Change]:
        """The same for a decision on a reward. A lead that is not there has none."""
        lead = self._leads.get(command.lead_id)
        setup = self._setups.get(lead.channel_id) if lead is not None else None
        if lead is None or setup is None:
            raise refuse(Code.NOT_FOUND, "Reward not found")
        ledger = self._ledgers.get(lead.id, ())
        if isinstance(command, CorrectReward):
            line, settled = deciding.corrected(ledger, lead.company_id, command, self._now)
            source = self._setups[line.reward.channel_id]
            change = settle(command, setup, lead, ledger, settled, line, self._now, source)
            return _settling(lead, setup, change, line.reward), change
        reward, news = deciding.decided(ledger, lead.company_id, command, self._now)
        if news is None:
            change = Change(lead, Decision(lead), setup.channel, (), ledger=ledger)
        else:
            source = self._setups[reward.channel_id]
            change = settle(command, setup, lead, ledger, news, None, self._now, source)
        return _settling(lead, setup, change, reward), change

    def _remember(self, command: Command, change: Change, done: Done) -> None:
        lead = change.lead
        self._leads[lead.id] = lead
        self._ledgers[lead.id] = change.ledger
        if self._known:
            for kind, key in lead.keys(done.setup.channel.country):
                if (holders := self._known.get((lead.channel_id, kind, key))) is not None:
                    holders[lead.id] = lead.version
        self.write.add(change)
        if command.idempotency is not None:
            status, body = command.idempotency.render(done)
            answer = Answer(command.idempotency.fingerprint, status, body)
            self._answers[(command.actor.company_id, command.idempotency.key)] = answer
            self.write.answer(command.actor.company_id, command.idempotency.key, lead, answer)


def _settling(lead: Lead, setup: Setup, change: Change, reward: Reward) -> Done:
    return Done(lead, setup, lead, tuple(told.event for told in change.told), reward)


def _channel_of(lead: Lead | None) -> UUID:
    if lead is None:
        raise refuse(Code.LEAD_NOT_FOUND, "Lead not found")
    return lead.channel_id
