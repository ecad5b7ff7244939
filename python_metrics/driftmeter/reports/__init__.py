"""Evidently's pages on demand: one day, or one segment of it, against a baseline."""
