"""Bulk changes: one change of many leads, worked through in the background by the same rules as a single one."""
