"""Alarms that keep a budget: what a calm day looks like, and which days are not calm."""
