"""The Octanist dialect, all generations of its documentation (contracts/octanist.md)."""

from leadrail.dialects.octanist.routes import face

__all__ = ["face"]
