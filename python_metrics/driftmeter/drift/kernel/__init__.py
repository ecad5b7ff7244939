"""Evidently's default scores of a column, with the work on the reference done once."""
