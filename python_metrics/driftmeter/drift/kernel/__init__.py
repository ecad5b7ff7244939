"""Evidently's default scores of a column, with all that concerns the reference computed once."""
