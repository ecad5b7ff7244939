"""Incidents: what was wrong on a day, diagnosed, and folded into incidents over days."""
