"""Leadrail: a self-hosted lead lifecycle server."""
