"""Channels: a pipeline with its statuses, properties and members."""
