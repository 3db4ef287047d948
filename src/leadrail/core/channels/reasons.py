"""Adding, renaming and archiving a company's reasons and sub-statuses. The caller owns the transaction.

Leads name them by id, so a new name shows on all of them at once, and events keep the words that were said. Archived
ones stay where they are named and are not given any more; adding the text again takes the same one back.
"""

from collections.abc import Iterable
from uuid import UUID

from leadrail.core.channels import reason_store, rule_store, store
from leadrail.core.channels.model import Category, Reason, SubStatus
from leadrail.core.errors import Code, Refused, refuse
from leadrail.db.database import Connection
from leadrail.kit.ids import new_id


async def add_reason(connection: Connection, company_id: UUID, text: str) -> Reason:
    """Raises Refused (`invalid`, `conflict` when it is on offer already)."""
    text = _checked("text", text)
    await store.renew_all(connection, company_id)
    if (added := await reason_store.offer_reason(connection, company_id, new_id(), text)) is None:
        raise _taken("/text", text, archived=False)
    return added


async def offer_reasons(connection: Connection, company_id: UUID, texts: Iterable[str]) -> list[Reason]:
    """The reasons that have these texts in any case, all of them on offer from now on. Raises Refused (`invalid`)."""
    wanted = [_checked("text", text) for text in texts]
    await store.renew_all(connection, company_id)
    offered = []
    for text in wanted:
        added = await reason_store.offer_reason(connection, company_id, new_id(), text)
        known = added or await reason_store.reason_like(connection, company_id, text)
        assert known is not None  # nothing else keeps a text from being added
        offered.append(known)
    return offered


async def rename_reason(connection: Connection, company_id: UUID, id: UUID, text: str) -> Reason:
    """The rules that give the reason go on giving it. Raises Refused (`invalid`, `not_found`, `conflict`)."""
    text = _checked("text", text)
    before = await _held_reason(connection, company_id, id)
    like = await reason_store.reason_like(connection, company_id, text)
    if like is not None and like.id != id:
        raise _taken("/text", like.text, like.archived)
    await reason_store.rename_reason(connection, company_id, id, text)
    await rule_store.rename_reason(connection, company_id, before.text, text)
    return Reason(id, before.number, text)


async def archive_reason(connection: Connection, company_id: UUID, id: UUID) -> None:
    """Raises Refused (`not_found`, `conflict` when a rule, paused or not, gives the reason)."""
    reason = await _held_reason(connection, company_id, id)
    if (rule := await rule_store.giving(connection, company_id, reason.text)) is not None:
        message = f'The rule "{rule}" gives the reason "{reason.text}"; change or remove the rule first'
        raise refuse(Code.CONFLICT, message)
    await reason_store.archive_reason(connection, company_id, id)


async def _held_reason(connection: Connection, company_id: UUID, id: UUID) -> Reason:
    # First, as everywhere: whoever changes the company's words takes its channels before, so none wait in a circle.
    await store.renew_all(connection, company_id)
    reason = await reason_store.reason(connection, company_id, id)
    if reason is None or reason.archived:
        raise refuse(Code.NOT_FOUND, "The company has no such reason on offer")
    return reason


async def add_sub_status(connection: Connection, company_id: UUID, category: Category, name: str) -> SubStatus:
    """Raises Refused (`invalid`, `conflict` when the category has it already)."""
    name = _checked("name", name)
    await store.renew_all(connection, company_id)
    new = SubStatus(new_id(), category, name)
    if (added := await reason_store.offer_sub_status(connection, company_id, new)) is None:
        raise _taken("/name", name, archived=False)
    return added


async def offer_sub_status(connection: Connection, company_id: UUID, category: Category, name: str) -> SubStatus:
    """The category's sub-status of this name in any case, from now on on offer. Raises Refused (`invalid`)."""
    name = _checked("name", name)
    await store.renew_all(connection, company_id)
    added = await reason_store.offer_sub_status(connection, company_id, SubStatus(new_id(), category, name))
    known = added or await reason_store.sub_status_like(connection, company_id, category, name)
    assert known is not None  # as above
    return known


async def rename_sub_status(connection: Connection, company_id: UUID, id: UUID, name: str) -> SubStatus:
    """Raises Refused (`invalid`, `not_found`, `conflict`)."""
    name = _checked("name", name)
    before = await _held_sub_status(connection, company_id, id)
    like = await reason_store.sub_status_like(connection, company_id, before.category, name)
    if like is not None and like.id != id:
        raise _taken("/name", like.name, like.archived)
    await reason_store.rename_sub_status(connection, company_id, id, name)
    return SubStatus(id, before.category, name)


async def archive_sub_status(connection: Connection, company_id: UUID, id: UUID) -> None:
    """Raises Refused (`not_found`)."""
    await _held_sub_status(connection, company_id, id)
    await reason_store.archive_sub_status(connection, company_id, id)


async def _held_sub_status(connection: Connection, company_id: UUID, id: UUID) -> SubStatus:
    await store.renew_all(connection, company_id)
    sub_status = await reason_store.sub_status(connection, company_id, id)
    if sub_status is None or sub_status.archived:
        raise refuse(Code.NOT_FOUND, "The company has no such sub-status on offer")
    return sub_status


def _checked(member: str, text: str) -> str:
    if not (text := text.strip()):
        raise refuse(Code.INVALID, f"{member} must not be blank", f"/{member}")
    return text


def _taken(pointer: str, text: str, archived: bool) -> Refused:
    where = "among the archived ones; add it to take it back" if archived else "there already"
    return refuse(Code.CONFLICT, f'"{text}" is {where}', pointer)
