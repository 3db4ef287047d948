"""Leads over the native API."""

from leadrail.api.leads import duplicates, operations

OPERATIONS = (*operations.OPERATIONS, *duplicates.OPERATIONS)

__all__ = ["OPERATIONS"]
