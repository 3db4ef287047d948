"""Read marks against their rule: random marks through several keys, and a plain set that says what is read."""

import random
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import Origin
from leadrail.core.notifications import store
from leadrail.core.notifications.model import COUNTED, Unread, View
from leadrail.core.reactions import NOTICES, TABLE
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id
from tests.people import People

KINDS = (EventType.LEAD_CREATED, EventType.LEAD_STATUS_CHANGED)


class Notice(msgspec.Struct, frozen=True):
    seq: int
    kind: EventType
    channel_id: UUID


def test_kinds_of_notices_are_those_that_the_table_shows() -> None:
    assert EventType.LEAD_UPDATED not in NOTICES
    assert all(TABLE[kind, Origin.STANDARD].notice for kind in NOTICES)


def seen(view: View, notices: Sequence[Notice]) -> list[Notice]:
    return [
        one
        for one in notices
        if one.kind in view.kinds and (not view.channel_ids or one.channel_id in view.channel_ids)
    ]


def gone_with(view: View, notices: Sequence[Notice], seq: int) -> set[int]:
    """The notice, and the muted ones directly before it."""
    found = {seq}
    for one in reversed([one for one in notices if one.seq < seq]):
        if one.kind in view.kinds:
            break
        found.add(one.seq)
    return found


async def record(connection: Connection, company_id: UUID, notice: Notice, *, is_notice: bool) -> None:
    await connection.execute(
        """INSERT INTO events (company_id, seq, id, type, channel_id, occurred_at, recorded_at, actor_kind, face,
            notice, data) VALUES ($1, $2, $3, $4, $5, now(), now(), 'system', 'api', $6, '{}')""",
        company_id,
        notice.seq,
        new_id(),
        notice.kind if is_notice else EventType.LEAD_UPDATED,
        notice.channel_id,
        is_notice,
    )


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_read_is_what_was_marked_whatever_the_order_and_the_key(people: People, seed: int) -> None:
    chance, owner, notices, read = random.Random(seed), people.owner, list[Notice](), set[int]()
    channels = [(await owner.channel()).id for _ in range(2)]
    seq = 0
    async with owner.core.database.connection() as connection:
        for _ in range(60):
            for _ in range(chance.randrange(3)):
                seq += 1
                made = Notice(seq, chance.choice(KINDS), chance.choice(channels))
                is_notice = chance.random() < 0.7
                await record(connection, owner.company_id, made, is_notice=is_notice)
                notices += [made] if is_notice else []
            muted = chance.choice([(), (), KINDS[:1], KINDS[1:]])
            kinds = tuple(kind for kind in KINDS if kind not in muted)
            bound = chance.choice([(), tuple(channels[:1]), tuple(channels[1:]), tuple(channels)])
            read_to = (await store.settings(connection, owner.company_id, owner.user_id)).read_to
            view = View(owner.company_id, bound, kinds, bool(muted), owner.user_id, read_to)
            if shown := seen(view, notices):
                match chance.randrange(5):
                    case 0:
                        await store.mark_up_to(connection, view, up_to := chance.choice(shown).seq)
                        read |= {
                            one.seq for one in notices if one.seq <= up_to and (not bound or one.channel_id in bound)
                        }
                    case _:
                        some = [one.seq for one in chance.sample(shown, min(len(shown), chance.randrange(1, 4)))]
                        await store.mark(connection, view, some)
                        read |= set[int]().union(*(gone_with(view, notices, one) for one in some))
            await compare(connection, view, seen(view, notices), read)


async def compare(connection: Connection, view: View, shown: Sequence[Notice], read: set[int]) -> None:
    assert view.user_id is not None
    now = msgspec.structs.replace(
        view, read_to=(await store.settings(connection, view.company_id, view.user_id)).read_to
    )
    whole = await store.listed(connection, now, before=store.NEWEST, limit=200, unread=False)
    unread = await store.listed(connection, now, before=store.NEWEST, limit=200, unread=True)

    assert [(one.entry.seq, one.read) for one in whole.notices] == [(one.seq, one.seq in read) for one in shown[::-1]]
    left = [one.seq for one in shown[::-1] if one.seq not in read]
    assert [one.entry.seq for one in unread.notices] == left
    assert await store.unread(connection, now) == Unread(len(left), False)
    assert len(left) <= COUNTED
