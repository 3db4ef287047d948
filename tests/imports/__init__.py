"""Imports, from bytes to leads and back."""
