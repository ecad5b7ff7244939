"""The warehouse: which Postgres it is, how rows go in and out of it, and its own tables."""
