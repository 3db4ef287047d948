"""Channels over the native API."""

from leadrail.api.channels.operations import OPERATIONS

__all__ = ["OPERATIONS"]
