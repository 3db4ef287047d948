"""Rewards over the native API."""

from leadrail.api.rewards.operations import OPERATIONS

__all__ = ["OPERATIONS"]
