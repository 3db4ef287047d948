"""Sections over rows become one statement, and PostgreSQL reads every row as it was meant."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from leadrail.core.core import Core
from leadrail.db.statement import Section, Statement


class Row(msgspec.Struct):
    a: int
    b: str | None = None


FIRST = Section("first", Row, "INSERT INTO kept ({columns}) SELECT * FROM {rows}")
OTHER = Section("other", Row, "DELETE FROM kept k USING {rows} WHERE k.a = r.a", only=("a",))


def test_each_section_has_its_rows_in_a_parameter_of_its_own() -> None:
    statement = Statement()
    statement.add(FIRST, [Row(1, "one"), Row(2)])
    statement.add(OTHER, [Row(3, "three")])

    sql, parameters = statement.render()

    assert sql == (
        "WITH first AS (INSERT INTO kept (a, b) SELECT * FROM json_to_recordset($1::json) AS r(a bigint, b text)),"
        " other AS (DELETE FROM kept k USING json_to_recordset($2::json) AS r(a bigint) WHERE k.a = r.a) SELECT 1"
    )
    assert [msgspec.json.decode(rows, type=list[Row]) for rows in parameters] == [
        [Row(1, "one"), Row(2)],
        [Row(3, "three")],
    ]


def test_a_section_without_rows_is_left_out_and_takes_no_parameter() -> None:
    statement = Statement()
    statement.add(FIRST, [])
    statement.add(OTHER, [Row(3)])

    sql, parameters = statement.render()

    assert "first" not in sql
    assert ("$1::json" in sql, len(parameters)) == (True, 1)


def test_a_statement_without_rows_is_false() -> None:
    statement = Statement()
    statement.add(FIRST, [])

    assert not statement


async def test_all_sections_are_carried_out_in_one_round_trip(core: Core) -> None:
    table = f"kept_{uuid4().hex}"
    statement = Statement()
    insert, delete = (msgspec.structs.replace(one, sql=one.sql.replace("kept", table)) for one in (FIRST, OTHER))
    statement.add(insert, [Row(2, "two"), Row(3)])
    statement.add(delete, [Row(1)])
    sql, parameters = statement.render()

    async with core.database.transaction() as connection:
        await connection.execute(f"CREATE TEMPORARY TABLE {table} (a bigint, b text) ON COMMIT DROP")
        await connection.execute(f"INSERT INTO {table} VALUES (1, 'one')")
        await connection.execute(sql, *parameters)
        rows = await connection.fetch(f"SELECT * FROM {table} ORDER BY a")

    assert [tuple(row) for row in rows] == [(2, "two"), (3, None)]


class Word(StrEnum):
    YES = "yes"


class Everything(msgspec.Struct):
    id: UUID = UUID(int=7)
    number: int = 2**62
    text: str = "'; DROP TABLE leads; -- {rows} {columns} $1 \\ \"é\u2028\U0001f600\n"
    empty: str = ""
    word: Word = Word.YES
    nothing: str | None = None
    yes: bool = True
    at: datetime = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
    early: datetime = datetime(1, 1, 1, tzinfo=UTC)
    late: datetime = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    amount: Decimal = Decimal("999999999999999.999999")
    small: Decimal | None = Decimal("0.000001")
    data: dict[str, Any] = msgspec.field(default_factory=lambda: {"a": [1, 2.5, None, {"b": ""}], "": 0, "c": 2**70})


ECHO = Section("echo", Everything, "SELECT * FROM {rows}")


async def echoed(core: Core, row: Everything) -> Everything:
    statement = Statement()
    statement.add(ECHO, [row])
    sql, parameters = statement.render()
    async with core.database.connection() as connection:
        (read,) = await connection.fetch(sql.replace("SELECT 1", "SELECT * FROM echo"), *parameters)
    return Everything(*read)


async def test_values_of_every_type_arrive_as_they_were(core: Core) -> None:
    assert await echoed(core, Everything()) == Everything()


@pytest.mark.parametrize("amount", ["0", "0.10", "1E+3", "-0", "123456789012345.678901"])
async def test_an_amount_is_never_rounded_on_its_way(core: Core, amount: str) -> None:
    assert (await echoed(core, Everything(amount=Decimal(amount)))).amount == Decimal(amount)


async def test_a_time_of_another_zone_is_the_same_moment(core: Core) -> None:
    elsewhere = datetime(2026, 3, 2, 14, 0, tzinfo=timezone(timedelta(hours=2)))

    assert (await echoed(core, Everything(at=elsewhere))).at == elsewhere
