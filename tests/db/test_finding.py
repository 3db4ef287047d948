"""What the migration finds existing leads by is what the code finds new ones by."""

from decimal import Decimal
from pathlib import Path

from leadrail import db
from leadrail.core.channels.model import PropertyType
from leadrail.core.leads.find_store import find_row
from tests.api.test_merging import merge
from tests.people import NewProperty, People

MIGRATIONS = Path(db.__file__).parent / "migrations"
MIGRATION = (MIGRATIONS / "0013_finding.sql").read_text()
BACKFILL = MIGRATION[
    MIGRATION.index("-- What core/leads/words.py does") : MIGRATION.index("ALTER TABLE lead_words ADD")
]
VALUES = (MIGRATIONS / "0017_values.sql").read_text()
VALUES = VALUES[VALUES.index("INSERT INTO") : VALUES.index("ALTER TABLE")]

FIELDS: tuple[dict[str, object], ...] = (
    {
        "email": "Anna.Schmidt+x@Firm-Two.example",
        "name": "Änne Groß-Weber ß",
        "notes": "On 2026-03-02: crane, (quote)!",
    },
    {"phone": "+45 20 12 34 56", "company_name": "Müller & Söhne; ØRSTED a.s.", "attribution": {"utm_source": "x y"}},
    {"phone": "020 12", "first_name": "Anna", "last_name": "Annabel O'Neil", "assignee": "sam", "source": "fair"},
    {
        "name": "x" * 150,
        "notes": " ".join(f"w{n}" for n in range(150)),
        "attribution": {"utm_campaign": "5", "gclid": "g"},
    },
    {},
)
PROPERTIES: tuple[dict[str, object], ...] = (
    {"Size": 5, "Plan": "1.50", "Hot": True}, {"Size": 1.5}, {"Size": 1e-7}, {"Size": -20.0}, {"Size": 0.0, "Plan": ""},
)  # fmt: skip


async def test_the_migration_makes_the_rows_that_the_code_makes(people: People) -> None:
    owner = people.owner
    types = {"Size": PropertyType.NUMBER, "Plan": PropertyType.TEXT, "Hot": PropertyType.BOOLEAN}
    channel = await owner.channel(properties=tuple(NewProperty(name=name, type=type) for name, type in types.items()))
    leads = [await owner.lead(channel, values, **given) for given, values in zip(FIELDS, PROPERTIES, strict=True)]
    finds = "SELECT number, created_at, assignee, source, words FROM lead_finds WHERE company_id = $1 ORDER BY number"
    words = "SELECT number, word FROM lead_words WHERE company_id = $1 ORDER BY number, word"
    written = [await owner.rows(statement, owner.company_id) for statement in (finds, words)]
    assert [(row["number"], row["word"]) for row in written[1]] == [
        (lead.number, word) for lead in leads for word in find_row(lead, channel.country).words
    ]

    async with owner.core.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM lead_finds; DELETE FROM lead_words;" + BACKFILL)
        again = [[dict(row) for row in await connection.fetch(one, owner.company_id)] for one in (finds, words)]
        await transaction.rollback()
    assert again[1] == written[1]
    assert again[0] == written[0]


async def test_a_migration_lists_the_values_that_the_code_lists(people: People) -> None:
    owner = people.owner
    channel = await owner.channel()
    stays, goes, _ = [await owner.lead(channel, value=value) for value in (Decimal("10.50"), Decimal(0), None)]
    listed = "SELECT value, number FROM lead_values WHERE company_id = $1 ORDER BY number"
    assert [row["number"] for row in await owner.rows(listed, owner.company_id)] == [stays.number, goes.number]
    await merge(owner, stays, goes)
    written = await owner.rows(listed, owner.company_id)

    async with owner.core.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"DELETE FROM lead_values; {VALUES}")
        again = [dict(row) for row in await connection.fetch(listed, owner.company_id)]
        await transaction.rollback()
    assert again == written == [{"value": Decimal("10.50"), "number": stays.number}]
