"""Webhook endpoints, the log of what was sent to them, and replay."""

from leadrail.api.webhooks.operations import OPERATIONS

__all__ = ["OPERATIONS"]
