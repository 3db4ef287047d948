"""Leads over the native API."""

from leadrail.api.leads import duplicates, merging, operations

OPERATIONS = (*operations.OPERATIONS, *duplicates.OPERATIONS, *merging.OPERATIONS)

__all__ = ["OPERATIONS"]
