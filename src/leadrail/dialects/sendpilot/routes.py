"""SendPilot's paths, below `/v1` and below the first generation's `/api/v1` (contract sections 1 and 3).

A further call is its structs in `wire`, one function and its row in `CALLS`.
"""

from collections.abc import Awaitable, Callable

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.dialects.sendpilot import arrivals, campaigns, leads, workspace
from leadrail.dialects.sendpilot.auth import Right, admit
from leadrail.dialects.sendpilot.errors import NotOffered, on_error
from leadrail.kit.http import Face, Handler, Request, Response, Route

BASES = ("/v1", "/api/v1")
BODY_LIMIT = 4 << 20
"""A thousand leads of four kilobytes each."""


class Row(msgspec.Struct, frozen=True):
    """A call, and the right that it takes."""

    method: str
    path: str
    right: Right
    call: Callable[[Core, Actor, Request], Awaitable[Response]]


CALLS = (
    Row("GET", "/me", Right.WORKSPACE_READ, workspace.me),
    Row("GET", "/credits", Right.WORKSPACE_READ, workspace.credit_balance),
    Row("GET", "/campaigns", Right.CAMPAIGNS_READ, campaigns.list_campaigns),
    Row("GET", "/campaigns/{id}", Right.CAMPAIGNS_READ, campaigns.one_campaign),
    Row("PATCH", "/campaigns/{id}", Right.CAMPAIGNS_WRITE, campaigns.pause_or_resume),
    Row("GET", "/leads", Right.LEADS_READ, leads.list_leads),
    Row("GET", "/leads/{id}", Right.LEADS_READ, leads.one_lead),
    Row("POST", "/leads", Right.LEADS_WRITE, arrivals.add_leads),
    Row("PATCH", "/leads/{id}/status", Right.LEADS_WRITE, leads.change_status),
)

_SENDERS = "Leadrail sends nothing to LinkedIn and connects no accounts; there are no senders"
_INBOX = "Leadrail keeps leads and reads no LinkedIn inbox; read conversations where the account is connected"
_SENDING = "Leadrail keeps leads and sends nothing to LinkedIn; send with the tool to which the account is connected"
_SEARCHING = "Leadrail keeps leads and has no database of people to search; add leads with POST /v1/leads"
_EXTRACTING = "Leadrail keeps leads and extracts none from LinkedIn; add leads with POST /v1/leads"

NOT_OFFERED = (
    ("GET", "/senders/quotas", _SENDERS),
    ("GET", "/inbox/senders", _SENDERS),
    ("GET", "/inbox/conversations", _INBOX),
    ("GET", "/inbox/conversations/{id}/messages", _INBOX),
    ("POST", "/inbox/send", _SENDING),
    ("POST", "/inbox/send/lead/{id}", _SENDING),
    ("POST", "/inbox/connect", _SENDING),
    ("GET", "/lead-database/filters", _SEARCHING),
    ("POST", "/lead-database/searches", _SEARCHING),
    ("GET", "/lead-database/searches/{id}/status", _SEARCHING),
    ("GET", "/lead-database/searches/{id}/results", _SEARCHING),
    ("POST", "/lead-extractor/campaigns", _EXTRACTING),
    ("GET", "/lead-extractor/campaigns/{id}/status", _EXTRACTING),
    ("GET", "/lead-extractor/campaigns/{id}/results", _EXTRACTING),
)
"""Calls that are answered 501, in these words, whatever the key may do."""


def face(core: Core) -> Face:
    served = [Route(row.method, base + row.path, _serving(core, row)) for base in BASES for row in CALLS]
    refused = [
        Route(method, base + path, _refusing(core, words)) for base in BASES for method, path, words in NOT_OFFERED
    ]
    return Face(served + refused, on_error, body_limit=BODY_LIMIT)


def _serving(core: Core, row: Row) -> Handler:
    async def handle(request: Request) -> Response:
        return await row.call(core, await admit(core, request, row.right), request)

    return handle


def _refusing(core: Core, words: str) -> Handler:
    async def handle(request: Request) -> Response:
        await admit(core, request, None)
        raise NotOffered(words)

    return handle
