"""An admitted request, as every operation of this dialect gets it."""

import msgspec

from leadrail.core.actor import Actor
from leadrail.core.core import Core
from leadrail.dialects.capillary.auth import Attribution
from leadrail.kit.http import Request


class Call(msgspec.Struct, frozen=True):
    """`attribution` is in whose name the caller says that it acts, None when it says nothing."""

    core: Core
    actor: Actor
    attribution: Attribution | None
    request: Request
