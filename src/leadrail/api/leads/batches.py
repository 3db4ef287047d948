"""Many leads made or moved in one call."""

from collections.abc import Callable
from typing import Any

import msgspec

from leadrail.api.leads.commands import change, creation
from leadrail.api.leads.shapes import BatchAnswer, BatchedChange, BatchOutcome, LeadBatch, NewLead, StatusBatch
from leadrail.api.operation import Call, NoQuery
from leadrail.api.problems import bad_input_problem, problem_of
from leadrail.api.writes import fingerprint, idempotency_key
from leadrail.core import assigning
from leadrail.core.engine import Done, Outcome
from leadrail.core.errors import Refusal, Refused
from leadrail.core.idempotency import Answer
from leadrail.core.leads.commands import Command, Idempotency
from leadrail.core.leads.model import document
from leadrail.kit import wire
from leadrail.kit.http import Response, json_response
from leadrail.kit.ids import new_id
from leadrail.kit.wire import BadInput

Word = Callable[[Done], str]
"""How an outcome is called."""


async def create_batch(call: Call[LeadBatch, NoQuery]) -> Response:
    batch_id = new_id()

    def command(raw: msgspec.Raw, place: int, at: str) -> Command:
        keep = _item_key(call, raw, place, _arrived)
        return creation(call.actor, wire.decode(_NEW_LEAD, bytes(raw), at), keep, batch_id)

    results, response = await _batch(call, call.body.leads, "/leads", _arrived, command)
    await assigning.tell(call.core, call.actor, assigning.owners(results), batch_id)
    return response


async def change_batch(call: Call[StatusBatch, NoQuery]) -> Response:
    def command(raw: msgspec.Raw, place: int, at: str) -> Command:
        body = wire.decode(_BATCHED_CHANGE, bytes(raw), at)
        return change(call.actor, body.lead_id, body, _item_key(call, raw, place, _moved))

    _, response = await _batch(call, call.body.changes, "/changes", _moved, command)
    return response


def _arrived(done: Done) -> str:
    return done.arrival


def _moved(done: Done) -> str:
    return "changed" if done.events else "unchanged"


_NEW_LEAD = msgspec.json.Decoder(NewLead)
_BATCHED_CHANGE = msgspec.json.Decoder(BatchedChange)


def _item_key(call: Call[Any, Any], raw: msgspec.Raw, place: int, word: Word) -> Idempotency | None:
    """Each item of a batch is kept under a key of its own, so a repeat of a batch that was cut short finishes it."""
    key = idempotency_key(call.request)
    if key is None:
        return None

    def render(done: Done) -> tuple[int, bytes]:
        return 200, msgspec.json.encode(_outcome(done, word))

    return Idempotency(f"{key}/{place}", fingerprint(call, bytes(raw)), render)


async def _batch(
    call: Call[Any, Any], items: list[msgspec.Raw], list_at: str, word: Word, make: Any
) -> tuple[list[Outcome], Response]:
    """One outcome per item, in order. An item that cannot be read is refused like one that breaks a rule."""
    idempotency_key(call.request)  # a bad one is the whole call's fault
    outcomes: dict[int, BatchOutcome | msgspec.Raw] = {}
    commands: dict[int, Command] = {}
    for place, raw in enumerate(items):
        at = f"{list_at}/{place}"
        try:
            commands[place] = make(raw, place, at)
        except BadInput as error:
            outcomes[place] = BatchOutcome("refused", error=bad_input_problem(error))
        except Refused as error:
            outcomes[place] = BatchOutcome("refused", error=problem_of(error.refusal, at))
    results = await call.core.engine.execute(list(commands.values()))
    for place, result in zip(commands, results, strict=True):
        outcomes[place] = _batch_outcome(result, word, f"{list_at}/{place}")
    return results, json_response(200, BatchAnswer([outcomes[place] for place in range(len(items))]))


def _batch_outcome(result: Outcome, word: Word, at: str) -> BatchOutcome | msgspec.Raw:
    if isinstance(result, Refusal):
        return BatchOutcome("refused", error=problem_of(result, at))
    return msgspec.Raw(result.body) if isinstance(result, Answer) else _outcome(result, word)


def _outcome(done: Done, word: Word) -> BatchOutcome:
    return BatchOutcome(word(done), document(done.lead, done.setup.channel))
