"""Notes: what is written down about a lead."""
