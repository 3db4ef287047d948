"""What SendPilot's clients send and get (contract sections 1 and 7). A null is an absence."""

from enum import StrEnum
from uuid import UUID

import msgspec


class CustomLeadStatus(StrEnum):
    """The newest generation's label of a lead, beside its status."""

    LEAD = "LEAD"
    INTERESTED = "INTERESTED"
    MEETING_BOOKED = "MEETING_BOOKED"
    MEETING_COMPLETE_NOT_CLOSED = "MEETING_COMPLETE_NOT_CLOSED"
    CLOSED = "CLOSED"
    WRONG_PERSON = "WRONG_PERSON"
    NOT_INTERESTED = "NOT_INTERESTED"
    NO_RESPONSE = "NO_RESPONSE"


class StatusPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    status: str | None = None
    custom_lead_status: CustomLeadStatus | None = None
    note: str | None = None


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The members of both published shapes: the first five of the oldest, then those of the newer ones."""

    id: UUID
    linkedin_url: str | None
    previous_status: str
    status: str
    updated_at: str
    success: bool
    lead_id: UUID
    message: str


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    status_code: int
    message: str
    error: str
