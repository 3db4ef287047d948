"""Notifications: the notices of the event feed as one user sees them, with read marks."""
