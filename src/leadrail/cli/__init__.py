"""The command line."""

from leadrail.cli.commands import main

__all__ = ["main"]
