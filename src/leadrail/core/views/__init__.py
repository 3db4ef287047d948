"""Lists of leads that somebody saved."""
