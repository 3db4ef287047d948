"""The block list of a company: identity keys that may not come in again, kept so that nobody can read them off."""
