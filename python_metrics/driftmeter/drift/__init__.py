"""Drift and tests of a day, one partition at a time."""
