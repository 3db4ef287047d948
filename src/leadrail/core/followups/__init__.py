"""Follow-ups: planned and done contacts on a lead."""
