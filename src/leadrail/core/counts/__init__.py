"""Leads and moves counted: sums that a worker keeps out of the feed of events, and what is read from them."""
