"""Which lead a row is about: one that the channel has, one that an earlier row makes, or none."""

from collections.abc import Mapping, Sequence
from enum import Enum
from uuid import UUID

import msgspec

from leadrail.core.identity import KeyKind
from leadrail.core.imports.rows import Draft, Key


class Ambiguous(msgspec.Struct, frozen=True):
    """Several leads have the key."""

    kind: KeyKind
    lead_ids: tuple[UUID, ...]


class Nobody(Enum):
    """No lead is meant by the row."""

    NOBODY = "nobody"


Match = UUID | Ambiguous | Nobody


def keys_to_match(draft: Draft, match_by: Sequence[KeyKind]) -> list[Key]:
    """The row's keys of these kinds, in the order of the kinds."""
    return [key for kind in match_by for key in draft.keys if key[0] is kind]


def match(keys: Sequence[Key], known: Mapping[Key, Sequence[UUID]]) -> Match:
    """The first kind that finds somebody decides."""
    for key in keys:
        if ids := known.get(key):
            return ids[0] if len(ids) == 1 else Ambiguous(key[0], tuple(ids))
    return Nobody.NOBODY


def ambiguity(found: Ambiguous) -> str:
    """Why a row that several leads answer to is refused."""
    ids = ", ".join(map(str, found.lead_ids[:5]))
    return f"The channel has {len(found.lead_ids)} leads with this {found.kind.replace('_', ' ')}: {ids}"
