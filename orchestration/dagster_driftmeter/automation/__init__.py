"""Schedules, sensors, checks and freshness: what Dagster does by itself."""
