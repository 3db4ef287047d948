"""The Octanist dialect, generations A and B of its documentation (contracts/octanist.md)."""

from leadrail.dialects.octanist.routes import face

__all__ = ["face"]
