"""Leads: the contact, its identity keys, and the rules by which it changes."""
