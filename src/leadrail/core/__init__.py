"""The product: its rules and its SQL. No HTTP and no vendor word in here."""
