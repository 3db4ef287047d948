"""The SQL that keeps what leads are found by: their words, and what lists of them are ordered and narrowed by."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from leadrail.core.leads.model import Lead
from leadrail.core.leads.words import words_of
from leadrail.db.statement import Section


class FindRow(msgspec.Struct, frozen=True):
    """What a lead is found by."""

    company_id: UUID
    number: int
    created_at: datetime
    assignee: str | None
    source: str | None
    words: tuple[str, ...]


class ValueRow(msgspec.Struct, frozen=True):
    """By which value a lead is listed."""

    company_id: UUID
    value: Decimal
    number: int


def value_row(lead: Lead) -> ValueRow | None:
    """None of a lead that has no value, or that is in no list."""
    if lead.value is None or lead.merged_into is not None:
        return None
    return ValueRow(lead.company_id, lead.value, lead.number)


def find_row(lead: Lead, country: str | None) -> FindRow:
    words = words_of(lead, country)
    return FindRow(lead.company_id, lead.number, lead.created_at, lead.assignee, lead.source, words)


# A blank before each word: what begins with "ann" has " ann" in it.
_WORDS = "(SELECT coalesce(string_agg(' ' || word, ''), '') FROM unnest(r.words) AS word)"

INSERT = Section(
    "findable",
    FindRow,
    "INSERT INTO lead_finds ({columns})"
    f" SELECT r.company_id, r.number, r.created_at, r.assignee, r.source, {_WORDS} FROM {{rows}}",
)
UPDATE = Section(
    "refound",
    FindRow,
    f"UPDATE lead_finds f SET assignee = r.assignee, source = r.source, words = {_WORDS} FROM {{rows}}"
    " WHERE f.company_id = r.company_id AND f.number = r.number",
)
_INSERT_WORDS = (
    "INSERT INTO lead_words (company_id, word, number)"
    " SELECT r.company_id, word, r.number FROM {rows}, unnest(r.words) AS word"
)
# Those of a lead that was not found before cannot be there. Of others, those that stay are.
INSERT_FIRST_WORDS = Section("first_worded", FindRow, _INSERT_WORDS, ("company_id", "number", "words"))
INSERT_WORDS = Section("worded", FindRow, f"{_INSERT_WORDS} ON CONFLICT DO NOTHING", ("company_id", "number", "words"))
# A merged lead is in no list.
DELETE = Section(
    "unfound",
    FindRow,
    "DELETE FROM lead_finds f USING {rows} WHERE f.company_id = r.company_id AND f.number = r.number",
    ("company_id", "number"),
)
# By the words that are kept of the lead, by whatever rule they once came.
DELETE_WORDS = Section(
    "unworded",
    FindRow,
    "DELETE FROM lead_words w USING {rows}, lead_finds f, string_to_table(substr(f.words, 2), ' ') AS had"
    " WHERE f.company_id = r.company_id AND f.number = r.number AND had <> ALL (r.words)"
    " AND w.company_id = r.company_id AND w.word = had AND w.number = r.number",
    ("company_id", "number", "words"),
)
INSERT_VALUES = Section("valued", ValueRow, "INSERT INTO lead_values ({columns}) SELECT {columns} FROM {rows}")
DELETE_VALUES = Section(
    "unvalued",
    ValueRow,
    "DELETE FROM lead_values v USING {rows}"
    " WHERE v.company_id = r.company_id AND v.value = r.value AND v.number = r.number",
)
