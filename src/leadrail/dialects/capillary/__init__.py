"""The Capillary dialect: the `v2/leads` family, 2018 to the current reference (contracts/capillary.md)."""

from leadrail.dialects.capillary.routes import face
from leadrail.dialects.capillary.store import forget_customer as erase

__all__ = ["erase", "face"]
