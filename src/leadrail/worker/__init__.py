"""The worker role: claims due deliveries, sends, records; periodic jobs."""
