"""Leads from files: read, understood, tried, brought in, taken back."""
