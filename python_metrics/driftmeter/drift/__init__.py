"""Drift of a day against the reference, and the tests of a day; one partition at a time."""
