"""What a person has agreed to, or withdrawn. Pure."""

import re
from datetime import datetime

from leadrail.core.errors import Code, refuse
from leadrail.core.events.model import EventType
from leadrail.core.leads.commands import RecordConsent
from leadrail.core.leads.decisions import Consent, Decision, Fact
from leadrail.core.leads.fields import TEXT_LIMITS, checked_past, checked_text
from leadrail.core.leads.model import Lead
from leadrail.core.leads.told import ConsentRecordedData

PROOF_LIMIT = 4_000
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,59}")


def record_consent(lead: Lead, command: RecordConsent, now: datetime) -> Decision:
    """A further row of the ledger. The lead stays as it is: to agree or withdraw puts off no rule and no end."""
    purpose = command.purpose.strip().lower()
    if not _PURPOSE.fullmatch(purpose):
        message = "purpose is a word of yours: 1 to 60 letters a to z, digits, and _ . - within"
        raise refuse(Code.INVALID, message, "/purpose")
    at = checked_past("at", command.at, now) if command.at is not None else now
    source = checked_text("source", command.source or "", TEXT_LIMITS["source"])
    proof = checked_text("proof", command.proof or "", PROOF_LIMIT)
    consent = Consent(command.consent_id, purpose, command.basis, command.state, at, source, proof, now)
    return Decision(
        lead, (Fact(EventType.CONSENT_RECORDED, ConsentRecordedData(consent=consent), at),), consent=consent
    )
