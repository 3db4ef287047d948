"""Leads from files: taken in, understood, tried, brought in, taken back."""

from leadrail.api.imports.operations import OPERATIONS

__all__ = ["OPERATIONS"]
