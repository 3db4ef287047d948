"""What a batch changed of leads, in rows: of the leads themselves, of their keys, and of what they are found by."""

from collections.abc import Iterable

from leadrail.core.identity import KeyKind
from leadrail.core.leads import find_store as finds
from leadrail.core.leads import store as leads
from leadrail.core.leads.find_store import FindRow, ValueRow, find_row, value_row
from leadrail.core.leads.model import Lead
from leadrail.core.leads.store import KeptKeys, KeyRow
from leadrail.core.leads.words import searched
from leadrail.db.statement import Statement


def add_rows(whole: Statement, changed: Iterable[tuple[Lead | None, Lead, str | None]]) -> None:
    """Adds the rows of leads, each as it was (None: it is new) and is, with the country of its channel."""
    created, moved = list[Lead](), list[Lead]()
    edited, relocated = list[Lead](), list[Lead]()
    first_keyed, keyed, unkeyed = list[KeyRow](), list[KeyRow](), list[KeptKeys]()
    found, refound, unfound = list[FindRow](), list[FindRow](), list[FindRow]()
    valued, unvalued = list[ValueRow | None](), list[ValueRow | None]()
    for before, lead, country in changed:
        if before is None:
            created.append(lead)
            valued.append(value_row(lead))
            found.append(find_row(lead, country))
            first_keyed += _key_rows(lead, lead.keys(country))
            continue
        if lead is before:
            continue  # a decision on a reward leaves it as it is
        if (had := value_row(before)) != (has := value_row(lead)):
            unvalued.append(had)
            valued.append(has)
        if leads.only_moved(before, lead):
            moved.append(lead)
            continue
        (edited if lead.channel_id == before.channel_id else relocated).append(lead)
        if searched(before) != searched(lead):
            rows = unfound if lead.merged_into else found if before.merged_into else refound
            rows.append(find_row(lead, country))
        if before.keys(country) != (keys := lead.keys(country)):
            unkeyed.append(KeptKeys(lead.company_id, lead.id, tuple(f"{kind}:{key}" for kind, key in keys)))
            keyed += _key_rows(lead, keys)
    whole.add(leads.INSERT, created)
    whole.add(leads.MOVE, moved)
    whole.add(leads.EDIT, edited)
    whole.add(leads.RELOCATE, relocated)
    whole.add(leads.INSERT_FIRST_KEYS, first_keyed)
    whole.add(leads.INSERT_KEYS, keyed)
    whole.add(leads.DELETE_KEYS, unkeyed)
    whole.add(finds.INSERT, found)
    whole.add(finds.UPDATE, refound)
    whole.add(finds.DELETE, unfound)
    whole.add(finds.DELETE_WORDS, refound + unfound)
    whole.add(finds.INSERT_FIRST_WORDS, found)
    whole.add(finds.INSERT_WORDS, refound)
    whole.add(finds.DELETE_VALUES, [row for row in unvalued if row])
    whole.add(finds.INSERT_VALUES, [row for row in valued if row])


def _key_rows(lead: Lead, keys: Iterable[tuple[KeyKind, str]]) -> list[KeyRow]:
    return [KeyRow(lead.company_id, kind, key, lead.id) for kind, key in keys]
