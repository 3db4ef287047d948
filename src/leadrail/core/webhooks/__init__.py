"""Webhooks: endpoints, and the deliveries that are due to them."""
