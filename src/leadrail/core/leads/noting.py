"""What is written down about a lead. Pure."""

from datetime import datetime

from msgspec.structs import replace

from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import AddNote
from leadrail.core.leads.decisions import Decision, Fact, Note
from leadrail.core.leads.fields import NOTE_LIMIT, PERSON_LIMIT, checked_text
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import NoteAddedData


def add_note(lead: Lead, command: AddNote, now: datetime) -> Decision:
    text = checked_text("text", command.text, NOTE_LIMIT)
    if text is None or not text.strip():
        raise refuse(Code.INVALID, "A note has text", "/text")
    author = checked_text("author", command.author or "", PERSON_LIMIT)
    note = Note(command.note_id, text, author, now)
    after = replace(lead, updated_at=now, version=lead.version + 1)
    return Decision(after, (Fact(EventType.NOTE_ADDED, NoteAddedData(note=note), now),), note=note)
