"""The database: pool, transactions, migrations and the embedded PostgreSQL server."""
