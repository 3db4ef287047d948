"""Four vendors' lead APIs, each a sealed folder over the same core."""
