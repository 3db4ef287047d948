"""SendPilot's lead API over the core. What its contract leaves open is decided in docs/dialects/sendpilot.md."""

from leadrail.dialects.sendpilot import outgoing
from leadrail.dialects.sendpilot.routes import face

__all__ = ["face", "outgoing"]
