"""Companies: the tenant, its users and its API keys."""
