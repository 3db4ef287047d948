"""What was exported imports again to equal leads, whatever stands in their cells."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadrail.core.channels.commands import NewProperty
from leadrail.core.channels.model import Channel, PropertyType
from leadrail.core.exports.columns import cell
from leadrail.core.imports.model import Counts
from leadrail.core.imports.values import unguarded
from tests.imports.stage import brought, leads
from tests.people import People, Person

ITS_OWN = ("id", "number", "channel_id", "version", "updated_at")
PROPERTIES = (
    NewProperty(name="Budget; yearly", type=PropertyType.NUMBER),
    NewProperty(name="VIP", type=PropertyType.BOOLEAN),
    NewProperty(name="Since", type=PropertyType.DATE),
    NewProperty(name='"Words"'),
)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
words = st.one_of(
    texts, st.sampled_from(["=1+1", "'=1", "''-2", "+49 30", "@x", "-", "\tx", "\rx", '"', "a\r\nb", " x "])
)


@given(words)
def test_a_guarded_cell_is_read_as_what_it_was(text: str) -> None:
    guarded = cell(text)

    assert unguarded(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))


async def exported(person: Person, channel: Channel, **query: Any) -> bytes:
    answer = await person.http.get("/v1/exports", params={"channel": str(channel.id)} | query)
    assert answer.status_code == 200, answer.text
    return answer.content


def shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leads without what is each one's own."""
    whole = [{name: value for name, value in row.items() if name not in ITS_OWN} for row in rows]
    return [row | {"status": row["status"]["name"]} for row in whole]


async def test_leads_with_a_past_come_back_as_they_were(people: People) -> None:
    owner = people.owner
    channel, other = [await owner.channel(title=t, currency="EUR", properties=PROPERTIES) for t in ("One", "Two")]
    first = await owner.lead(channel, {"VIP": True, "Budget; yearly": 0.1, "Since": "2026-02-01"}, email="a@x.com",
                             phone="+49 30 901820", notes="=cmd()\r\nwell, \"then\"", value=Decimal("1234.50"),
                             attribution={"utm_source": "a,b", "external_ids": {"crm": "7"}})  # fmt: skip
    second = await owner.lead(channel, {'"Words"': " blanks around "}, name="'quoted", value=Decimal("0.000001"))
    third = await owner.lead(channel, first_name="Ann", next_follow_up_at=datetime.now(UTC) + timedelta(days=3))
    await owner.http.patch(f"/v1/leads/{third.id}", json={"currency": None})
    for lead, *moves in ((first, "Qualified", "Won"), (second, "Lost"), (third, "Qualified", "New")):
        for status in moves:
            body = {"status": status, "reason": "-why"}
            (await owner.http.put(f"/v1/leads/{lead.id}/status", json=body)).raise_for_status()

    done = await brought(owner, other, await exported(owner, channel))

    assert done.counts == Counts(created=3)
    assert shown(await leads(owner, other)) == shown((await leads(owner, channel))[::-1])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(words, words, st.floats(-1e12, 1e12), words), min_size=1, max_size=5))
async def test_any_text_comes_back(people: People, rows: list[tuple[str, str, float, str]]) -> None:
    owner = people.owner
    channel, other = [await owner.channel(title="One", properties=PROPERTIES) for _ in range(2)]
    for name, notes, budget, said in rows:
        await owner.lead(channel, {"Budget; yearly": budget, '"Words"': said}, name=name, notes=notes)

    await brought(owner, other, await exported(owner, channel))

    assert shown(await leads(owner, other)) == shown((await leads(owner, channel))[::-1])


async def test_the_history_is_a_file_of_its_own(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    lead = await owner.lead(channel, email="a@x.com")
    await owner.http.put(f"/v1/leads/{lead.id}/status", json={"status": "Lost", "reason": "Price"})
    await owner.lead(await owner.channel(title="Other"), email="b@x.com")

    text = (await exported(owner, channel, history="true")).decode()

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["type"], row["from_status"], row["to_status"], row["reason"], row["lead_id"]) for row in rows] == [
        ("lead.created", "", "New", "", str(lead.id)),
        ("lead.status_changed", "New", "Lost", "Price", str(lead.id)),
    ]


async def test_the_filter_of_the_list_narrows_the_file_and_no_page_is_missing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadrail.core.exports.rows.CHUNK", 2)
    monkeypatch.setattr("leadrail.core.exports.rows.MOST_EVENTS", 1)
    owner = people.owner
    channel = await owner.channel()
    made = [await owner.lead(channel, source="fair" if n % 2 else "web") for n in range(7)]

    rows = list(csv.DictReader(io.StringIO((await exported(owner, channel, source="web")).decode())))
    events = list(csv.DictReader(io.StringIO((await exported(owner, channel, history="true")).decode())))

    assert [row["leadrail_id"] for row in rows] == [str(lead.id) for lead in made[::2]][::-1]
    assert [row["lead_id"] for row in events] == [str(lead.id) for lead in made][::-1]


async def test_parquet_has_types_and_says_the_same(people: People) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    owner = people.owner
    channel = await owner.channel(properties=PROPERTIES)
    await owner.lead(channel, {"VIP": True}, name="=1+1", value=Decimal("12.5"))
    await owner.lead(channel)

    body = await exported(owner, channel, format="parquet")

    _, row = parquet.read_table(io.BytesIO(body)).to_pylist()
    assert (row["name"], row["value"], row["properties.VIP"]) == ("=1+1", Decimal("12.5"), "true")
    assert row["created_at"].tzinfo is not None
