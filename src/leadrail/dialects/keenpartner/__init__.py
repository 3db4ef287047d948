"""KeenPartner's lead API over the core. What its contract leaves open is decided in docs/dialects/keenpartner.md."""

from leadrail.dialects.keenpartner import outgoing
from leadrail.dialects.keenpartner.routes import face

__all__ = ["face", "outgoing"]
