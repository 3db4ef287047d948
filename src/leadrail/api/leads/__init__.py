"""Leads over the native API."""

from leadrail.api.leads.operations import OPERATIONS

__all__ = ["OPERATIONS"]
