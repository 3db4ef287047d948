"""`make bench`: the write path beside pgbench doing the same transactions, and beside a plain framework, in one run."""
