"""Events: the append-only record of what happened to a lead."""
