"""What persons have agreed to, with its ground, its time and its proof: a ledger per lead."""
