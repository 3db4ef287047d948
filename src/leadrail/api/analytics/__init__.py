"""What is counted of leads and moves, over the native API."""

from leadrail.api.analytics.operations import OPERATIONS

__all__ = ["OPERATIONS"]
