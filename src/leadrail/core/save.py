"""What a decision comes to in rows: events, rewards and deliveries, gathered over a batch for one statement."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from leadrail.core import idempotency
from leadrail.core.actor import Actor, ActorKind
from leadrail.core.channels import assignment_store
from leadrail.core.channels.assignment import Giver, Turns
from leadrail.core.channels.assignment_store import AssignedRow, TurnsRow
from leadrail.core.channels.model import Channel
from leadrail.core.consents import store as consents
from leadrail.core.consents.store import ConsentRow
from leadrail.core.counts import folding
from leadrail.core.counts.folding import QuietEdit
from leadrail.core.erasure import Erased
from leadrail.core.events import store as events
from leadrail.core.events.model import Event, EventActor, EventType
from leadrail.core.events.store import CountRow, EventRow
from leadrail.core.followups import store as followups
from leadrail.core.followups.store import PlannedRow
from leadrail.core.idempotency import Answer, AnswerRow
from leadrail.core.leads import find_store as finds
from leadrail.core.leads import store as leads
from leadrail.core.leads.commands import Command, Origin
from leadrail.core.leads.decisions import Decision, Fact
from leadrail.core.leads.find_store import FindRow, find_row
from leadrail.core.leads.model import Lead, LeadDocument, document
from leadrail.core.leads.store import KeptKeys, KeyRow
from leadrail.core.leads.words import searched
from leadrail.core.notes import store as notes
from leadrail.core.notes.store import NoteRow
from leadrail.core.purchases import store as purchases
from leadrail.core.purchases.store import PurchaseRow
from leadrail.core.reactions import TABLE, Reaction
from leadrail.core.rewards import store as rewards
from leadrail.core.rewards.model import Ledger, Line, RewardCreatedData, Settled, after, clawed_back, earned
from leadrail.core.rewards.store import RewardRow, SettledRow
from leadrail.core.setup import Setup
from leadrail.core.webhooks import store as webhooks
from leadrail.core.webhooks.model import Subscription
from leadrail.core.webhooks.store import DeliveryRow
from leadrail.db.statement import Statement
from leadrail.kit.ids import new_id

_encoder = msgspec.json.Encoder()


class Told(msgspec.Struct, frozen=True):
    """An event and who hears of it."""

    event: Event
    fact: Fact
    notice: bool
    hearers: tuple[Subscription, ...]


class Change(msgspec.Struct, frozen=True):
    """One carried-out command: the lead before and after, its events, and what they did to its rewards.

    `lines` are new rewards, `settled` those with another state than before (new ones may be among them); `ledger` is
    the lead's ledger after it all. `turns` are the channel's after it gave the lead to somebody; of the leads
    of `batch_id` there is one notice.
    """

    before: Lead | None
    decision: Decision
    channel: Channel
    told: tuple[Told, ...]
    lines: tuple[Line, ...] = ()
    settled: tuple[Settled, ...] = ()
    ledger: Ledger = ()
    turns: Turns | None = None
    batch_id: UUID | None = None

    @property
    def lead(self) -> Lead:
        return self.decision.lead


def follow(
    command: Command,
    setup: Setup,
    before: Lead | None,
    decision: Decision,
    ledger: Ledger,
    now: datetime,
    source: Setup | None = None,
) -> Change:
    """All that follows from a decision, by the table of reactions. `source` is the channel that the lead left, if it
    did: that it left, and what became of the rewards of there, is told there.
    """
    told: list[Told] = []
    lines: list[Line] = []
    settled: list[Settled] = []
    for fact in decision.facts:
        reaction = TABLE[fact.type, command.origin]
        if reaction.recorded:
            where = source if source is not None and fact.type is EventType.LEAD_LEFT else setup
            told.append(_told(command, where, decision.lead, fact, now))
        if not reaction.rewards:
            continue
        if taken := clawed_back(ledger, fact, now):
            settled += taken
            ledger = after(ledger, taken)
            told += [_told(command, source or setup, decision.lead, news_of(one, now), now) for one in taken]
        for line in earned(setup.triggers, setup.channel, decision.lead, fact, ledger, now):
            lines.append(line)
            ledger += (line,)
            news = Fact(EventType.REWARD_CREATED, RewardCreatedData(reward=line.reward), now)
            told.append(_told(command, setup, decision.lead, news, now))
    return Change(before, decision, setup.channel, tuple(told), tuple(lines), tuple(settled), ledger)


def settle(
    command: Command,
    setup: Setup,
    lead: Lead,
    ledger: Ledger,
    settled: Settled,
    line: Line | None,
    now: datetime,
    source: Setup | None = None,
) -> Change:
    """All that follows from a decision on a reward; `line` is the one that it adds, if it does. It is told in the
    channel in which it was earned, `source`; the lead may have left that.
    """
    decision = Decision(lead, (news_of(settled, now),))
    told = (_told(command, source or setup, lead, decision.facts[0], now),)
    if line is not None:
        return Change(lead, decision, setup.channel, told, (line,), (), (*ledger, line))
    return Change(lead, decision, setup.channel, told, (), (settled,), after(ledger, (settled,)))


def news_of(settled: Settled, now: datetime) -> Fact:
    return Fact(EventType.REWARD_CHANGED, settled.told(), now)


def _told(command: Command, setup: Setup, lead: Lead, fact: Fact, now: datetime) -> Told:
    return _telling(command.actor, TABLE[fact.type, command.origin], setup, lead.id, fact, now)


def _telling(actor: Actor, reaction: Reaction, setup: Setup, lead_id: UUID | None, fact: Fact, now: datetime) -> Told:
    by = EventActor(actor.kind, actor.id, actor.face)
    event = Event(fact.id or new_id(), fact.type, lead_id, setup.channel.id, fact.at, now, by, fact.data)
    hearers: tuple[Subscription, ...] = ()
    if reaction.deliveries:
        hearers = tuple(one for one in setup.subscriptions if one.hears(fact, setup.channel))
    return Told(event, fact, reaction.notice, hearers)


def announce(
    write: "Write", actor: Actor, setup: Setup, type: EventType, data: Mapping[str, Any], now: datetime
) -> None:
    """Adds the rows of an event of a channel itself."""
    told = _telling(actor, TABLE[type, Origin.STANDARD], setup, None, Fact(type, data, now), now)
    write.tell(setup.channel.company_id, told, None)


def company_announcement(
    company_id: UUID, type: EventType, data: Mapping[str, Any], hearers: Sequence[Subscription], now: datetime
) -> "Write":
    """The rows of an event of a company itself, which the product noticed."""
    reaction, by = TABLE[type, Origin.STANDARD], EventActor(ActorKind.SYSTEM, None, "worker")
    event = Event(new_id(), type, None, None, now, now, by, data)
    write = Write(now)
    write.tell(company_id, Told(event, Fact(type, data, now), reaction.notice, tuple(hearers)), None)
    return write


class _Payload(msgspec.Struct, frozen=True):
    """What a delivery keeps until it is sent: the event, its data joined by the lead as it was after it."""

    id: UUID
    type: str
    lead_id: UUID | None
    channel_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    actor: EventActor
    data: Mapping[str, Any]


def payload(event: Event, lead: LeadDocument | None) -> str:
    """The event as webhooks carry it, with its lead in `data.lead`."""
    data = {**event.data, "lead": lead} if lead is not None else event.data
    whole = _Payload(
        event.id,
        event.type,
        event.lead_id,
        event.channel_id,
        event.occurred_at,
        event.recorded_at,
        event.actor,
        data,
    )
    return _encoder.encode(whole).decode()


class Write:
    """The rows of one batch."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._places: Counter[UUID] = Counter()
        self._before: dict[UUID, Lead | None] = {}
        self._after: dict[UUID, tuple[Lead, Channel]] = {}
        self._keyed: list[KeyRow] = []
        self._unkeyed: list[KeptKeys] = []
        self._events: list[EventRow] = []
        self._lines: dict[UUID, tuple[UUID, Line]] = {}
        self._settled: dict[UUID, SettledRow] = {}
        self._follow_ups: list[PlannedRow] = []
        self._purchases: list[PurchaseRow] = []
        self._notes: list[NoteRow] = []
        self._consents: list[ConsentRow] = []
        self._answers: list[AnswerRow] = []
        self._assigned: Counter[tuple[UUID, UUID, UUID, str]] = Counter()
        self._quiet: list[QuietEdit] = []
        self.turns: dict[Giver, Turns] = {}
        self.deliveries: list[DeliveryRow] = []
        self.erased: list[Erased] = []

    def add(self, change: Change) -> None:
        if not change.decision.facts and change.lead is change.before:
            return
        lead = change.lead
        self._before.setdefault(lead.id, change.before)
        if lead.erased_at is not None and change.before is not None and change.before.erased_at is None:
            self._erase(change.before, change.channel)
        self._after[lead.id] = (lead, change.channel)
        shown = document(lead, change.channel) if any(told.hearers for told in change.told) else None
        for told in change.told:
            # Who hears of a channel that the lead left is not shown what it is elsewhere.
            self.tell(lead.company_id, told, shown if told.event.channel_id == lead.channel_id else None)
        if change.decision.facts and not change.told:
            self._quiet.append(QuietEdit(lead.company_id, lead.id))
        for line in change.lines:
            self._lines[line.reward.id] = (lead.company_id, line)
        for settled in change.settled:
            self._settle(lead.company_id, settled)
        for follow_up in change.decision.follow_ups:
            self._follow_ups.append(PlannedRow(lead.company_id, lead.id, *msgspec.structs.astuple(follow_up)))
        if (purchase := change.decision.purchase) is not None:
            self._purchases.append(PurchaseRow(lead.company_id, lead.id, *msgspec.structs.astuple(purchase)))
        if (note := change.decision.note) is not None:
            self._notes.append(NoteRow(lead.company_id, lead.id, *msgspec.structs.astuple(note)))
        if (consent := change.decision.consent) is not None:
            self._consents.append(ConsentRow(lead.company_id, lead.id, *msgspec.structs.astuple(consent)))
        if change.turns is not None:
            self.turns[lead.company_id, lead.channel_id] = change.turns
            if change.batch_id is not None:
                self._assigned[lead.company_id, change.batch_id, lead.channel_id, lead.assignee or ""] += 1

    def _erase(self, before: Lead, channel: Channel) -> None:
        companies = dict.fromkeys((before.company_id, *(member.company_id for member in channel.members)))
        keys = tuple(before.keys(channel.country))
        self.erased.append(Erased(before.company_id, before.id, tuple(companies), keys))

    def has_more_of(self, lead_id: UUID) -> bool:
        """Whether it records more of an erased lead than that."""
        events = sum(row.lead_id == lead_id for row in self._events)
        return events > 1 or any(row.lead_id == lead_id for row in self._answers)

    def answer(self, company_id: UUID, key: str, lead: Lead, answer: Answer) -> None:
        given = (answer.fingerprint, answer.status, answer.body, self._now)
        row = AnswerRow(company_id, key, lead.company_id, lead.id, *given)
        self._answers.append(row)

    def statement(self) -> tuple[str, list[str]] | None:
        """The one statement that writes everything, or None when there is nothing to write."""
        whole = Statement()
        whole.add(events.COUNT, [CountRow(*counted) for counted in self._places.items()])
        self._add_leads(whole)
        whole.add(events.INSERT, self._events)
        whole.add(webhooks.INSERT, self.deliveries)
        self._add_rewards(whole)
        whole.add(followups.INSERT, self._follow_ups)
        whole.add(purchases.INSERT, self._purchases)
        whole.add(notes.INSERT, self._notes)
        whole.add(consents.INSERT, self._consents)
        whole.add(folding.QUIET, self._quiet)
        whole.add(idempotency.INSERT, self._answers)
        whole.add(assignment_store.TURN, [_turns_row(key, turns) for key, turns in self.turns.items()])
        assigned = [AssignedRow(*key, leads, self._now) for key, leads in sorted(self._assigned.items())]
        whole.add(assignment_store.ASSIGNED, assigned)
        return whole.render() if whole else None

    def tell(self, company_id: UUID, told: Told, shown: LeadDocument | None) -> None:
        """Records an event and makes it due to whoever hears of it; `shown` is its lead, if it has one."""
        event, fact = told.event, told.fact
        self._places[company_id] += 1
        place = self._places[company_id]
        data = msgspec.Raw(_encoder.encode(event.data))
        self._events.append(
            EventRow(
                company_id,
                place,
                event.id,
                event.type,
                event.lead_id,
                event.channel_id,
                fact.from_status.id if fact.from_status else None,
                fact.to_status.id if fact.to_status else None,
                event.occurred_at,
                event.recorded_at,
                event.actor.kind,
                event.actor.id,
                event.actor.face,
                told.notice,
                data,
            )
        )
        if not told.hearers:
            return
        body = payload(event, shown)
        for one in told.hearers:
            self.deliveries.append(
                DeliveryRow(
                    company_id,
                    place,
                    new_id(),
                    event.id,
                    event.type,
                    event.lead_id,
                    one.company_id,
                    one.endpoint_id,
                    one.ordered and event.lead_id is not None,
                    shown is not None and shown.erased_at is not None,
                    body,
                    self._now,
                )
            )

    def _settle(self, company_id: UUID, settled: Settled) -> None:
        reward = settled.reward
        if reward.id in self._lines:
            self._lines[reward.id] = (company_id, msgspec.structs.replace(self._lines[reward.id][1], reward=reward))
        else:
            self._settled[reward.id] = rewards.settled_row(company_id, reward)

    def _add_rewards(self, whole: Statement) -> None:
        rows: list[RewardRow] = [rewards.row(company_id, line) for company_id, line in self._lines.values()]
        whole.add(rewards.SETTLE, list(self._settled.values()))
        whole.add(rewards.INSERT_AFTER if self._settled else rewards.INSERT, rows)

    def _add_leads(self, whole: Statement) -> None:
        created, moved = [], []
        edited: list[Lead] = []
        relocated: list[Lead] = []
        found: list[FindRow] = []
        refound: list[FindRow] = []
        for id, (lead, channel) in self._after.items():
            before = self._before[id]
            if before is None:
                created.append(lead)
                found.append(find_row(lead, channel.country))
            elif lead is before:
                continue  # a decision on a reward leaves it as it is
            elif leads.only_moved(before, lead):
                moved.append(lead)
                continue
            else:
                (edited if lead.channel_id == before.channel_id else relocated).append(lead)
                if searched(before) != searched(lead):
                    refound.append(find_row(lead, channel.country))
            self._add_keys(before, lead, channel.country)
        whole.add(leads.INSERT, created)
        whole.add(leads.MOVE, moved)
        whole.add(leads.EDIT, edited)
        whole.add(leads.RELOCATE, relocated)
        whole.add(leads.INSERT_KEYS, self._keyed)
        whole.add(leads.DELETE_KEYS, self._unkeyed)
        whole.add(finds.INSERT, found)
        whole.add(finds.UPDATE, refound)
        whole.add(finds.DELETE_WORDS, refound)
        whole.add(finds.INSERT_WORDS, found + refound)

    def _add_keys(self, before: Lead | None, lead: Lead, country: str | None) -> None:
        keys = lead.keys(country)
        if before is not None:
            if before.keys(country) == keys:
                return
            kept = tuple(f"{kind}:{key}" for kind, key in keys)
            self._unkeyed.append(KeptKeys(lead.company_id, lead.id, kept))
        self._keyed += [KeyRow(lead.company_id, kind, key, lead.id) for kind, key in keys]


def _turns_row(giver: Giver, turns: Turns) -> TurnsRow:
    return TurnsRow(*giver, {pool: msgspec.structs.asdict(turn) for pool, turn in turns.items()})
