"""The Capillary dialect: the `v2/leads` family, 2018 to the current reference (contracts/capillary.md)."""

from leadrail.dialects.capillary.routes import face

__all__ = ["face"]
