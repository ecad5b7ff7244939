"""Checks whether Driftmeter itself works, and says what to do where it does not."""
