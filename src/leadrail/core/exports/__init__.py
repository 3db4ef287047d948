"""Leads and their history as files, in one pass with flat memory."""
