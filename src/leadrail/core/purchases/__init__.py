"""Purchases: what a lead bought."""
