"""Rewards: what a partner earns when a trigger matches."""
