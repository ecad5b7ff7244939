"""Incidents: diagnoses of what was wrong on a day, combined over days."""
