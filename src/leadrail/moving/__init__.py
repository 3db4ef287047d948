"""Moving a live account of a vendor here, read through the vendor's own public API."""
